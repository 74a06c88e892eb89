//! Marks that grow with the database and lie outside it: how an older copy is recognised (D4).
//!
//! A mark says how often a server was started and how many change sets its logs had. One lies in
//! `DATA/epoch`, next to the database; a second one may lie outside DATA. What they recognise:
//!
//! * The database alone was put back from a copy: the mark in DATA is ahead of it.
//! * The whole of DATA was put back on the machine it came from: only the mark outside is ahead.
//! * DATA was put back on another machine, or the mark outside is not kept: nothing here can tell.
//!   Then it is the clients who know: they say where they stand when they connect, and are told
//!   that the server does not have that history.
//!
//! A mark is written after the commit it counts, and not synced each time: it may lag behind the
//! database and then means nothing, but it is never ahead of a database that lost nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{make_private_folder, sync_name};

/// Length of a mark's file: so short that it is written whole or not at all.
const BYTES: usize = 80;

/// How far a server had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// How often a server was started.
    pub starts: u64,
    /// The sum of the positions of all logs.
    pub revision: u64,
}

impl Mark {
    /// Whether a database at `self` is an older copy of one that was at `other`: both numbers only
    /// grow, so either of them tells. Starts alone do not: where replicas share a database, others
    /// start too, and a standby that took its place may lack change sets and no start.
    pub fn is_older_than(self, other: Self) -> bool {
        self.starts < other.starts || self.revision < other.revision
    }
}

/// The files in which marks are kept.
#[derive(Debug)]
pub struct Marks {
    files: Vec<File>,
    current: Mutex<Mark>,
}

impl Marks {
    /// Opens the mark in a data folder, and, if a folder outside it is named, the one there.
    ///
    /// # Errors
    /// When a file cannot be made or opened.
    pub fn open(data: &Path, outside: Option<(&Path, &str)>) -> io::Result<Self> {
        let mut paths: Vec<PathBuf> = vec![data.join("epoch")];
        if let Some((folder, server)) = outside {
            make_private_folder(folder)?;
            paths.push(folder.join(server));
        }
        let files = paths
            .iter()
            .map(|path| open(path))
            .collect::<io::Result<_>>()?;
        // Bytes are synced each time they are set; a file without a name would keep none of them.
        paths.iter().try_for_each(|path| sync_name(path))?;
        Ok(Self {
            files,
            current: Mutex::new(Mark::default()),
        })
    }

    /// The furthest mark; none when no file holds one.
    pub fn furthest(&self) -> Option<Mark> {
        let marks = self.files.iter().filter_map(read);
        marks.max_by_key(|mark| (mark.starts, mark.revision))
    }

    /// Sets all marks and waits until they are on the disk.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn set(&self, mark: Mark) -> io::Result<()> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = mark;
        self.write(mark)?;
        self.files.iter().try_for_each(File::sync_data)
    }

    /// Counts change sets that were committed. Does not wait for the disk, and a failure costs
    /// nothing but the mark.
    pub fn count(&self, committed: u64) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.revision += committed;
        if let Err(error) = self.write(*current) {
            tracing::warn!(%error, "the mark of the data folder could not be written");
        }
    }

    /// Waits until the marks are on the disk, as well as that goes.
    pub fn sync(&self) {
        if let Err(error) = self.files.iter().try_for_each(File::sync_data) {
            tracing::warn!(%error, "the mark of the data folder could not be synced");
        }
    }

    fn write(&self, mark: Mark) -> io::Result<()> {
        let text = encode(mark);
        self.files
            .iter()
            .try_for_each(|file| file.write_all_at(text.as_bytes(), 0))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn read(file: &File) -> Option<Mark> {
    let mut bytes = [0; BYTES];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    let mut words = text.split_whitespace().skip(2);
    let mark = Mark {
        starts: words.next()?.parse().ok()?,
        revision: words.next()?.parse().ok()?,
    };
    (encode(mark) == text).then_some(mark)
}

/// `hythe-mark 1 STARTS REVISION CHECK`, of one length whatever the numbers are.
fn encode(mark: Mark) -> String {
    let words = format!("hythe-mark 1 {:020} {:020}", mark.starts, mark.revision);
    let check = blake3::hash(words.as_bytes());
    let check = data_encoding::HEXLOWER.encode(&check.as_bytes()[..12]);
    format!("{words} {check}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc123_an_older_copy_is_recognised_and_a_lagging_mark_is_not_mistaken_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        let data = folder.path();
        let marks = Marks::open(data, Some((&outside, "id"))).unwrap();
        assert_eq!(marks.furthest(), None);
        marks
            .set(Mark {
                starts: 3,
                revision: 100,
            })
            .unwrap();
        marks.count(5);
        let found = Marks::open(data, None).unwrap().furthest().unwrap();
        assert_eq!(
            found,
            Mark {
                starts: 3,
                revision: 105
            }
        );

        let same_start = Mark {
            starts: 3,
            revision: 104,
        };
        let start_before = Mark {
            starts: 2,
            revision: 900,
        };
        let others_started = Mark {
            starts: 4,
            revision: 80,
        };
        let mark_lags = Mark {
            starts: 4,
            revision: 105,
        };
        assert!(same_start.is_older_than(found));
        assert!(start_before.is_older_than(found));
        assert!(others_started.is_older_than(found));
        assert!(!found.is_older_than(found));
        assert!(!mark_lags.is_older_than(found));

        // The whole folder put back: the mark outside remembers.
        std::fs::write(data.join("epoch"), encode(same_start)).unwrap();
        let marks = Marks::open(data, Some((&outside, "id"))).unwrap();
        assert_eq!(marks.furthest(), Some(found));
    }

    #[test]
    fn a_damaged_mark_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut text = encode(Mark {
            starts: 7,
            revision: 1,
        });
        assert_eq!(text.len(), BYTES);
        text.replace_range(30..31, "9");
        std::fs::write(folder.path().join("epoch"), text).unwrap();
        assert_eq!(Marks::open(folder.path(), None).unwrap().furthest(), None);
    }
}
