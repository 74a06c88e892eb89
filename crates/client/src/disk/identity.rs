//! Whether a directory is the sync folder it should be.
//!
//! An unmounted disk, an emptied or replaced directory, a copy of another machine's folder and an
//! older copy of the state database all look like "the user deleted everything" to a program that
//! only compares lists. So nothing is compared before this module has said yes (S4).

use std::io;
use std::path::Path;

use hythe_model::DeviceId;

use super::marker::{FolderId, Generation, Marker};
use super::root::Root;

/// Whose folder is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// This device.
    pub device: DeviceId,
    /// The folder.
    pub folder: FolderId,
    /// The periods of use that the state database may have left in the folder's marker: the
    /// newest it recorded, and the one it had begun to write.
    pub generations: Vec<Generation>,
}

/// What opening a sync folder came to.
pub enum Opened {
    /// The folder, as this device left it.
    Ready(Root),
    /// The folder, but folder and state database do not belong to the same moment. What was
    /// "last agreed" must be forgotten, so that both sides are merged and nothing is deleted. Until
    /// then the marker stays as it is: after a crash the folder is found in the same state again.
    Reconcile(Root, Mismatch),
    /// Not the folder. Pause; conclude nothing from what is or is not there.
    Away(Absence),
}

/// How folder and state database fail to belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// The marker was written on another file system or for another inode: the folder is a copy
    /// or came back from a backup (SC-138).
    Copied,
    /// The folder is from an earlier time than the database (SC-138).
    FolderOlder,
    /// The database is from an earlier time than the folder (SC-089, SC-142).
    StateOlder,
}

/// Why there is no folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// There is nothing at the path (SC-135).
    Missing,
    /// What is at the path is no directory.
    NotDirectory,
    /// A directory without a marker: a mount point without its disk, or a new directory in place
    /// of the old one (SC-135, SC-137).
    Unmarked {
        /// Whether it has no entries at all.
        empty: bool,
    },
    /// The marker belongs to another device or another folder (SC-138, SC-148).
    Foreign,
    /// Another directory than the one that was opened is there now (SC-137).
    Replaced,
    /// The system cannot read it.
    Unreadable,
}

impl Absence {
    /// Whether the folder may be somewhere else. One that cannot be read may be at its place.
    pub fn may_be_elsewhere(self) -> bool {
        self != Self::Unreadable
    }

    /// The reason in words, as it follows "paused: ".
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "the folder is not there",
            Self::NotDirectory => "the folder's place is taken by something that is no directory",
            Self::Unmarked { empty: true } => "the folder is empty and has lost its marker",
            Self::Unmarked { empty: false } => "the folder has lost its marker",
            Self::Foreign => "the folder belongs to another device or another sync folder",
            Self::Replaced => "another directory was put in the folder's place",
            Self::Unreadable => "the folder cannot be read",
        }
    }
}

/// Why a directory cannot be used as a sync folder at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works on it (SC-143).
    #[error("another Hythe is already syncing this folder{}", holder_text(.holder))]
    Busy {
        /// Its process number, where it said so.
        holder: Option<u32>,
    },
    /// The file system cannot exchange two files in one step.
    #[error(
        "this file system cannot exchange two files in one step, so Hythe could not replace a file safely there"
    )]
    Unsupported,
    /// The directory is not there or is none.
    #[error("{}", .0.reason())]
    Away(Absence),
    /// The system's answer.
    #[error("cannot prepare the folder: {0}")]
    Io(#[from] io::Error),
}

fn holder_text(holder: &Option<u32>) -> String {
    holder
        .map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

/// A look at a directory from outside, without locking or changing anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its marker, if it has one.
    pub marker: Option<Marker>,
    /// Whether it has no entries at all; with a marker it has at least that.
    pub empty: bool,
    /// The file system it is on.
    pub file_system: u64,
    /// Its inode.
    pub inode: u64,
}

impl Inspection {
    /// Looks at the directory at `path`.
    ///
    /// # Errors
    /// When there is no directory, or it cannot be read.
    pub fn of(path: &Path) -> Result<Self, Absence> {
        Root::look(path)
    }

    /// Compares what was found with what should be there.
    pub(super) fn judge(&self, owner: &Owner) -> Result<(), Verdict> {
        let Some(marker) = &self.marker else {
            return Err(Verdict::Away(Absence::Unmarked { empty: self.empty }));
        };
        if marker.device != owner.device || marker.folder != owner.folder {
            return Err(Verdict::Away(Absence::Foreign));
        }
        if !owner.generations.contains(&marker.generation) {
            let newest = owner
                .generations
                .iter()
                .map(|known| known.number)
                .max()
                .unwrap_or(0);
            let older = marker.generation.number < newest;
            let which = if older {
                Mismatch::FolderOlder
            } else {
                Mismatch::StateOlder
            };
            return Err(Verdict::Reconcile(which));
        }
        if marker.inode != self.inode || marker.file_system != self.file_system {
            return Err(Verdict::Reconcile(Mismatch::Copied));
        }
        Ok(())
    }
}

/// What speaks against going on as if nothing had happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Away(Absence),
    Reconcile(Mismatch),
}

#[cfg(test)]
mod tests {
    use hythe_model::{NodeId, SpaceId};

    use super::*;

    fn generation(number: u64, token: u8) -> Generation {
        Generation {
            number,
            token: [token; 16],
        }
    }

    fn found() -> Inspection {
        let marker = Marker {
            device: DeviceId([1; 32]),
            folder: FolderId([2; 16]),
            space: SpaceId([3; 32]),
            node: NodeId::ROOT,
            file_system: 10,
            inode: 20,
            generation: generation(5, 5),
        };
        Inspection {
            marker: Some(marker),
            empty: false,
            file_system: 10,
            inode: 20,
        }
    }

    fn owner(generations: &[Generation]) -> Owner {
        Owner {
            device: DeviceId([1; 32]),
            folder: FolderId([2; 16]),
            generations: generations.to_vec(),
        }
    }

    #[test]
    fn s4_only_the_same_folder_of_the_same_moment_passes() {
        let now = owner(&[generation(5, 5)]);
        assert_eq!(found().judge(&now), Ok(()));
        let begun = owner(&[generation(4, 4), generation(5, 5)]);
        assert_eq!(found().judge(&begun), Ok(()));
    }

    #[test]
    fn sc135_sc137_no_marker_is_away() {
        let bare = Inspection {
            marker: None,
            empty: true,
            ..found()
        };
        let away = Verdict::Away(Absence::Unmarked { empty: true });
        assert_eq!(bare.judge(&owner(&[generation(5, 5)])), Err(away));
    }

    #[test]
    fn sc138_a_copy_or_a_foreign_marker_is_never_taken_for_the_folder() {
        let now = owner(&[generation(5, 5)]);
        let copied = Err(Verdict::Reconcile(Mismatch::Copied));
        assert_eq!(
            Inspection {
                inode: 21,
                ..found()
            }
            .judge(&now),
            copied
        );
        assert_eq!(
            Inspection {
                file_system: 11,
                ..found()
            }
            .judge(&now),
            copied
        );
        let other = Owner {
            device: DeviceId([9; 32]),
            ..now.clone()
        };
        assert_eq!(found().judge(&other), Err(Verdict::Away(Absence::Foreign)));
        let other = Owner {
            folder: FolderId([9; 16]),
            ..now
        };
        assert_eq!(found().judge(&other), Err(Verdict::Away(Absence::Foreign)));
    }

    #[test]
    fn sc089_sc142_the_older_side_is_named() {
        let older = Err(Verdict::Reconcile(Mismatch::FolderOlder));
        assert_eq!(found().judge(&owner(&[generation(6, 6)])), older);
        let newer = Err(Verdict::Reconcile(Mismatch::StateOlder));
        assert_eq!(found().judge(&owner(&[generation(4, 4)])), newer);
        assert_eq!(found().judge(&owner(&[generation(5, 9)])), newer);
        assert_eq!(found().judge(&owner(&[])), newer);
    }
}
