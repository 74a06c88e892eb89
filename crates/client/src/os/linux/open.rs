//! Opening without ever leaving the directory one started from (T5).

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

/// What to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// A directory, to list, watch, sync or work in.
    Directory,
    /// A file's bytes. Does not wait for the other end of a pipe.
    Content,
    /// The entry itself, to look at; of a symlink the symlink.
    Entry,
}

impl Want {
    fn flags(self) -> OFlags {
        let always = OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match self {
            Self::Directory => always | OFlags::RDONLY | OFlags::DIRECTORY,
            Self::Content => always | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY,
            Self::Entry => always | OFlags::PATH,
        }
    }
}

/// The longest relative path given to the kernel in one call; `PATH_MAX` counts its NUL too.
const LONGEST_CALL: usize = 4095;

/// Never above the start, never through a symlink, never onto another mount.
const CONFINED: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// Opens the directory at `path` of the system, through symlinks: what a user configured.
///
/// # Errors
/// The system's.
pub fn open_root(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

/// Opens one name of `directory`, confined.
///
/// # Errors
/// The system's; `ELOOP` for a symlink, `EXDEV` for another mount.
pub fn open_at(directory: impl AsFd, name: &[u8], want: Want) -> io::Result<OwnedFd> {
    let mut tries = 0;
    loop {
        match rustix::fs::openat2(&directory, name, want.flags(), Mode::empty(), CONFINED) {
            // The kernel saw a rename somewhere above and could not prove that the walk stayed
            // inside; it asks to try again.
            Err(rustix::io::Errno::AGAIN) if tries < 100 => tries += 1,
            other => return Ok(other?),
        }
    }
}

/// Opens what `path` names below `directory`, confined at every step. A path longer than the
/// kernel takes at once is walked in pieces by directory handle (SC-045). Empty means `directory`.
///
/// # Errors
/// As [`open_at`].
pub fn open_below(directory: BorrowedFd<'_>, path: &[u8], want: Want) -> io::Result<OwnedFd> {
    let mut rest = path;
    let mut reached: Option<OwnedFd> = None;
    while rest.len() > LONGEST_CALL {
        let (piece, after) = split(rest)?;
        let from = reached.as_ref().map_or(directory, AsFd::as_fd);
        reached = Some(open_at(from, piece, Want::Directory)?);
        rest = after;
    }
    let from = reached.as_ref().map_or(directory, AsFd::as_fd);
    open_at(from, if rest.is_empty() { b"." } else { rest }, want)
}

/// Cuts a long path at the last slash that leaves a piece the kernel takes.
fn split(path: &[u8]) -> io::Result<(&[u8], &[u8])> {
    let head = path.get(..=LONGEST_CALL).unwrap_or(path);
    let cut = head.iter().rposition(|byte| *byte == b'/');
    let cut = cut.ok_or(io::ErrorKind::InvalidFilename)?;
    let (piece, after) = path.split_at(cut);
    Ok((piece, after.get(1..).unwrap_or_default()))
}
