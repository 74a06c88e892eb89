//! A sync folder, open and locked.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hythe_model::{Timestamp, TreePath};

use super::error::DiskError;
use super::identity::{Absence, Inspection, OpenError, Opened, Owner, Verdict};
use super::marker::{Generation, Marker};
use super::part::Parts;
use super::place::Place;
use super::probe::{self, Grain};
use super::stamp::Found;
use crate::os::{self, Listing, Want};

/// The entry of a sync folder that is Hythe's own.
pub const HYTHE: &[u8] = b".hythe";
const STAGING: &[u8] = b"staging";
const OUT: &[u8] = b"out";
const LOCK: &[u8] = b"lock";

/// A sync folder. Holds the folder's lock until it is dropped.
pub struct Root {
    path: PathBuf,
    directory: OwnedFd,
    own: OwnedFd,
    staging: Arc<OwnedFd>,
    parts: Arc<Parts>,
    out: OwnedFd,
    lock: Mutex<File>,
    marker: Mutex<Marker>,
    file_system: u64,
    device: u64,
    inode: u64,
    mount: u64,
    grain: Grain,
    umask: u32,
    /// Held while something is on its way through `.hythe/out`.
    out_busy: Mutex<()>,
}

impl Root {
    /// Makes the directory at `path` a sync folder, or makes it anew with another marker.
    /// `marker`'s file system and inode are filled in here.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn create(path: &Path, marker: Marker) -> Result<Self, OpenError> {
        let directory = open_directory(path).map_err(OpenError::Away)?;
        let info = os::info_of(&directory)?;
        let file_system = os::file_system_id(&directory)?;
        let marker = Marker {
            file_system,
            inode: info.inode,
            ..marker
        };
        make_own(&directory)?;
        let root = Self::build(path, directory, marker.clone())?;
        marker.write(root.own.as_fd())?;
        os::sync(&root.directory)?;
        Ok(root)
    }

    /// Opens the sync folder at `path`, if it is there and is the one that `owner` says.
    ///
    /// # Errors
    /// See [`OpenError`]; a folder that is away is no error here.
    pub fn open(path: &Path, owner: &Owner) -> Result<Opened, OpenError> {
        let seen = match Self::look(path) {
            Ok(seen) => seen,
            Err(absence) => return Ok(Opened::Away(absence)),
        };
        let mismatch = match seen.judge(owner) {
            Ok(()) => None,
            Err(Verdict::Reconcile(mismatch)) => Some(mismatch),
            Err(Verdict::Away(absence)) => return Ok(Opened::Away(absence)),
        };
        let Some(marker) = seen.marker else {
            return Ok(Opened::Away(Absence::Unmarked { empty: seen.empty }));
        };
        let directory = match open_directory(path) {
            Ok(directory) => directory,
            Err(absence) => return Ok(Opened::Away(absence)),
        };
        let root = Self::build(path, directory, marker)?;
        if root.inode != seen.inode {
            return Ok(Opened::Away(Absence::Replaced));
        }
        Ok(match mismatch {
            None => Opened::Ready(root),
            Some(mismatch) => Opened::Reconcile(root, mismatch),
        })
    }

    pub(super) fn look(path: &Path) -> Result<Inspection, Absence> {
        let directory = open_directory(path)?;
        let look = || -> io::Result<Inspection> {
            let marker = match os::open_at(&directory, HYTHE, Want::Directory) {
                Ok(own) => Marker::read(own.as_fd())?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            // Only where it says something: the folder may have a million entries.
            let mut empty = marker.is_none();
            if empty {
                Listing::default().read(&directory, |_, _| empty = false)?;
            }
            Ok(Inspection {
                marker,
                empty,
                file_system: os::file_system_id(&directory)?,
                inode: os::info_of(&directory)?.inode,
            })
        };
        look().map_err(|_| Absence::Unreadable)
    }

    fn build(path: &Path, directory: OwnedFd, marker: Marker) -> Result<Self, OpenError> {
        let own = os::open_at(&directory, HYTHE, Want::Directory)?;
        let lock = take_lock(&own)?;
        for name in [STAGING, OUT] {
            make_private(&own, name)?;
        }
        let staging = Arc::new(os::open_at(&own, STAGING, Want::Directory)?);
        let out = os::open_at(&own, OUT, Want::Directory)?;
        let now = os::info_of(&lock)?.changed;
        let parts = Arc::new(Parts::sweep(Arc::clone(&staging), now)?);
        if !probe::can_exchange(staging.as_fd())? {
            return Err(OpenError::Unsupported);
        }
        let info = os::info_of(&directory)?;
        let file_system = os::file_system_id(&directory)?;
        Ok(Self {
            path: path.to_owned(),
            grain: probe::grain(staging.as_fd())?,
            directory,
            own,
            staging,
            parts,
            out,
            lock: Mutex::new(lock),
            marker: Mutex::new(marker),
            file_system,
            device: info.device,
            inode: info.inode,
            mount: info.mount,
            umask: os::umask(),
            out_busy: Mutex::new(()),
        })
    }

    /// Where the folder is, as it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the directory is now, if it still is anywhere: the system follows an open directory
    /// wherever it is moved on its file system.
    pub fn path_now(&self) -> Option<PathBuf> {
        os::path_of(&self.directory).ok()
    }

    /// What its marker says.
    pub fn marker(&self) -> Marker {
        self.lock_marker().clone()
    }

    /// How finely its file system stamps.
    pub fn grain(&self) -> Grain {
        self.grain
    }

    /// Begins a period of use: writes `generation` into the marker, durably. From then on the
    /// marker speaks of this directory, even if it was a copy when it was opened; so what was
    /// agreed on before must have been forgotten by then.
    ///
    /// # Errors
    /// The system's.
    pub fn set_generation(&self, generation: Generation) -> Result<(), DiskError> {
        let mut marker = self.lock_marker();
        let next = Marker {
            generation,
            file_system: self.file_system,
            inode: self.inode,
            ..marker.clone()
        };
        next.write(self.own.as_fd())
            .map_err(DiskError::own("write", "marker"))?;
        *marker = next;
        Ok(())
    }

    /// Asks again whether the folder is still there: same directory at the same path, same
    /// marker. Part of the evidence for every delete (S4).
    ///
    /// # Errors
    /// Why it is not.
    pub fn still_there(&self) -> Result<(), Absence> {
        let directory = open_directory(&self.path)?;
        let info = os::info_of(&directory).map_err(|_| Absence::Unreadable)?;
        if (info.inode, info.device) != (self.inode, self.device) {
            let seen = Self::look(&self.path)?;
            let replaced = seen.marker.is_some();
            return Err(if replaced {
                Absence::Replaced
            } else {
                Absence::Unmarked { empty: seen.empty }
            });
        }
        let seen = Self::look(&self.path)?;
        match seen.marker {
            Some(marker) if marker == *self.lock_marker() => Ok(()),
            Some(_) => Err(Absence::Foreign),
            None => Err(Absence::Unmarked { empty: seen.empty }),
        }
    }

    /// What is at `path`, without following a symlink there or above; none when there is nothing.
    /// A directory above that is missing, a symlink or another file system means nothing too.
    ///
    /// # Errors
    /// The system's.
    pub fn stat(&self, path: &TreePath) -> Result<Option<Found>, DiskError> {
        let Some(place) = Place::of(self, path)? else {
            return Ok(None);
        };
        place.look(self).map_err(DiskError::at("look at", path))
    }

    /// The text of the symlink at `path`; none when there is no symlink.
    ///
    /// # Errors
    /// The system's.
    pub fn read_link(&self, path: &TreePath) -> Result<Option<Vec<u8>>, DiskError> {
        let Some(place) = Place::of(self, path)? else {
            return Ok(None);
        };
        match os::read_link(&place.directory, &place.name) {
            Ok(text) => Ok(Some(text)),
            // EINVAL: something else than a symlink.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(DiskError::at("read the link", path)(error)),
        }
    }

    /// The time that the file system would stamp now.
    ///
    /// # Errors
    /// The system's.
    pub fn now(&self) -> Result<Timestamp, DiskError> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let touch = |lock: &mut File| {
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())?;
            Ok(os::info_of(lock.as_fd())?.changed)
        };
        touch(&mut lock).map_err(DiskError::own("touch", "lock"))
    }

    pub(crate) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    pub(crate) fn mount(&self) -> u64 {
        self.mount
    }

    pub(super) fn staging(&self) -> &Arc<OwnedFd> {
        &self.staging
    }

    pub(super) fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }

    pub(super) fn out(&self) -> BorrowedFd<'_> {
        self.out.as_fd()
    }

    pub(super) fn out_busy(&self) -> MutexGuard<'_, ()> {
        self.out_busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Permissions of a new file or directory: what the user's umask leaves.
    pub(super) fn permissions(&self, wanted: u32) -> u32 {
        wanted & !self.umask & 0o777
    }

    fn lock_marker(&self) -> MutexGuard<'_, Marker> {
        self.marker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_directory(path: &Path) -> Result<OwnedFd, Absence> {
    os::open_root(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Absence::Missing,
        io::ErrorKind::NotADirectory => Absence::NotDirectory,
        _ => Absence::Unreadable,
    })
}

fn make_own(directory: &OwnedFd) -> io::Result<()> {
    make_private(directory, HYTHE)
}

fn make_private(directory: &OwnedFd, name: &[u8]) -> io::Result<()> {
    match os::make_directory(directory, name, 0o700) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Takes the folder's lock, which the kernel gives back when the process ends, however it ends.
fn take_lock(own: &OwnedFd) -> Result<File, OpenError> {
    let mut file = match os::create_file(own, LOCK) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => os::open_own(own, LOCK)?,
        Err(error) => return Err(error.into()),
    };
    match file.try_lock() {
        Ok(()) => {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = file.take(32).read_to_string(&mut text);
            Err(OpenError::Busy {
                holder: text.trim().parse().ok(),
            })
        }
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
