//! From events to places.

use std::collections::HashMap;

use super::Watched;
use super::pending::Open;
use crate::disk::HYTHE;
use crate::os::{Seen, WatchId, Watches};

/// Names that left a directory and did not arrive anywhere yet, by the cookie that both halves of
/// a rename share.
#[derive(Default)]
pub(super) struct Pairs(HashMap<u32, Option<WatchId>>);

impl Pairs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Watched {
    /// Takes note of one event.
    pub(super) fn see(&mut self, seen: Seen<'_>) {
        match seen {
            Seen::Created { at, name, .. } | Seen::Attributes { at, name, .. } => {
                self.note(at, name, Open::AsBefore);
            }
            Seen::Removed { at, name, .. } => self.note(at, name, Open::No),
            Seen::Written { at, name } => self.note(at, name, Open::Yes),
            Seen::Closed { at, name } => self.note(at, name, Open::No),
            Seen::MovedFrom {
                at, name, cookie, ..
            } => {
                self.note(at, name, Open::AsBefore);
                let moving = self.table.child(at, name);
                self.pairs.0.insert(cookie, moving);
            }
            Seen::MovedTo {
                at, name, cookie, ..
            } => {
                if let Some(Some(moving)) = self.pairs.0.remove(&cookie) {
                    self.table.place(moving, Some((at, name.into())));
                }
                self.note(at, name, Open::AsBefore);
            }
            Seen::SelfGone { at } if self.table.is_root(at) => self.pending.root(),
            // The directory above says where it went.
            Seen::SelfGone { .. } => {}
            Seen::Forgotten { at } => {
                if self.table.is_root(at) {
                    self.pending.root();
                }
                self.table.remove(at);
            }
            Seen::Overflow => {
                self.pairs.0.clear();
                self.pending.lose();
            }
        }
    }

    /// What left a directory and arrived nowhere left the folder: it is watched no more.
    pub(super) fn give_up_pairs(&mut self, watches: &Watches) {
        for moved in std::mem::take(&mut self.pairs.0).into_values().flatten() {
            for id in self.table.remove(moved) {
                watches.remove(id);
            }
        }
    }

    fn note(&mut self, at: WatchId, name: &[u8], open: Open) {
        if !(self.table.is_root(at) && name == HYTHE) {
            self.pending.add(at, name, open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: WatchId = WatchId(1);
    const D: WatchId = WatchId(2);

    fn watched() -> Watched {
        let mut watched = Watched::default();
        watched.table.put(ROOT, b"");
        watched.table.put(D, b"d");
        watched
    }

    fn places(watched: &mut Watched) -> Vec<String> {
        let changes = watched
            .take()
            .map(|changes| changes.places)
            .unwrap_or_default();
        changes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sc080_an_overflow_means_everything_and_names_nothing() {
        let mut watched = watched();
        watched.see(Seen::Closed { at: D, name: b"f" });
        watched.see(Seen::Overflow);
        watched.see(Seen::Closed { at: D, name: b"g" });
        let changes = watched.take().unwrap();
        assert!(changes.lost);
        assert!(changes.places.is_empty());
        watched.see(Seen::Closed { at: D, name: b"g" });
        assert_eq!(places(&mut watched), ["/d/g"]);
    }

    #[test]
    fn both_halves_of_a_rename_are_told_and_the_directory_follows() {
        let mut watched = watched();
        let from = Seen::MovedFrom {
            at: ROOT,
            name: b"d",
            directory: true,
            cookie: 9,
        };
        watched.see(from);
        assert!(!watched.pairs.is_empty());
        watched.see(Seen::Closed { at: D, name: b"f" });
        watched.see(Seen::MovedTo {
            at: ROOT,
            name: b"e",
            directory: true,
            cookie: 9,
        });
        assert!(watched.pairs.is_empty());
        assert_eq!(places(&mut watched), ["/d", "/e", "/e/f"]);
    }

    #[test]
    fn s7_a_file_is_open_from_the_first_write_to_the_close() {
        let mut watched = watched();
        watched.see(Seen::Written { at: D, name: b"f" });
        watched.see(Seen::Attributes {
            at: D,
            name: b"f",
            directory: false,
        });
        assert_eq!(watched.take().unwrap().open.len(), 1);
        watched.see(Seen::Written { at: D, name: b"f" });
        watched.see(Seen::Closed { at: D, name: b"f" });
        assert_eq!(watched.take().unwrap().open.len(), 0);
    }

    #[test]
    fn our_own_folder_is_nobodys_business() {
        let mut watched = watched();
        watched.see(Seen::Attributes {
            at: ROOT,
            name: HYTHE,
            directory: true,
        });
        assert!(watched.take().is_none());
    }
}
