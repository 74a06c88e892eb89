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
