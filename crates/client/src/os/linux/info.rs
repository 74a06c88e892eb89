//! `statx`.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

use hythe_model::Timestamp;
use rustix::fs::{AtFlags, FileType, Statx, StatxAttributes, StatxFlags, StatxTimestamp, statx};

use crate::os::{FileKind, Info, Special};

const WANTED: StatxFlags = StatxFlags::BASIC_STATS
    .union(StatxFlags::BTIME)
    .union(StatxFlags::MNT_ID);

/// What the system says about one name of `directory`.
///
/// # Errors
/// The system's; not found is [`io::ErrorKind::NotFound`].
pub fn info_at(directory: impl AsFd, name: &[u8]) -> io::Result<Info> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    Ok(from_statx(&statx(directory, name, flags, WANTED)?))
}

/// What the system says about an open file or directory.
///
/// # Errors
/// The system's.
pub fn info_of(file: impl AsFd) -> io::Result<Info> {
    Ok(from_statx(&statx(file, c"", AtFlags::EMPTY_PATH, WANTED)?))
}

/// Where an open directory is now, whatever it was opened as. Of one that is gone it is a name
/// under which nothing is found.
///
/// # Errors
/// The system's.
pub fn path_of(directory: impl AsFd) -> io::Result<PathBuf> {
    let number = directory.as_fd().as_raw_fd();
    std::fs::read_link(format!("/proc/self/fd/{number}"))
}

fn from_statx(found: &Statx) -> Info {
    let known = StatxFlags::from_bits_retain(found.stx_mask);
    let birth = known
        .contains(StatxFlags::BTIME)
        .then(|| time(found.stx_btime));
    Info {
        kind: kind(FileType::from_raw_mode(found.stx_mode.into())),
        device: u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor),
        inode: found.stx_ino,
        links: found.stx_nlink,
        mode: u32::from(found.stx_mode) & 0o7777,
        owner: found.stx_uid,
        size: found.stx_size,
        modified: time(found.stx_mtime),
        changed: time(found.stx_ctime),
        birth,
        mount: found.stx_mnt_id,
        mount_root: found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
    }
}

pub(super) fn kind(file_type: FileType) -> FileKind {
    match file_type {
        FileType::Directory => FileKind::Directory,
        FileType::RegularFile => FileKind::File,
        FileType::Symlink => FileKind::Symlink,
        FileType::Fifo => FileKind::Special(Special::Fifo),
        FileType::Socket => FileKind::Special(Special::Socket),
        FileType::BlockDevice | FileType::CharacterDevice => FileKind::Special(Special::Device),
        FileType::Unknown => FileKind::Special(Special::Unknown),
    }
}

fn time(stamp: StatxTimestamp) -> Timestamp {
    Timestamp {
        seconds: stamp.tv_sec,
        nanos: stamp.tv_nsec,
    }
}
