//! The states that a power cut may leave, at one point of a log.

use std::collections::{BTreeSet, HashMap};

use super::chance::Chance;
use super::content::File;
use super::log::{Change, Inode, Log};
use super::names::Entries;
use super::state::{Found, State};
use super::system::{Bytes, Choice, FileSystem, Names};

/// A point of a log at which the power is cut.
pub struct Cut<'l> {
    log: &'l Log,
    at: usize,
    volumes: Vec<Volume>,
    files: HashMap<Inode, File>,
}

/// Names and attributes on one file system.
#[derive(Default)]
struct Volume {
    /// The changes, by their numbers.
    changes: Vec<usize>,
    /// Positions therein, by what they touch.
    touching: HashMap<Inode, Vec<usize>>,
    /// So many are durable where they are kept in order.
    sure: usize,
    /// So many are durable because everything was synced.
    settled: usize,
    /// What a sync of one inode made durable since.
    synced: BTreeSet<usize>,
    /// The names after all that is settled.
    entries: Entries,
}

/// What is there of names and attributes after a cut.
pub(super) struct Kept {
    positions: BTreeSet<usize>,
    /// The same changes, by their numbers.
    pub changes: BTreeSet<usize>,
    /// Everything before this one is there.
    pub until: usize,
}

impl<'l> Cut<'l> {
    /// Before the first change.
    pub fn new(log: &'l Log) -> Self {
        let volumes = log.nodes.iter().map(|(_, volume)| volume + 1).max();
        Self {
            log,
            at: 0,
            volumes: (0..volumes.unwrap_or(0))
                .map(|_| Volume::default())
                .collect(),
            files: HashMap::new(),
        }
    }

    /// How many changes were made.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes on to the point after the next change, which is returned; none at the end.
    pub fn step(&mut self) -> Option<&'l Change> {
        let change = self.log.changes.get(self.at)?;
        let touched = change.touched();
        if let Some(first) = touched.first() {
            let volume = &mut self.volumes[self.log.volume(*first)];
            let position = volume.changes.len();
            volume.changes.push(self.at);
            for inode in touched {
                volume.touching.entry(inode).or_default().push(position);
            }
        }
        if let Some(inode) = change.written() {
            self.files.entry(inode).or_default().pending.push(self.at);
        }
        match change {
            Change::Sync { inode, since } => self.sync(*inode, *since),
            Change::SyncAll { volume, since } => self.sync_all(*volume, *since),
            _ => {}
        }
        self.at += 1;
        Some(change)
    }

    /// Goes on until so many changes were made.
    pub fn go_to(&mut self, at: usize) {
        while self.at < at && self.step().is_some() {}
    }

    fn sync(&mut self, inode: Inode, since: usize) {
        let log = self.log;
        if let Some(file) = self.files.get_mut(&inode) {
            file.sync(log, since);
        }
        let volume = &mut self.volumes[log.volume(inode)];
        let touching = volume.touching.get(&inode).map_or(&[][..], Vec::as_slice);
        let changes = &volume.changes;
        for position in touching.iter().filter(|at| changes[**at] < since) {
            volume.sure = volume.sure.max(position + 1);
            if *position >= volume.settled {
                volume.synced.insert(*position);
            }
        }
    }

    fn sync_all(&mut self, number: usize, since: usize) {
        let log = self.log;
        for (inode, file) in &mut self.files {
            if log.volume(*inode) == number {
                file.sync(log, since);
            }
        }
        let volume = &mut self.volumes[number];
        let settled = volume.changes.partition_point(|change| *change < since);
        for change in &volume.changes[volume.settled..settled.max(volume.settled)] {
            rename(&mut volume.entries, &log.changes[*change]);
        }
        volume.settled = volume.settled.max(settled);
        volume.sure = volume.sure.max(settled);
        let settled = volume.settled;
        volume.synced.retain(|position| *position >= settled);
    }

    /// One of the states that are possible here.
    pub fn state(&self, choice: Choice) -> State {
        let mut chance = Chance::new(choice.seed, self.at as u64);
        let mut state = State::default();
        for (number, volume) in self.volumes.iter().enumerate() {
            let kept = volume.kept(self.log, self.at, choice, &mut chance);
            let mut entries = volume.entries.clone();
            for position in kept.positions.range(volume.settled..) {
                rename(&mut entries, &self.log.changes[volume.changes[*position]]);
            }
            self.gather(&mut state, number, &entries, &kept, choice, &mut chance);
        }
        state
    }

    /// The state if nothing is lost.
    pub fn whole(&self) -> State {
        self.state(Choice {
            system: FileSystem::Ext4Ordered,
            names: Names::Most,
            bytes: Bytes::All,
            seed: 0,
        })
    }

    /// What there is below a root.
    fn gather(
        &self,
        state: &mut State,
        number: usize,
        entries: &Entries,
        kept: &Kept,
        choice: Choice,
        chance: &mut Chance,
    ) {
        let volume = &self.volumes[number];
        let mut below = vec![(Inode(number), Vec::new())];
        while let Some((directory, path)) = below.pop() {
            for (name, inode) in entries.of(directory) {
                let mut path: Vec<Vec<u8>> = path.clone();
                path.push(name.to_vec());
                let touching = volume.touching.get(&inode);
                let touching = touching
                    .into_iter()
                    .flatten()
                    .filter(|at| kept.positions.contains(at));
                let about: Vec<usize> = touching.map(|at| volume.changes[*at]).collect();
                let (bytes, last) = match self.files.get(&inode) {
                    Some(file) => file.bytes(self.log, kept, choice, chance),
                    None => (Vec::new(), None),
                };
                let found = Found {
                    inode,
                    about,
                    bytes,
                    last,
                };
                state.add(self.log, number, path.clone(), found);
                below.push((inode, path));
            }
        }
    }
}

impl Volume {
    /// What is there of names and attributes, `at` being now.
    fn kept(&self, log: &Log, at: usize, choice: Choice, chance: &mut Chance) -> Kept {
        let least = match choice.system {
            FileSystem::Btrfs => self.settled,
            _ => self.sure,
        };
        let most = self.changes.len();
        let first = match choice.names {
            Names::Least => least,
            Names::Most => most,
            Names::Between => chance.within(least..=most),
        };
        let mut kept: BTreeSet<usize> = (0..first).collect();
        if choice.system == FileSystem::Btrfs {
            self.add_synced(log, &mut kept);
        }
        Kept {
            changes: kept.iter().map(|at| self.changes[*at]).collect(),
            until: self.changes.get(first).copied().unwrap_or(at),
            positions: kept,
        }
    }

    /// Adds what was synced, and what it cannot be without: what happened before to the same
    /// inodes, and the directories above.
    fn add_synced(&self, log: &Log, kept: &mut BTreeSet<usize>) {
        let mut missing: Vec<usize> = self.synced.iter().copied().collect();
        while let Some(position) = missing.pop() {
            if !kept.insert(position) {
                continue;
            }
            let change = &log.changes[self.changes[position]];
            let mut needed: Vec<usize> = Vec::new();
            for inode in change.restamped() {
                needed.extend(self.touching.get(&inode).into_iter().flatten().copied());
            }
            for directory in change.touched() {
                let all = self.touching.get(&directory).into_iter().flatten();
                let made = |at: &&usize| {
                    let change = &log.changes[self.changes[**at]];
                    !change.touched().is_empty() && change.restamped().contains(&directory)
                };
                needed.extend(all.filter(made).copied());
            }
            missing.extend(needed.into_iter().filter(|at| *at < position));
        }
    }
}

/// What a change does to names.
fn rename(entries: &mut Entries, change: &Change) {
    match change {
        Change::Make { slot, inode } => entries.put(slot, *inode),
        Change::Remove { slot, inode } => entries.remove(slot, *inode),
        Change::Rename {
            to,
            inode,
            replaced,
            ..
        } => {
            if let Some(replaced) = replaced {
                entries.remove(to, *replaced);
            }
            entries.put(to, *inode);
        }
        Change::Exchange { slots, inodes } => {
            entries.put(&slots[1], inodes[0]);
            entries.put(&slots[0], inodes[1]);
        }
        _ => {}
    }
}
