//! What can go wrong with a disk.

use std::io;

use hythe_model::TreePath;

/// Something the system would not do. The sentence names the action and the place.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {place}: {source}")]
pub struct DiskError {
    /// What was to be done, as it follows "cannot".
    pub action: &'static str,
    /// Where, for people.
    pub place: String,
    /// What the system said.
    pub source: io::Error,
}

/// What a caller may do about a [`DiskError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No space or quota left: stop writing until there is (SC-095).
    Full,
    /// The file system is read-only: list it, do not try in a loop (SC-102).
    ReadOnly,
    /// This user may not: skip this entry and go on (SC-101).
    Denied,
    /// The disk failed, or anything else: this entry is isolated, evidence is void (SC-104, S4).
    Other,
}

impl DiskError {
    pub(crate) fn at(action: &'static str, path: &TreePath) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            action,
            place: path.to_string(),
            source,
        }
    }

    pub(crate) fn own(action: &'static str, what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            action,
            place: format!(".hythe/{what}"),
            source,
        }
    }

    /// Sorts the error by what can be done about it.
    pub fn trouble(&self) -> Trouble {
        match self.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Trouble::Full,
            io::ErrorKind::ReadOnlyFilesystem => Trouble::ReadOnly,
            io::ErrorKind::PermissionDenied => Trouble::Denied,
            _ => Trouble::Other,
        }
    }
}
