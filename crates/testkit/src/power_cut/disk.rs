//! A state on a real disk.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};

use super::log::{Look, Time};
use super::state::{Held, State};

/// An entry as it is now, and as the program knew it.
#[derive(Debug, Clone)]
pub struct Placed {
    /// What the program was told.
    pub known: Look,
    /// Whether the entry is as it was then.
    pub is_as_known: bool,
    /// Its number now.
    pub number: u64,
    /// Its change time now.
    pub changed: Time,
    /// When it was made now, where that is told.
    pub born: Option<Time>,
}

/// Empties the roots, which stay the directories they are, and puts a state there. Numbers of inodes,
/// change times and times of birth cannot be chosen: what they are now is returned for everything
/// the program was ever told of.
///
/// # Errors
/// The system's.
pub fn place(state: &State, roots: &[PathBuf]) -> io::Result<Vec<Placed>> {
    roots.iter().try_for_each(|root| clear(root))?;
    for item in &state.items {
        let path = whole(roots, item.volume, &item.path);
        match &item.held {
            Held::Directory => fs::create_dir(&path)?,
            Held::File(bytes) => fs::write(&path, bytes)?,
            Held::Link(text) => symlink(OsStr::from_bytes(text), &path)?,
        }
        if !matches!(item.held, Held::Link(_)) {
            fs::set_permissions(&path, Permissions::from_mode(item.mode & 0o7777))?;
        }
        if let Some(modified) = item.modified {
            set_modified(&path, modified)?;
        }
    }
    let mut placed = Vec::with_capacity(state.items.len());
    for item in &state.items {
        let Some(known) = item.known else { continue };
        let about = fs::symlink_metadata(whole(roots, item.volume, &item.path))?;
        placed.push(Placed {
            known,
            is_as_known: item.is_as_known,
            number: about.ino(),
            changed: (about.ctime(), about.ctime_nsec()),
            born: about.created().ok().and_then(|born| {
                let since = born.duration_since(std::time::UNIX_EPOCH).ok()?;
                Some((
                    since.as_secs().cast_signed(),
                    i64::from(since.subsec_nanos()),
                ))
            }),
        });
    }
    Ok(placed)
}

fn clear(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

fn whole(roots: &[PathBuf], volume: usize, path: &[Vec<u8>]) -> PathBuf {
    let names = path.iter().map(|name| OsStr::from_bytes(name));
    roots[volume].join(names.collect::<PathBuf>())
}

fn set_modified(path: &Path, (seconds, nanos): Time) -> io::Result<()> {
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: seconds,
            tv_nsec: nanos,
        },
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
