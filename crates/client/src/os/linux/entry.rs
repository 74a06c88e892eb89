//! Making, moving and removing entries: always one open directory and one name.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use hythe_model::Timestamp;
use rustix::fs::{AtFlags, CWD, Mode, RenameFlags, Timespec, Timestamps};

/// Renames; fails with [`io::ErrorKind::AlreadyExists`] rather than replace anything.
///
/// # Errors
/// The system's.
pub fn move_new(from: impl AsFd, name: &[u8], to: impl AsFd, new: &[u8]) -> io::Result<()> {
    tracing::trace!(from = %shown(name), to = %shown(new), "rename");
    Ok(rustix::fs::renameat_with(
        from,
        name,
        to,
        new,
        RenameFlags::NOREPLACE,
    )?)
}

/// Renames over whatever has the new name. Only ever for Hythe's own files.
///
/// # Errors
/// The system's.
pub fn move_over(from: impl AsFd, name: &[u8], to: impl AsFd, new: &[u8]) -> io::Result<()> {
    tracing::trace!(from = %shown(name), to = %shown(new), "rename over");
    Ok(rustix::fs::renameat(from, name, to, new)?)
}

/// Exchanges two entries in one step: at no time is either name missing (S6).
///
/// # Errors
/// The system's.
pub fn exchange(left: impl AsFd, name: &[u8], right: impl AsFd, other: &[u8]) -> io::Result<()> {
    tracing::trace!(one = %shown(name), other = %shown(other), "exchange");
    Ok(rustix::fs::renameat_with(
        left,
        name,
        right,
        other,
        RenameFlags::EXCHANGE,
    )?)
}

/// Makes a directory with the permissions `mode`, as they are.
///
/// # Errors
/// The system's.
pub fn make_directory(directory: impl AsFd, name: &[u8], mode: u32) -> io::Result<()> {
    tracing::trace!(name = %shown(name), "make a directory");
    Ok(rustix::fs::mkdirat(
        directory,
        name,
        Mode::from_raw_mode(mode),
    )?)
}

/// Makes a symlink with the text `target`, which nothing here ever follows.
///
/// # Errors
/// The system's.
pub fn make_link(directory: impl AsFd, name: &[u8], target: &[u8]) -> io::Result<()> {
    tracing::trace!(name = %shown(name), "make a symlink");
    Ok(rustix::fs::symlinkat(target, directory, name)?)
}

/// The text of a symlink.
///
/// # Errors
/// The system's.
pub fn read_link(directory: impl AsFd, name: &[u8]) -> io::Result<Vec<u8>> {
    Ok(rustix::fs::readlinkat(directory, name, Vec::new())?.into_bytes())
}

/// Removes the name of a file or symlink.
///
/// # Errors
/// The system's.
pub fn remove_file(directory: impl AsFd, name: &[u8]) -> io::Result<()> {
    tracing::trace!(name = %shown(name), "remove");
    Ok(rustix::fs::unlinkat(directory, name, AtFlags::empty())?)
}

/// Removes an empty directory; anything in it makes this fail and stays.
///
/// # Errors
/// The system's.
pub fn remove_directory(directory: impl AsFd, name: &[u8]) -> io::Result<()> {
    tracing::trace!(name = %shown(name), "remove a directory");
    Ok(rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR)?)
}

/// Sets the modification time of an entry opened as [`Want::Entry`](super::Want::Entry), of a
/// symlink its own.
///
/// # Errors
/// The system's.
pub fn set_modified(entry: &OwnedFd, modified: Timestamp) -> io::Result<()> {
    Ok(rustix::fs::utimensat(
        entry,
        c"",
        &times(modified),
        AtFlags::EMPTY_PATH,
    )?)
}

/// Sets the permissions of an entry opened as [`Want::Entry`](super::Want::Entry), which needs no
/// right to read it.
///
/// # Errors
/// The system's.
pub fn set_permissions(entry: &OwnedFd, mode: u32) -> io::Result<()> {
    let handle = format!("/proc/self/fd/{}", entry.as_raw_fd());
    Ok(rustix::fs::chmodat(
        CWD,
        handle,
        Mode::from_raw_mode(mode),
        AtFlags::empty(),
    )?)
}

/// A name in a trace: every change of names is told before it is made.
fn shown(name: &[u8]) -> impl std::fmt::Display + '_ {
    name.escape_ascii()
}

/// Modification time as given, access time untouched.
pub(super) fn times(modified: Timestamp) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: rustix::fs::UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: modified.seconds,
            tv_nsec: i64::from(modified.nanos.min(999_999_999)),
        },
    }
}
