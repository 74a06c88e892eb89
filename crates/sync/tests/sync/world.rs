//! Two devices, a server, and users: random or enumerated histories, and the laws they obey.

use std::collections::BTreeSet;

use hythe_model::{NodeId, NodeKind};
use hythe_sync::{MapTrees, RemoteNode, Trees};

use crate::device::Device;
use crate::disk::Content;
use crate::server::Server;
use crate::users::{Edit, apply};

/// One event of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The user of a device does something.
    User(u8, Edit),
    /// A device looks at its disk.
    Scan(u8),
    /// A device hears from the server.
    Pull(u8),
    /// A device plans and carries out, without looking or hearing first.
    Step(u8),
    /// As [`Event::Step`], but the user does something in between.
    Late(u8, Edit),
    /// As [`Event::Step`], for some of the dirty nodes only.
    Part(u8, u64),
    /// As [`Event::Step`], while some nodes are blocked.
    Blocked(u8, u64),
}

#[derive(Debug, Clone)]
pub struct World {
    pub devices: Vec<Device>,
    pub server: Server,
    /// Steps done since the last edit.
    pub steps: usize,
}

impl World {
    pub fn new(devices: u8) -> Self {
        let devices = (1..=devices).map(Device::new).collect();
        Self {
            devices,
            server: Server::default(),
            steps: 0,
        }
    }

    fn device(&mut self, number: u8) -> usize {
        usize::from(number) % self.devices.len()
    }

    pub fn run(&mut self, event: &Event) {
        match event {
            Event::User(device, edit) => {
                let at = self.device(*device);
                self.edit(at, *edit);
            }
            Event::Scan(device) => {
                let at = self.device(*device);
                self.devices[at].scan();
            }
            Event::Pull(device) => {
                let at = self.device(*device);
                if !self.devices[at].away {
                    self.devices[at].pull(&self.server);
                }
            }
            Event::Step(device) => {
                let at = self.device(*device);
                self.step(at, None, u64::MAX);
            }
            Event::Late(device, edit) => {
                let at = self.device(*device);
                self.step(at, Some(*edit), u64::MAX);
            }
            Event::Part(device, mask) => {
                let at = self.device(*device);
                self.step(at, None, *mask);
            }
            Event::Blocked(device, mask) => {
                let at = self.device(*device);
                let trees = &self.devices[at].trees;
                let ids = trees.all_local().map(|node| node.id);
                let ids: BTreeSet<NodeId> =
                    ids.chain(trees.all_remote().map(|node| node.id)).collect();
                self.devices[at].context.blocked = part(&ids, *mask);
                self.step(at, None, u64::MAX);
                self.devices[at].context.blocked.clear();
            }
        }
    }

    /// Plans for the dirty nodes that `mask` has a bit for, and carries out.
    fn step(&mut self, at: usize, late: Option<Edit>, mask: u64) {
        if self.devices[at].away {
            return;
        }
        let mut some = part(&self.devices[at].dirty, mask);
        let mut plan = self.devices[at].plan(&some);
        while plan.steps.is_empty() && !plan.later.is_empty() {
            assert!(plan.later.len() < some.len(), "a plan that took nothing on");
            some = plan.later;
            plan = self.devices[at].plan(&some);
        }
        if let Some(edit) = late {
            self.edit(at, edit);
        }
        self.steps += self.devices[at].execute(&plan, &mut self.server);
    }

    /// From now on plans look at about so many nodes.
    pub fn plan_in_parts(&mut self, limit: usize) {
        for device in &mut self.devices {
            device.context.limit = Some(limit);
        }
    }

    /// Everything synced, nobody writing: until nothing is left to do, in whatever partition of
    /// the dirty nodes `mask` makes.
    pub fn settle(&mut self, mask: u64) {
        for round in 0.. {
            let before = (self.server.log.len(), self.steps);
            for at in 0..self.devices.len() {
                self.devices[at].scan();
                self.devices[at].pull(&self.server);
                self.step(at, None, if round % 2 == 0 { mask } else { u64::MAX });
            }
            if round % 2 == 1 && before == (self.server.log.len(), self.steps) {
                return;
            }
            assert!(round < 200, "no end (C2)\n{}", self.report());
        }
    }

    /// One device settles by itself, in parts given by `mask` first.
    pub fn settle_one(&mut self, at: usize, mask: u64) {
        self.devices[at].scan();
        for part in [mask, !mask, mask.rotate_left(17), u64::MAX] {
            self.devices[at].pull(&self.server);
            self.step(at, None, part);
            self.devices[at].scan();
        }
        for round in 0.. {
            let before = self.steps;
            self.devices[at].scan();
            self.devices[at].pull(&self.server);
            self.step(at, None, u64::MAX);
            if before == self.steps {
                return;
            }
            assert!(round < 200, "no end (C2)\n{}", self.report());
        }
    }

    pub fn report(&self) -> String {
        let mut text = String::new();
        for (at, device) in self.devices.iter().enumerate() {
            let last = device.trace.iter().rev().take(40).rev();
            let steps: Vec<&str> = last.map(String::as_str).collect();
            text += &format!(
                "device {at}:\n  {}\n{:#?}\n",
                steps.join("\n  "),
                device.disk.listing()
            );
        }
        text
    }

    fn edit(&mut self, at: usize, edit: Edit) {
        self.steps = 0;
        let device = &mut self.devices[at];
        let before = device.disk.contents();
        apply(&mut device.disk, edit);
        // What a user destroys before it was sent is the user's own doing.
        let after = device.disk.contents();
        device
            .seen
            .retain(|content| after.contains(content) || !before.contains(content));
    }

    /// Adds a device whose folder stands for a directory of the space.
    pub fn add_view(&mut self, root: NodeId) {
        let number = u8::try_from(self.devices.len() + 1).unwrap();
        let mut device = Device::new(number);
        device.trees = MapTrees::new(root);
        self.devices.push(device);
    }

    /// The id of some directory there is.
    pub fn some_directory(&self, which: u8) -> Option<NodeId> {
        let live = self.server.nodes.values().filter(|node| !node.deleted);
        let all: Vec<NodeId> = live
            .filter(|node| node.kind == NodeKind::Directory)
            .map(|node| node.id)
            .collect();
        (!all.is_empty()).then(|| all[usize::from(which) % all.len()])
    }

    /// The server's data are replaced by an older copy. The first device finds out at once, the
    /// others may be away.
    pub fn restore(&mut self, copy: Server, all: bool) {
        self.server = copy.restored();
        // What only the lost history held is lost; what any disk holds is not.
        for device in &mut self.devices {
            let on_disk = device.disk.contents();
            device.seen.retain(|content| on_disk.contains(content));
        }
        let count = if all { self.devices.len() } else { 1 };
        for device in &mut self.devices[..count] {
            device.reconcile(&self.server);
        }
        for device in &mut self.devices[count..] {
            device.away = true;
        }
    }

    /// Devices that were away come back.
    pub fn reconcile_all(&mut self) {
        for device in self.devices.iter_mut().filter(|device| device.away) {
            device.away = false;
            device.reconcile(&self.server);
        }
    }

    /// The laws that hold once all is settled.
    pub fn assert_laws(&self) {
        let report = || self.report();
        for device in &self.devices {
            let root = device.trees.root();
            if root != NodeId::ROOT && self.server.live(root).is_none() {
                continue;
            }
            let (listing, expected) = (device.disk.listing(), self.server.listing(root));
            assert_eq!(listing, expected, "C1: disk and log differ\n{}", report());
            assert!(
                device.dirty.is_empty(),
                "something stays open\n{}",
                report()
            );
            self.assert_trees_equal(device);
        }
        let kept: BTreeSet<Content> = self.server.contents.values().copied().collect();
        for device in &self.devices {
            if device.trees.root() != NodeId::ROOT {
                // Its directory may have been deleted under unsent edits, which then stay on disk.
                continue;
            }
            let lost: Vec<_> = device.seen.difference(&kept).collect();
            assert!(lost.is_empty(), "S1: lost {lost:?}\n{}", report());
        }
    }

    /// What a device's scans have seen is on its own disk or in the log.
    pub fn assert_kept(&self, at: usize) {
        let mut kept: BTreeSet<Content> = self.server.contents.values().copied().collect();
        kept.extend(self.devices[at].disk.contents());
        let lost: Vec<_> = self.devices[at].seen.difference(&kept).collect();
        assert!(lost.is_empty(), "S1: lost {lost:?}\n{}", self.report());
    }

    /// Disk, log and Synced agree for every node.
    fn assert_trees_equal(&self, device: &Device) {
        let rows = device.trees.all_synced().count();
        let entries = device.trees.all_local().count();
        assert_eq!(rows, entries, "Synced and Local differ\n{}", self.report());
        for local in device.trees.all_local() {
            let remote: &RemoteNode = &self.server.nodes[&local.id];
            let row = device.trees.synced(local.id).unwrap().unwrap();
            assert!(!remote.deleted && device.says_remote(remote));
            assert_eq!(remote.place(), Some(local.place.clone()));
            assert_eq!((&row.place, row.versions), (&local.place, remote.versions));
            assert_eq!(row.kind, local.kind);
            if local.kind == NodeKind::File {
                assert_eq!(row.stamp, local.stamp);
                assert_eq!(remote.attributes, local.attributes());
            }
        }
    }
}

/// The ids that `mask` has a bit for.
fn part(ids: &BTreeSet<NodeId>, mask: u64) -> BTreeSet<NodeId> {
    let chosen = ids
        .iter()
        .enumerate()
        .filter(|(place, _)| mask >> (place % 64) & 1 == 1);
    chosen.map(|(_, id)| *id).collect()
}
