//! From a path of the tree to an open directory and one name in it.

use std::io;
use std::os::fd::OwnedFd;

use hythe_model::TreePath;

use super::error::DiskError;
use super::root::Root;
use super::stamp::Found;
use crate::os::{self, Want};

/// One name in an open directory of the folder.
///
/// The directory is opened anew for each operation: a handle kept from before might by now be a
/// directory that the user moved elsewhere. One `openat2` costs about a microsecond.
pub(super) struct Place {
    pub directory: OwnedFd,
    pub name: Vec<u8>,
}

impl Place {
    /// Opens the directory above `path`; none when it is missing, no directory, a symlink, or on
    /// another file system. The root itself is no place in the folder.
    pub(super) fn of(root: &Root, path: &TreePath) -> Result<Option<Self>, DiskError> {
        let Some((name, above)) = path.names().split_last() else {
            return Ok(None);
        };
        let above: TreePath = above.iter().cloned().collect();
        match os::open_below(root.directory(), &above.to_bytes(), Want::Directory) {
            Ok(directory) => Ok(Some(Self {
                directory,
                name: name.as_bytes().to_vec(),
            })),
            Err(error) if is_elsewhere(&error) => Ok(None),
            Err(error) => Err(DiskError::at("open the directory above", path)(error)),
        }
    }

    /// Another handle of the same directory.
    pub(super) fn again(&self) -> io::Result<OwnedFd> {
        self.directory.try_clone()
    }

    /// What has the name; none when nothing has.
    pub(super) fn look(&self, root: &Root) -> io::Result<Option<Found>> {
        match os::info_at(&self.directory, &self.name) {
            Ok(info) => Ok(Some(Found::new(&info, root.mount()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether opening failed because the way does not lead through directories of this folder.
pub(crate) fn is_elsewhere(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | CrossesDevices)
        || error.raw_os_error() == Some(libc::ELOOP)
}
