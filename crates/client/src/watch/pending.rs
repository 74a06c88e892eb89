//! Places where something happened, until somebody asks.

use std::collections::HashMap;

use super::Changes;
use super::table::Table;
use crate::os::WatchId;

/// More places than this are cheaper to find by looking at everything.
const MANY: usize = 65_536;

/// What happened and was not asked for yet. Places are kept by watch and name and become paths
/// when they are asked for: by then a directory may have another name.
#[derive(Default)]
pub(super) struct Pending {
    places: HashMap<(WatchId, Box<[u8]>), Open>,
    lost: bool,
    root: bool,
}

/// Whether a writer has the file open, as far as events tell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Open {
    /// It was written and not closed since.
    Yes,
    /// A writer closed it.
    No,
    /// The event says nothing about it.
    AsBefore,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty() && !self.lost && !self.root
    }

    /// Notes that something happened to a name in a directory.
    pub(super) fn add(&mut self, at: WatchId, name: &[u8], open: Open) {
        if self.lost {
            return;
        }
        if self.places.len() >= MANY {
            self.lose();
            return;
        }
        let before = self
            .places
            .entry((at, name.into()))
            .or_insert(Open::AsBefore);
        if open != Open::AsBefore {
            *before = open;
        }
    }

    /// Notes that events were lost.
    pub(super) fn lose(&mut self) {
        self.lost = true;
        self.places = HashMap::new();
    }

    /// Notes that something happened to the folder itself.
    pub(super) fn root(&mut self) {
        self.root = true;
    }

    /// Takes everything, with paths as they are now.
    pub(super) fn take(&mut self, table: &Table) -> Changes {
        let Self { places, lost, root } = std::mem::take(self);
        let mut changes = Changes {
            lost,
            root,
            ..Changes::default()
        };
        for ((at, name), open) in places {
            // What is not in the folder any more was reported where it left.
            let Some(path) = table.path(at, &name) else {
                continue;
            };
            if open == Open::Yes {
                changes.open.insert(path.clone());
            }
            changes.places.insert(path);
        }
        changes
    }
}
