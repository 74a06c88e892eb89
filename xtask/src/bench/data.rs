//! Test data: deterministic, incompressible, and compared byte for byte.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Result, bail};

/// A small generator (xorshift64*, Vigna 2016): the same bytes for the same seed, faster than the
/// disk, and not compressible.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn fill(&mut self, buffer: &mut [u8]) {
        for part in buffer.chunks_mut(8) {
            let bytes = self.next().to_le_bytes();
            part.copy_from_slice(&bytes[..part.len()]);
        }
    }
}

/// Writes `mib` MiB of random bytes after `front`.
pub fn write_big_file(path: &Path, mib: u64, seed: u64, front: &[u8]) -> Result<()> {
    let mut random = Random::new(seed);
    let mut file = File::create(path)?;
    file.write_all(front)?;
    let mut block = vec![0u8; 1 << 20];
    for _ in 0..mib {
        random.fill(&mut block);
        file.write_all(&block)?;
    }
    Ok(())
}

/// Writes `count` files of `bytes` bytes, 100 to a folder.
pub fn write_small_files(directory: &Path, count: usize, bytes: usize, seed: u64) -> Result<()> {
    let mut random = Random::new(seed);
    let mut content = vec![0u8; bytes];
    for index in 0..count {
        let folder = directory.join(format!("d{:03}", index / 100));
        if index % 100 == 0 {
            fs::create_dir_all(&folder)?;
        }
        random.fill(&mut content);
        let mut file = BufWriter::new(File::create(folder.join(format!("f{index:05}")))?);
        file.write_all(&content)?;
    }
    Ok(())
}

/// Fails when two trees differ in names or bytes. `.hythe` and `.stfolder` are the candidates' own.
pub fn assert_same(a: &Path, b: &Path) -> Result<()> {
    let (left, right) = (names(a)?, names(b)?);
    if left != right {
        bail!("{} and {} hold different names", a.display(), b.display());
    }
    for name in left {
        let (pa, pb) = (a.join(&name), b.join(&name));
        let kind = fs::symlink_metadata(&pa)?;
        if kind.is_dir() {
            assert_same(&pa, &pb)?;
        } else if !same_bytes(&pa, &pb)? {
            bail!("{} and {} differ", pa.display(), pb.display());
        }
    }
    Ok(())
}

fn names(directory: &Path) -> Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if name != ".hythe" && name != ".stfolder" {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Whether two files hold the same bytes; false when one of them is not there.
pub fn same_bytes(a: &Path, b: &Path) -> Result<bool> {
    let (Ok(mut left), Ok(mut right)) = (File::open(a), File::open(b)) else {
        return Ok(false);
    };
    if left.metadata()?.len() != right.metadata()?.len() {
        return Ok(false);
    }
    let (mut x, mut y) = (vec![0u8; 1 << 20], vec![0u8; 1 << 20]);
    loop {
        let n = left.read(&mut x)?;
        if n == 0 {
            return Ok(true);
        }
        right.read_exact(&mut y[..n])?;
        if x[..n] != y[..n] {
            return Ok(false);
        }
    }
}
