//! Looking into directories, some of them ahead of their turn on a second thread.
//!
//! Asking the system about each entry is most of what a look at an unchanged tree costs. While one
//! directory is compared with its rows, the next ones are listed.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

use super::entry::Depth;
use super::names::Names;
use super::{Entering, Scan};
use crate::os::{self, Info, Listing, Want};

/// So many directories are looked into ahead of their turn: a bound for open handles and memory.
const AHEAD: usize = 32;
/// So many of them right in one directory: enough to keep a second core busy, and something is left
/// for the directories below the one whose turn it is.
pub(super) const AHEAD_BESIDE: usize = 4;
/// Of larger directories the rest is asked about when its turn comes: a bound for memory.
const ENTRIES_AHEAD: usize = 4096;

/// Where to look.
pub(super) struct Errand {
    pub(super) path: Vec<u8>,
    pub(super) inode: u64,
    pub(super) depth: Depth,
}

/// What came of looking into a directory.
pub(super) enum Look {
    /// It was listed, or could not be listed to its end.
    Listed(Listed),
    /// The listener has watched it all along, and that was enough.
    Watched,
    /// Another directory has the name by now.
    Another,
    /// It could not be opened.
    NotOpened(io::Error),
}

/// A directory that was listed.
pub(super) struct Listed {
    pub(super) handle: OwnedFd,
    /// Its names, if all of them could be read (S4).
    pub(super) names: io::Result<Names>,
    /// What the system said about the first of them, in order.
    pub(super) infos: Vec<io::Result<Info>>,
}

/// What is needed to look.
#[derive(Clone, Copy)]
pub(super) struct Eyes<'e> {
    root: BorrowedFd<'e>,
    entering: Option<&'e dyn Entering>,
}

impl<'e> Eyes<'e> {
    pub(super) fn of(scan: &Scan<'e>) -> Self {
        Self {
            root: scan.root.directory(),
            entering: scan.entering,
        }
    }

    /// Opens a directory, which must be the one that was seen, tells who listens, and lists it.
    pub(super) fn look(&self, errand: &Errand, listing: &mut Listing) -> Look {
        tracing::trace!(path = %errand.path.escape_ascii(), "looking through");
        let handle = match os::open_below(self.root, &errand.path, Want::Directory) {
            Ok(handle) => handle,
            Err(error) => return Look::NotOpened(error),
        };
        if os::info_of(&handle).is_ok_and(|info| info.inode != errand.inode) {
            return Look::Another;
        }
        // Without a listener everything is new.
        let is_new = self
            .entering
            .is_none_or(|entering| entering.entering(handle.as_fd(), &errand.path));
        if errand.depth == Depth::Unwatched && !is_new {
            return Look::Watched;
        }
        let mut names = Names::default();
        let names = names.read(listing, &handle).map(|()| names);
        let first = names.iter().flat_map(Names::iter).take(ENTRIES_AHEAD);
        let infos = first.map(|name| os::info_at(&handle, name)).collect();
        Look::Listed(Listed {
            handle,
            names,
            infos,
        })
    }
}

/// Errands under way. What is asked for is always fetched, or all of it is dropped together.
pub(super) struct Ahead<'scope, 'env, 'e> {
    scope: &'scope Scope<'scope, 'env>,
    eyes: Eyes<'e>,
    thread: Option<(SyncSender<Errand>, Receiver<Look>)>,
    sent: usize,
    received: usize,
    early: HashMap<usize, Look>,
}

/// A look that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ticket(usize);

impl<'scope, 'env, 'e: 'scope> Ahead<'scope, 'env, 'e> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, eyes: Eyes<'e>) -> Self {
        Self {
            scope,
            eyes,
            thread: None,
            sent: 0,
            received: 0,
            early: HashMap::new(),
        }
    }

    /// How many more may be asked for.
    pub(super) fn places(&self) -> usize {
        AHEAD - (self.sent - self.received + self.early.len()).min(AHEAD)
    }

    /// Asks for a look.
    pub(super) fn ask(&mut self, errand: Errand) -> Option<Ticket> {
        let (scope, eyes) = (self.scope, self.eyes);
        let (errands, _) = self.thread.get_or_insert_with(|| start(scope, eyes));
        errands.send(errand).ok()?;
        self.sent += 1;
        Some(Ticket(self.sent))
    }

    /// Waits for a look; none if there is nobody to look any more.
    pub(super) fn fetch(&mut self, ticket: Ticket) -> Option<Look> {
        if let Some(look) = self.early.remove(&ticket.0) {
            return Some(look);
        }
        let (_, looks) = self.thread.as_ref()?;
        loop {
            let look = looks.recv().ok()?;
            self.received += 1;
            if self.received == ticket.0 {
                return Some(look);
            }
            self.early.insert(self.received, look);
        }
    }
}

/// Starts the thread. It ends when nobody asks any more.
fn start<'scope, 'e: 'scope>(
    scope: &'scope Scope<'scope, '_>,
    eyes: Eyes<'e>,
) -> (SyncSender<Errand>, Receiver<Look>) {
    let (errands, received) = sync_channel::<Errand>(AHEAD);
    let (looks, answers) = sync_channel(AHEAD);
    scope.spawn(move || {
        let mut listing = Listing::default();
        while let Ok(errand) = received.recv() {
            if looks.send(eyes.look(&errand, &mut listing)).is_err() {
                break;
            }
        }
    });
    (errands, answers)
}
