//! The disks of a run: what users do there, what is there, and the ledger of what was ever there.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use hythe_model::TreePath;

use super::script::{At, Deed, Value};

/// Values below this are short texts that several users may write.
pub const SHARED_VALUES: Value = 4;

/// The hash of a content.
pub type Hash = [u8; 32];

/// The content that a number stands for: most of one length, some of another, a few of several
/// chunks.
pub fn content(value: Value) -> Vec<u8> {
    match value {
        0..SHARED_VALUES => format!("shared {value}\n").into_bytes(),
        _ if value.is_multiple_of(23) => {
            let mut bytes = vec![0; 400_000];
            let mut noise = blake3::Hasher::new();
            noise.update(&value.to_le_bytes());
            noise.finalize_xof().fill(&mut bytes);
            bytes
        }
        _ if value.is_multiple_of(7) => "long ".repeat(value as usize % 99).into_bytes(),
        _ => format!("value {value:06}\n").into_bytes(),
    }
}

/// An entry of a tree, as far as it is the same everywhere (C1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Directory,
    File {
        hash: Hash,
        executable: bool,
        modified: (i64, i64),
    },
    Link(PathBuf),
}

/// Everything below a folder, by path.
pub type Tree = BTreeMap<Vec<u8>, Entry>;

/// What is in a folder, without Hythe's own directory.
pub fn tree(directory: &Path) -> Tree {
    let mut tree = Tree::new();
    list(directory, directory, &mut tree);
    tree
}

fn list(root: &Path, directory: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let below = path.strip_prefix(root).unwrap();
        if below.starts_with(".hythe") {
            continue;
        }
        let about = fs::symlink_metadata(&path).unwrap();
        let entry = if about.is_dir() {
            list(root, &path, tree);
            Entry::Directory
        } else if about.is_symlink() {
            Entry::Link(fs::read_link(&path).unwrap())
        } else {
            Entry::File {
                hash: *blake3::hash(&fs::read(&path).unwrap()).as_bytes(),
                executable: about.mode() & 0o100 != 0,
                modified: (about.mtime(), about.mtime_nsec()),
            }
        };
        tree.insert(below.as_os_str().as_bytes().to_vec(), entry);
    }
}

/// The contents of a tree's files.
pub fn contents(tree: &Tree) -> impl Iterator<Item = Hash> {
    tree.values().filter_map(|entry| match entry {
        Entry::File { hash, .. } => Some(*hash),
        _ => None,
    })
}

/// What is known of contents that were ever on a disk.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Every content a user wrote, and how often.
    pub written: BTreeMap<Hash, u32>,
    /// What a user overwrote or removed while no other disk had it: no promise holds for it, unless
    /// the server had it by then.
    pub excused: BTreeSet<Hash>,
}

/// The folders of all devices, and what was in them.
pub struct Grounds {
    folders: Vec<PathBuf>,
    ledger: Mutex<Ledger>,
    /// The places of each deed that a device has not been told of yet.
    touched: Vec<Mutex<Vec<BTreeSet<TreePath>>>>,
}

impl Grounds {
    pub fn new(folders: Vec<PathBuf>) -> Self {
        let touched = folders.iter().map(|_| Mutex::default()).collect();
        Self {
            folders,
            ledger: Mutex::default(),
            touched,
        }
    }

    pub fn folder(&self, device: usize) -> &Path {
        &self.folders[device]
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    /// The places that deeds changed on a device since this was asked last, without those deeds
    /// that a mask leaves out.
    pub fn take_touched(&self, device: usize, mask: u64) -> BTreeSet<TreePath> {
        let deeds = std::mem::take(&mut *self.touched[device].lock().unwrap());
        let told = deeds.into_iter().enumerate();
        let told = told.filter(|(at, _)| mask >> (at % 64) & 1 == 1);
        told.flat_map(|(_, places)| places).collect()
    }

    /// Contents that are on some disk now, plugged in or not.
    pub fn everywhere(&self) -> BTreeSet<Hash> {
        let away = (0..self.folders.len()).map(|device| self.away(device));
        let places = self.folders.iter().cloned().chain(away);
        let trees = places
            .filter(|place| place.is_dir())
            .map(|place| tree(&place));
        trees
            .flat_map(|tree| contents(&tree).collect::<Vec<_>>())
            .collect()
    }

    /// Where a device's folder is while it is away.
    fn away(&self, device: usize) -> PathBuf {
        self.folders[device].with_extension("away")
    }

    /// Whether a device's folder is where it belongs.
    pub fn is_there(&self, device: usize) -> bool {
        self.folders[device].is_dir()
    }

    /// Takes a device's folder away, or brings it back.
    pub fn unplug(&self, device: usize) {
        let (here, away) = (self.folder(device), self.away(device));
        match self.is_there(device) {
            true => fs::rename(here, away).unwrap(),
            false => fs::rename(away, here).unwrap(),
        }
    }

    /// Puts a copy of a device's folder in its place.
    pub fn recopy(&self, device: usize) {
        if self.is_there(device) {
            let copy = self.folders[device].with_extension("copy");
            copy_all(self.folder(device), &copy);
            fs::remove_dir_all(self.folder(device)).unwrap();
            fs::rename(copy, self.folder(device)).unwrap();
        }
    }

    /// The server forgets what came after some moment: what is on no disk is gone with it.
    pub fn server_forgets(&self) {
        let everywhere = self.everywhere();
        let mut ledger = self.ledger();
        let gone = ledger.written.keys().copied();
        let gone: Vec<Hash> = gone.filter(|hash| !everywhere.contains(hash)).collect();
        ledger.excused.extend(gone);
    }

    /// Does what a user does. What cannot be done (no such file, not empty) is not done.
    pub fn deed(&self, device: usize, deed: &Deed) {
        if !self.is_there(device) {
            return;
        }
        let before = self.counted(device);
        self.touched[device].lock().unwrap().push(BTreeSet::new());
        // A user whose command fails lives with it.
        let _ = self.attempt(device, deed);
        let after = self.counted(device);
        let mut ledger = self.ledger();
        for (hash, count) in &after {
            let new = count.saturating_sub(before.get(hash).copied().unwrap_or_default());
            *ledger.written.entry(*hash).or_default() += new;
        }
        let gone = before.keys().filter(|hash| !after.contains_key(*hash));
        let gone: Vec<Hash> = gone.copied().collect();
        if !gone.is_empty() {
            let everywhere = self.everywhere();
            let gone = gone.into_iter().filter(|hash| !everywhere.contains(hash));
            ledger.excused.extend(gone);
        }
    }

    /// How often each content is in a folder.
    fn counted(&self, device: usize) -> BTreeMap<Hash, u32> {
        let mut counted = BTreeMap::new();
        for hash in contents(&tree(self.folder(device))) {
            *counted.entry(hash).or_default() += 1;
        }
        counted
    }

    fn attempt(&self, device: usize, deed: &Deed) -> io::Result<()> {
        let user = User {
            grounds: self,
            device,
        };
        match *deed {
            Deed::Write {
                at,
                value,
                same_time,
            } => user.write(at, value, same_time),
            Deed::Save { at, value } => user.save(at, value),
            Deed::Append { at, value } => user.append(at, value),
            Deed::Remove { at } => user.remove(at),
            Deed::Move { from, to } => fs::rename(user.path(from), user.new_path(to)?),
            Deed::Swap { one, other } => {
                let (one, other) = (user.path(one), user.path(other));
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                let here = rustix::fs::CWD;
                Ok(rustix::fs::renameat_with(here, one, here, other, flags)?)
            }
            Deed::MakeDirectory { at } => fs::create_dir_all(user.new_path(at)?),
            Deed::Link { at, value } => {
                let path = user.new_path(at)?;
                user.remove(at)?;
                symlink(format!("target {value}"), path)
            }
            Deed::Chmod { at } => {
                let path = user.file(at)?;
                let mode = fs::metadata(&path)?.mode() ^ 0o111;
                fs::set_permissions(path, PermissionsExt::from_mode(mode))
            }
            Deed::Touch { at, seconds } => {
                let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
                File::options()
                    .write(true)
                    .open(user.file(at)?)?
                    .set_modified(time)
            }
            Deed::Retype { at, value } => {
                let was_directory = fs::symlink_metadata(user.path(at))?.is_dir();
                user.remove(at)?;
                match was_directory {
                    true => user.write(at, value, false),
                    false => fs::create_dir(user.new_path(at)?),
                }
            }
        }
    }
}

/// Copies a directory with times and modes, as a backup does.
pub fn copy_all(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(done.unwrap().success());
}

/// A user at a device.
struct User<'g> {
    grounds: &'g Grounds,
    device: usize,
}

impl User<'_> {
    fn path(&self, at: At) -> PathBuf {
        self.touch(at);
        self.grounds
            .folder(self.device)
            .join(OsStr::from_bytes(at.bytes()))
    }

    /// A path whose directories are made.
    fn new_path(&self, at: At) -> io::Result<PathBuf> {
        let path = self.path(at);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        Ok(path)
    }

    /// The path of a plain file: nobody's deeds go through a link.
    fn file(&self, at: At) -> io::Result<PathBuf> {
        let path = self.path(at);
        match fs::symlink_metadata(&path)?.is_file() {
            true => Ok(path),
            false => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Notes a place, and those above it, as changed.
    fn touch(&self, at: At) {
        let mut touched = self.grounds.touched[self.device].lock().unwrap();
        let mut place = TreePath::parse(at.bytes()).ok();
        while let (Some(path), Some(touched)) = (place, touched.last_mut()) {
            place = path.parent();
            touched.insert(path);
        }
    }

    fn write(&self, at: At, value: Value, same_time: bool) -> io::Result<()> {
        let path = self.new_path(at)?;
        let about = fs::symlink_metadata(&path).ok();
        if about.as_ref().is_some_and(|about| !about.is_file()) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        fs::write(&path, content(value))?;
        match about {
            Some(about) if same_time => {
                let times = FileTimes::new().set_modified(about.modified()?);
                File::options().write(true).open(&path)?.set_times(times)
            }
            _ => Ok(()),
        }
    }

    fn save(&self, at: At, value: Value) -> io::Result<()> {
        let path = self.new_path(at)?;
        let beside = path.with_file_name(".saving");
        fs::write(&beside, content(value))?;
        fs::rename(&beside, &path).inspect_err(|_| {
            // It cannot take the name of a directory, and is given up.
            let _ = fs::remove_file(&beside);
        })
    }

    fn append(&self, at: At, value: Value) -> io::Result<()> {
        use std::io::Write;
        let mut file = File::options().append(true).open(self.file(at)?)?;
        file.write_all(&content(value))
    }

    fn remove(&self, at: At) -> io::Result<()> {
        let path = self.path(at);
        match fs::symlink_metadata(&path) {
            Ok(about) if about.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(_) => Ok(()),
        }
    }
}
