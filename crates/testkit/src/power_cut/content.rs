//! What a power cut leaves of the bytes of a file.

use super::chance::Chance;
use super::cut::Kept;
use super::log::{Change, Log};
use super::system::{Bytes, Choice, FileSystem};

/// What stands in blocks that were given to a file and never written.
const STALE: u8 = 0x5a;

/// Bytes of one file.
#[derive(Default, Clone)]
pub(super) struct File {
    synced: Vec<u8>,
    /// The last change in it.
    last: Option<usize>,
    pub(super) pending: Vec<usize>,
}

impl File {
    pub(super) fn sync(&mut self, log: &Log, since: usize) {
        let pending = std::mem::take(&mut self.pending);
        let (synced, pending): (Vec<usize>, _) = pending.into_iter().partition(|at| *at < since);
        self.pending = pending;
        for at in synced {
            self.last = Some(at);
            write(&mut self.synced, &log.changes[at], |bytes, offset, new| {
                put(bytes, offset, new);
            });
        }
    }

    /// What is there of the file, and the last change of its bytes whose time is there: a time is an
    /// attribute, and may be kept without the bytes or the other way round.
    pub(super) fn bytes(
        &self,
        log: &Log,
        kept: &Kept,
        choice: Choice,
        chance: &mut Chance,
    ) -> (Vec<u8>, Option<usize>) {
        let mut bytes = self.synced.clone();
        let stamped = self.pending.iter().copied().filter(|at| *at < kept.until);
        for at in &self.pending {
            let change = &log.changes[*at];
            let is_kept = *at < kept.until || kept.changes.contains(at);
            let may_be = choice.system != FileSystem::Btrfs || is_kept;
            if !may_be || (matches!(change, Change::Length(..)) && !is_kept) {
                continue;
            }
            // The length is an attribute too.
            let longest = if is_kept { usize::MAX } else { bytes.len() };
            choice.write(&mut bytes, change, chance);
            bytes.truncate(longest);
        }
        (bytes, stamped.max().or(self.last))
    }
}

impl Choice {
    fn write(self, bytes: &mut Vec<u8>, change: &Change, chance: &mut Chance) {
        write(bytes, change, |bytes, offset, new| match self.bytes {
            Bytes::None => {}
            Bytes::All => put(bytes, offset, new),
            Bytes::Zeros => grow(bytes, offset + new.len(), 0),
            Bytes::Garbage => grow(bytes, offset + new.len(), STALE),
            Bytes::Parts => parts(bytes, offset, new, self.system.unit(), chance),
        });
    }
}

/// What a change does to bytes.
fn write(bytes: &mut Vec<u8>, change: &Change, put: impl FnOnce(&mut Vec<u8>, usize, &[u8])) {
    match change {
        Change::Write {
            offset, bytes: new, ..
        } => put(bytes, index(*offset), new),
        Change::Length(_, length) => bytes.resize(index(*length), 0),
        Change::Hole(_, start, end) => {
            let end = index(*end).min(bytes.len());
            if let Some(range) = bytes.get_mut(index(*start)..end) {
                range.fill(0);
            }
        }
        _ => {}
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("files that fit into memory")
}

fn grow(bytes: &mut Vec<u8>, end: usize, with: u8) {
    if end > bytes.len() {
        bytes.resize(end, with);
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    grow(bytes, offset + new.len(), 0);
    bytes[offset..offset + new.len()].copy_from_slice(new);
}

/// Puts some units of what is written.
fn parts(bytes: &mut Vec<u8>, offset: usize, new: &[u8], unit: usize, chance: &mut Chance) {
    let (mut at, end) = (offset, offset + new.len());
    while at < end {
        let next = ((at / unit + 1) * unit).min(end);
        if chance.coin() {
            put(bytes, at, &new[at - offset..next - offset]);
        }
        at = next;
    }
}
