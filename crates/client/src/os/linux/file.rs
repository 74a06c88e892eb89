//! Open files: making, holes, attributes, durability.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsFd;

use hythe_model::Timestamp;
use rustix::fs::{FallocateFlags, Mode, OFlags, SeekFrom};
use rustix::io::Errno;

/// Makes a new file, readable and writable by its owner alone (C-4).
///
/// # Errors
/// The system's; [`io::ErrorKind::AlreadyExists`] when there is anything of that name.
pub fn create_file(directory: impl AsFd, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?.into())
}

/// Opens one of Hythe's own files for reading and writing.
///
/// # Errors
/// The system's.
pub fn open_own(directory: impl AsFd, name: &[u8]) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, name, flags, Mode::empty())?.into())
}

/// The next range that the file system stores at or after `offset`; none when only a hole is left.
/// Where the file system knows no holes this is the rest of the file.
///
/// # Errors
/// The system's.
pub fn data_from(file: &File, offset: u64) -> io::Result<Option<Range<u64>>> {
    match rustix::fs::seek(file, SeekFrom::Data(offset)) {
        Ok(start) => Ok(Some(start..rustix::fs::seek(file, SeekFrom::Hole(start))?)),
        Err(Errno::NXIO) => Ok(None),
        Err(Errno::INVAL) => Ok(Some(offset..file.metadata()?.len())),
        Err(other) => Err(other.into()),
    }
}

/// Makes a range of a file a hole; the file's length stays.
///
/// # Errors
/// The system's; [`io::ErrorKind::Unsupported`] where the file system knows no holes.
pub fn make_hole(file: &File, range: Range<u64>) -> io::Result<()> {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    let length = range.end.saturating_sub(range.start);
    Ok(rustix::fs::fallocate(file, flags, range.start, length)?)
}

/// Sets an open file's modification time.
///
/// # Errors
/// The system's.
pub fn set_file_modified(file: &File, modified: Timestamp) -> io::Result<()> {
    Ok(rustix::fs::futimens(file, &super::entry::times(modified))?)
}

/// Sets an open file's permissions.
///
/// # Errors
/// The system's.
pub fn set_file_permissions(file: &File, mode: u32) -> io::Result<()> {
    Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(mode))?)
}

/// Waits until an open file or directory is on the disk.
///
/// # Errors
/// The system's.
pub fn sync(file: impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::fsync(file)?)
}

/// Waits until everything written to the file system that holds `file` is on the disk.
///
/// # Errors
/// The system's.
pub fn sync_file_system(file: impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::syncfs(file)?)
}

/// A number that tells this file system from others, as far as it has one.
///
/// # Errors
/// The system's.
pub fn file_system_id(file: impl AsFd) -> io::Result<u64> {
    Ok(rustix::fs::fstatvfs(file)?.f_fsid)
}

/// The permission bits that new entries of this process do not get.
///
/// Read from `/proc`, because the system call that returns them also sets them, for all threads.
pub fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|octal| u32::from_str_radix(octal.trim(), 8).ok())
        .unwrap_or(0o022)
}
