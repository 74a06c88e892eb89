//! Parts: files in the staging area that a download left unfinished, kept for the next one.
//!
//! The name of a part says what it is to become, so that it is found again after a restart. It says
//! nothing about the bytes: a part may have any of its ranges, or zeros, or anything else after a
//! power loss. Whoever goes on with it verifies each range first.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use hythe_model::{NodeId, Timestamp, VersionId};
use tokio::sync::Notify;

use super::error::DiskError;
use super::root::Root;
use super::staged::{Entry, Staging};
use crate::os::{self, FileKind, Listing, Want};

/// So many parts are kept: more than downloads run at a time, so that one that failed is not lost
/// to the next, and few enough that what nobody sees does not fill the disk.
const MAX_PARTS: usize = 8;
/// A part that nobody went on with for so long is not kept at the next start.
const MAX_AGE_SECONDS: i64 = 14 * 24 * 3600;

const PREFIX: &str = "part";

/// What a kept file is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The node.
    pub node: NodeId,
    /// The version of its content.
    pub version: VersionId,
}

impl Part {
    /// `part-NODE-VERSION`, both in hex.
    fn encode(&self) -> Vec<u8> {
        let (node, version) = (
            HEXLOWER.encode(self.node.as_bytes()),
            HEXLOWER.encode(self.version.as_bytes()),
        );
        format!("{PREFIX}-{node}-{version}").into_bytes()
    }

    fn decode(name: &[u8]) -> Option<Self> {
        let mut words = std::str::from_utf8(name).ok()?.split('-');
        if words.next()? != PREFIX {
            return None;
        }
        let mut id = || {
            let bytes = HEXLOWER.decode(words.next()?.as_bytes()).ok()?;
            <[u8; NodeId::LEN]>::try_from(bytes).ok()
        };
        let (node, version) = (NodeId(id()?), VersionId(id()?));
        words.next().is_none().then_some(Self { node, version })
    }
}

/// The parts of one staging area. One writer to a part at a time.
pub(super) struct Parts {
    staging: Arc<OwnedFd>,
    table: Mutex<Table>,
    let_go: Notify,
}

#[derive(Default)]
struct Table {
    parts: BTreeMap<Part, Use>,
    uses: u64,
}

/// How a part is used.
#[derive(Default)]
struct Use {
    busy: bool,
    /// To be removed once nobody writes to it.
    unwanted: bool,
    /// When it was used last, counted in uses.
    last: u64,
}

/// The right to write to a part, given back on drop.
pub(super) struct Held {
    parts: Arc<Parts>,
    pub(super) part: Part,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = self.parts.lock();
        match table.parts.get_mut(&self.part) {
            Some(used) if used.unwanted => {
                table.parts.remove(&self.part);
                // What stays is found again when the folder is opened the next time.
                let _ = remove(&self.parts.staging, &self.part);
            }
            Some(used) => used.busy = false,
            None => {}
        }
        drop(table);
        self.parts.let_go.notify_waiters();
    }
}

impl Held {
    /// The file is no part any more: it was placed or removed.
    pub(super) fn is_gone(&self) {
        self.parts.lock().parts.remove(&self.part);
    }
}

impl Parts {
    /// The parts found in a staging area; everything else in it is removed. Nothing there was ever
    /// a user's: what leaves the tree goes to `.hythe/out`, never here. `now` is the file system's.
    pub(super) fn sweep(staging: Arc<OwnedFd>, now: Timestamp) -> io::Result<Self> {
        let mut found = Vec::new();
        for name in names(&staging)? {
            let info = os::info_at(&staging, &name)?;
            match Part::decode(&name) {
                Some(part) if info.kind == FileKind::File => found.push((info.modified, part)),
                _ => os::remove_file(&staging, &name)?,
            }
        }
        found.sort_unstable();
        let mut table = Table::default();
        for (at, (modified, part)) in found.iter().rev().enumerate() {
            if at < MAX_PARTS && now.seconds - modified.seconds <= MAX_AGE_SECONDS {
                // The newest was used last.
                let last = (found.len() - at) as u64;
                let used = Use {
                    last,
                    ..Use::default()
                };
                table.parts.insert(*part, used);
            } else {
                os::remove_file(&staging, &part.encode())?;
            }
        }
        table.uses = found.len() as u64;
        Ok(Self {
            staging,
            table: Mutex::new(table),
            let_go: Notify::new(),
        })
    }

    /// Takes the right to a part; none while somebody has it, or writes to another part of the
    /// same node. What is there of another version of the node becomes this part: much of it may
    /// be the same. The bool says whether there is a file.
    fn take(self: &Arc<Self>, part: Part) -> io::Result<Option<(Held, bool)>> {
        let mut table = self.lock();
        let of_node = |other: &Part| other.node == part.node;
        if table
            .parts
            .iter()
            .any(|(other, used)| of_node(other) && used.busy)
        {
            return Ok(None);
        }
        let mut there = table.parts.contains_key(&part);
        let others: Vec<Part> = table.parts.keys().copied().filter(of_node).collect();
        for other in others.into_iter().filter(|other| *other != part) {
            table.parts.remove(&other);
            if there {
                remove(&self.staging, &other)?;
            } else {
                os::move_new(
                    &self.staging,
                    &other.encode(),
                    &self.staging,
                    &part.encode(),
                )?;
                there = true;
            }
        }
        if !there {
            self.make_room(&mut table)?;
        }
        table.uses += 1;
        let used = Use {
            busy: true,
            unwanted: false,
            last: table.uses,
        };
        table.parts.insert(part, used);
        let parts = Arc::clone(self);
        Ok(Some((Held { parts, part }, there)))
    }

    /// Lets the parts go that were not used for longest.
    fn make_room(&self, table: &mut Table) -> io::Result<()> {
        while table.parts.len() >= MAX_PARTS {
            let idle = table.parts.iter().filter(|(_, used)| !used.busy);
            let Some(oldest) = idle
                .min_by_key(|(_, used)| used.last)
                .map(|(part, _)| *part)
            else {
                break;
            };
            table.parts.remove(&oldest);
            remove(&self.staging, &oldest)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Root {
    /// Goes on with a part, or begins one. Waits while somebody else still writes to it: a
    /// download that was broken off ends within moments.
    ///
    /// # Errors
    /// The system's.
    pub async fn stage_part(&self, part: Part) -> Result<Staging, DiskError> {
        let failed = || DiskError::own("make a file in", "staging");
        loop {
            // Made before the look, so that nothing that is let go after it is missed.
            let let_go = self.parts().let_go.notified();
            if let Some((held, there)) = self.parts().take(part).map_err(failed())? {
                return self.open_part(held, there).map_err(failed());
            }
            let_go.await;
        }
    }

    fn open_part(&self, held: Held, there: bool) -> io::Result<Staging> {
        let name = held.part.encode();
        let found = if there {
            reopen(self.staging(), &name)
        } else {
            None
        };
        let (file, length) = match found {
            Some(found) => found,
            None => {
                remove(self.staging(), &held.part)?;
                (os::create_file(self.staging(), &name)?, 0)
            }
        };
        let entry = Entry::of_part(self.staging(), name, held);
        Ok(self.staging_of(file, entry, length))
    }

    /// What is there, or under way.
    pub fn known_parts(&self) -> Vec<Part> {
        self.parts().lock().parts.keys().copied().collect()
    }

    /// Removes a part: now, or when who writes to it lets it go without having placed it.
    pub fn drop_part(&self, part: Part) {
        let mut table = self.parts().lock();
        match table.parts.get_mut(&part) {
            Some(used) if used.busy => used.unwanted = true,
            Some(_) => {
                table.parts.remove(&part);
                // What stays is found again when the folder is opened the next time.
                let _ = remove(self.staging(), &part);
            }
            None => {}
        }
    }
}

/// Opens what an earlier download left: a file of ours that has no other name. None when it is
/// anything else, or cannot be opened.
fn reopen(staging: &OwnedFd, name: &[u8]) -> Option<(File, u64)> {
    let file = os::open_own(staging, name).ok()?;
    let info = os::info_of(&file).ok()?;
    (info.kind == FileKind::File && info.links == 1).then_some((file, info.size))
}

fn remove(staging: &OwnedFd, part: &Part) -> io::Result<()> {
    match os::remove_file(staging, &part.encode()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn names(staging: &OwnedFd) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    let directory = os::open_at(staging, b".", Want::Directory)?;
    Listing::default().read(directory, |name, kind| {
        if kind != Some(FileKind::Directory) {
            names.push(name.to_vec());
        }
    })?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_by_its_name_alone() {
        let part = Part {
            node: NodeId([0xab; 16]),
            version: VersionId([0x01; 16]),
        };
        let name = part.encode();
        assert_eq!(Part::decode(&name), Some(part));
        let text = String::from_utf8(name).unwrap();
        for wrong in [
            text.to_uppercase(),
            text.replacen("part", "pert", 1),
            format!("{text}-00"),
            text[..text.len() - 2].to_owned(),
            "part".to_owned(),
            "0123456789abcdef0123456789abcdef".to_owned(),
        ] {
            assert_eq!(Part::decode(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
