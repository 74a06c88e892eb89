//! The descriptor that comes with a request: where content goes, or where it comes from.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl};

use crate::transfer::SourceFile;

/// Bytes that are copied at a time.
const BLOCK: usize = 256 << 10;

/// A run of a file on its way out.
pub(super) enum Run {
    /// Bytes.
    Data(Vec<u8>),
    /// This many zeros.
    Hole(u64),
}

/// Where content goes, in order: a file, or whatever else takes bytes. Calls block.
pub(super) struct Sink {
    file: File,
    /// Whether holes can be left out by moving on.
    seeks: bool,
    /// Whether the last run was a hole that was left out.
    open_end: bool,
}

impl Sink {
    pub fn new(descriptor: OwnedFd) -> io::Result<Self> {
        let file = File::from(descriptor);
        let flags = fcntl_getfl(&file).map_err(io::Error::from)?;
        let seeks = file.metadata()?.is_file() && !flags.contains(OFlags::APPEND);
        Ok(Self {
            file,
            seeks,
            open_end: false,
        })
    }

    /// Writes the next run.
    pub fn put(&mut self, run: Run) -> io::Result<()> {
        match run {
            Run::Data(bytes) => self.data(&bytes),
            Run::Hole(length) => self.hole(length),
        }
    }

    fn hole(&mut self, length: u64) -> io::Result<()> {
        if let (true, Ok(ahead)) = (self.seeks, i64::try_from(length)) {
            self.file.seek(SeekFrom::Current(ahead))?;
            self.open_end = true;
            return Ok(());
        }
        let zeros = vec![0; BLOCK];
        let mut left = length;
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            self.data(zeros.get(..now).unwrap_or_default())?;
            left -= now as u64;
        }
        Ok(())
    }

    fn data(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.open_end = false;
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) => wait_or(&self.file, error, PollFlags::OUT)?,
            }
        }
        Ok(())
    }

    /// Gives the file its length where it ends in a hole.
    pub fn finish(mut self) -> io::Result<()> {
        if self.open_end {
            let end = self.file.stream_position()?;
            if self.file.metadata()?.len() < end {
                self.file.set_len(end)?;
            }
        }
        Ok(())
    }
}

/// Waits until a descriptor that does not block goes on. Any other error is returned.
fn wait_or(file: &File, error: io::Error, what: PollFlags) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock => {
            let mut waiting = [PollFd::from_borrowed_fd(file.as_fd(), what)];
            match poll(&mut waiting, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
        _ => Err(error),
    }
}

/// Content from a descriptor's present position to its end, as one state of a file.
pub(crate) struct Origin {
    file: File,
    start: u64,
    size: u64,
    stamp: Stamp,
}

/// What tells that a file was written to.
#[derive(PartialEq, Eq)]
struct Stamp([i64; 4], u64);

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let found = file.metadata()?;
        let times = [
            found.mtime(),
            found.mtime_nsec(),
            found.ctime(),
            found.ctime_nsec(),
        ];
        Ok(Self(times, found.size()))
    }
}

impl Origin {
    /// A regular file is read where it is; anything else is first read to its end into a file
    /// without a name in `spool`. Blocks.
    pub fn open(descriptor: OwnedFd, spool: &Path) -> io::Result<Self> {
        let mut file = File::from(descriptor);
        if file.metadata()?.is_file() {
            let start = file.stream_position()?;
            return Self::of(file, start);
        }
        let mut kept = nameless(spool)?;
        let mut block = vec![0; BLOCK];
        loop {
            match file.read(&mut block) {
                Ok(0) => break,
                Ok(count) => kept.write_all(block.get(..count).unwrap_or_default())?,
                Err(error) => wait_or(&file, error, PollFlags::IN)?,
            }
        }
        Self::of(kept, 0)
    }

    /// What is in a file from a position on.
    pub(super) fn of(file: File, start: u64) -> io::Result<Self> {
        let stamp = Stamp::of(&file)?;
        let size = stamp.1.saturating_sub(start);
        Ok(Self {
            file,
            start,
            size,
            stamp,
        })
    }

    /// Whether what was read is one state of the file (S7).
    pub fn is_whole(&self) -> io::Result<bool> {
        Ok(Stamp::of(&self.file)? == self.stamp)
    }
}

/// A file that nobody else sees and that is gone when it is closed.
pub(super) fn nameless(directory: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    let flags = i32::try_from(OFlags::TMPFILE.bits()).unwrap_or_default();
    if let Ok(file) = options.clone().custom_flags(flags).open(directory) {
        return Ok(file);
    }
    // File systems without such files: one with a name, for a moment.
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let path = directory.join(format!("spool-{}", data_encoding::HEXLOWER.encode(&random)));
    let file = options.create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

impl SourceFile for Origin {
    fn size(&self) -> u64 {
        self.size
    }

    fn extents(&self) -> io::Result<Vec<Range<u64>>> {
        let (mut found, mut at) = (Vec::new(), 0);
        while at < self.size {
            let Some(data) = crate::os::data_from(&self.file, self.start + at)? else {
                break;
            };
            let begin = data.start.saturating_sub(self.start).max(at);
            let end = data.end.saturating_sub(self.start).min(self.size);
            if begin >= end {
                break;
            }
            found.push(begin..end);
            at = end;
        }
        Ok(found)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, self.start + offset)
    }
}
