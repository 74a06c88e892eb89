//! What an operation on the disk came to.

use super::stamp::Found;

/// An operation was done, or the disk was not as the caller said and nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome<T> {
    /// Done.
    Done(T),
    /// Not done, and nothing of the user's was touched. Look again and plan again.
    Changed(Change),
}

/// How the disk differed from what the caller said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This is there instead of what was expected; none when nothing is.
    Instead(Option<Found>),
    /// The name that should be free is taken.
    Taken,
    /// The directory above is not there, or is a symlink or another file system.
    NoParent,
    /// The directory to remove has entries.
    NotEmpty,
}

impl<T> Outcome<T> {
    /// The value, if it was done.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Changed(_) => None,
        }
    }
}
