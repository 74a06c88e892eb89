//! A device with a folder: it scans, pulls, plans and carries out, as the client does, but on maps.
//!
//! The executor has no opinions: a step whose expectation does not hold ends its half of the plan.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{NodeId, NodeKind, VersionId};
use hythe_sync::{
    Brake, Done, Half, IdSource, LocalNode, MapTrees, Place, Plan, PlanContext, RemoteNode,
    Replaces, Step, Trees, after_restore, check, plan, synced_after,
};

use crate::disk::{Content, Disk, ROOT, hash_of, size_of};
use crate::server::Server;

/// Ids that look random, and are the same in every run.
#[derive(Debug, Clone)]
pub struct Ids(pub u64);

impl Ids {
    fn draw(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for half in bytes.chunks_mut(8) {
            // splitmix64 (Steele, Lea, Flood 2014)
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            half.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes());
        }
        bytes
    }
}

impl IdSource for Ids {
    fn node(&mut self) -> NodeId {
        NodeId(self.draw())
    }

    fn version(&mut self) -> VersionId {
        VersionId(self.draw())
    }
}

#[derive(Debug, Clone)]
pub struct Device {
    pub disk: Disk,
    pub trees: MapTrees,
    pub dirty: BTreeSet<NodeId>,
    pub context: PlanContext,
    pub ids: Ids,
    cursor: usize,
    /// It does not reach the server.
    pub away: bool,
    /// Contents that scans have seen.
    pub seen: BTreeSet<Content>,
    /// Remote steps it carried out.
    pub sent: usize,
    /// What was done, for the report of a failing test.
    pub trace: Vec<String>,
}

/// An expectation did not hold.
struct Changed;

impl Device {
    pub fn new(number: u8) -> Self {
        let context = PlanContext {
            device: format!("device{number}"),
            date: "2026-01-01".to_owned(),
            ..PlanContext::default()
        };
        Self {
            disk: Disk::new(1000 * i64::from(number)),
            trees: MapTrees::new(NodeId::ROOT),
            dirty: BTreeSet::new(),
            context,
            ids: Ids(u64::from(number) << 32),
            cursor: 0,
            away: false,
            seen: BTreeSet::new(),
            sent: 0,
            trace: Vec::new(),
        }
    }

    /// Brings Local up to date with the disk. An entry keeps its id by inode, else by path.
    pub fn scan(&mut self) {
        let before: Vec<LocalNode> = self.trees.all_local().cloned().collect();
        let by_inode: BTreeMap<u64, LocalNode> = before
            .iter()
            .map(|node| (node.stamp.inode, node.clone()))
            .collect();
        let mut found: BTreeMap<NodeId, LocalNode> = BTreeMap::new();
        let mut queue = vec![(ROOT, self.trees.root())];
        while let Some((inode, id)) = queue.pop() {
            for child in self.disk.children(inode) {
                let node = self.identify(child, id, &by_inode);
                if node.kind == NodeKind::Directory {
                    queue.push((child, node.id));
                } else if node.kind == NodeKind::File {
                    self.seen.insert(self.disk.entries[&child].content);
                }
                assert!(found.insert(node.id, node).is_none(), "one id twice");
            }
        }
        for node in &before {
            if found.get(&node.id) != Some(node) {
                self.trees.remove_local(node.id);
                self.dirty.insert(node.id);
            }
        }
        for node in found.into_values() {
            if self.trees.local(node.id).unwrap().as_ref() != Some(&node) {
                self.dirty.insert(node.id);
                self.trees.set_local(node);
            }
        }
    }

    fn identify(
        &mut self,
        inode: u64,
        parent: NodeId,
        known: &BTreeMap<u64, LocalNode>,
    ) -> LocalNode {
        let entry = self.disk.entries[&inode].clone();
        let place = Place::new(parent, entry.name.clone());
        let by_inode = known.get(&inode).filter(|node| node.kind == entry.kind);
        let by_path = || {
            let id = self.trees.local_child(&place).unwrap()?;
            let node = self.trees.local(id).unwrap()?;
            (node.kind == entry.kind && !self.disk.exists(node.stamp.inode)).then_some(node)
        };
        let old = by_inode.cloned().or_else(by_path);
        let stamp = self.disk.stamp(inode).unwrap();
        // A link's text is read with its stamp.
        let read = (entry.kind == NodeKind::Symlink).then(|| hash_of(entry.content));
        let hash = old
            .as_ref()
            .filter(|node| node.stamp == stamp)
            .and_then(|node| node.hash);
        LocalNode {
            id: old.map_or_else(|| self.ids.node(), |node| node.id),
            place,
            kind: entry.kind,
            executable: entry.executable && entry.kind == NodeKind::File,
            stamp,
            hash: read.or(hash),
        }
    }

    /// Takes over what the log says since the last time.
    pub fn pull(&mut self, server: &Server) {
        let news: BTreeSet<NodeId> = server.log[self.cursor..]
            .iter()
            .flatten()
            .copied()
            .collect();
        self.cursor = server.log.len();
        for id in news {
            self.trees.set_remote(server.nodes[&id].clone());
            self.dirty.insert(id);
        }
    }

    /// Takes the log of a restored server for what it is, as the client does for a new epoch.
    pub fn reconcile(&mut self, server: &Server) {
        let root = self.trees.root();
        let old = std::mem::replace(&mut self.trees, MapTrees::new(root));
        for node in server.nodes.values() {
            self.trees.set_remote(node.clone());
            self.dirty.insert(node.id);
        }
        for node in old.all_local() {
            self.trees.set_local(node.clone());
            self.dirty.insert(node.id);
        }
        for row in old.all_synced() {
            let on_disk = old.local(row.id).unwrap().is_some();
            let remote = server.nodes.get(&row.id);
            let known = old.remote(row.id).unwrap();
            let known = known.map_or(row.versions, |node| node.versions);
            let row_after = after_restore(row, &known, on_disk, remote, server.newer(row));
            self.trees.set_synced(row.id, row_after);
            self.dirty.insert(row.id);
        }
        self.cursor = server.log.len();
    }

    pub fn plan(&mut self, dirty: &BTreeSet<NodeId>) -> Plan {
        let plan = plan(&self.trees, dirty, &self.context, &mut self.ids).unwrap();
        for line in hythe_sync::text::lines(&plan, &|id| id.to_string()[..6].to_owned()) {
            self.trace.push(line);
        }
        let none = BTreeSet::new();
        let checked = check(plan.clone(), &self.trees, &Brake::released(&none));
        if let Err(refused) = checked {
            panic!("{refused}\n{plan:#?}\n{}", self.trace.join("\n"));
        }
        for id in dirty {
            self.dirty.remove(id);
        }
        self.dirty.extend(plan.open.iter().chain(&plan.later));
        plan
    }

    /// Carries a plan out. Returns how many steps were done.
    pub fn execute(&mut self, plan: &Plan, server: &mut Server) -> usize {
        let mut done = 0;
        for step in plan.half(Half::Books) {
            self.book(step);
            done += 1;
        }
        let sent = self.execute_remote(plan, server);
        self.sent += sent;
        done += sent;
        for step in plan.half(Half::Local) {
            match self.local_step(step, server) {
                Ok(outcome) => self.note(step, &outcome),
                Err(Changed) => break,
            }
            done += 1;
        }
        done
    }

    fn note(&mut self, step: &Step, done: &Done) {
        let node = step.node();
        let before = self.trees.synced(node).unwrap();
        self.trees
            .set_synced(node, synced_after(step, before.as_ref(), done));
        self.dirty.insert(node);
    }

    fn book(&mut self, step: &Step) {
        match step {
            Step::Adopt { local, node } => {
                self.trees.adopt(*local, *node);
                self.dirty.insert(*local);
            }
            Step::NeedHash { node, stamp } => {
                let read = self.read(stamp);
                if let (Some(content), Some(mut local)) = (read, self.trees.local(*node).unwrap()) {
                    local.hash = Some(hash_of(content));
                    self.trees.set_local(local);
                }
            }
            _ => {}
        }
        self.note(step, &Done::default());
    }

    /// The content under a stamp, if the disk shows that stamp.
    fn read(&self, stamp: &hythe_sync::DiskStamp) -> Option<Content> {
        let shown = self.disk.stamp(stamp.inode).filter(|shown| shown == stamp);
        shown.map(|_| self.disk.entries[&stamp.inode].content)
    }

    fn execute_remote(&mut self, plan: &Plan, server: &mut Server) -> usize {
        let (mut steps, mut contents) = (Vec::new(), BTreeMap::new());
        for step in plan.half(Half::Remote) {
            match self.upload(step, &mut contents) {
                Ok(true) => steps.push(step.clone()),
                Ok(false) => {}
                Err(Changed) => return 0,
            }
        }
        if steps.is_empty() {
            return plan.half(Half::Remote).count();
        }
        if let Err(refusal) = server.commit(&steps, &contents) {
            self.trace.push(refusal.0);
            return 0;
        }
        for step in &steps {
            let version = match step {
                Step::RemoteCreate { new, .. } => new.body,
                Step::RemoteUpdate { body, .. } => body.as_ref().map(|body| body.new),
                _ => None,
            };
            let content = version.map(|version| contents[&version]);
            let content = content.map(|content| (size_of(content), hash_of(content)));
            self.note(
                step,
                &Done {
                    content,
                    ..Done::default()
                },
            );
        }
        self.pull(server);
        steps.len()
    }

    /// Reads what a step sends. False: there is nothing to send after all.
    fn upload(
        &mut self,
        step: &Step,
        contents: &mut BTreeMap<VersionId, Content>,
    ) -> Result<bool, Changed> {
        let (version, stamp, unless) = match step {
            Step::RemoteCreate { new, stamp, .. } => match new.body {
                Some(version) => (version, stamp, None),
                None => return self.disk.stamp(stamp.inode).map(|_| true).ok_or(Changed),
            },
            Step::RemoteUpdate {
                body: Some(body), ..
            } => (body.new, &body.stamp, body.unless),
            _ => return Ok(true),
        };
        let content = self.read(stamp).ok_or(Changed)?;
        if let Some(mut local) = self.trees.local(step.node()).unwrap() {
            local.hash = Some(hash_of(content));
            self.trees.set_local(local);
        }
        contents.insert(version, content);
        Ok(unless != Some(hash_of(content)))
    }

    fn inode_of(&self, node: NodeId) -> Result<u64, Changed> {
        if node == self.trees.root() {
            return Ok(ROOT);
        }
        let inode = self
            .trees
            .local(node)
            .unwrap()
            .map(|local| local.stamp.inode);
        inode
            .filter(|inode| self.disk.exists(*inode))
            .ok_or(Changed)
    }

    /// The parent's inode, if the place is free.
    fn free(&self, place: &Place) -> Result<u64, Changed> {
        let parent = self.inode_of(place.parent)?;
        if self.disk.at(parent, &place.name).is_some() {
            Err(Changed)
        } else {
            Ok(parent)
        }
    }

    /// The inode at a place, if it is this entry.
    fn entry(&self, place: &Place, stamp: &hythe_sync::DiskStamp) -> Result<u64, Changed> {
        let at = self.disk.at(self.inode_of(place.parent)?, &place.name);
        at.filter(|inode| *inode == stamp.inode).ok_or(Changed)
    }

    fn local_step(&mut self, step: &Step, server: &Server) -> Result<Done, Changed> {
        match step {
            Step::LocalCreateDirectory { node, to, .. } => {
                let parent = self.free(to)?;
                let inode = self.disk.create(parent, &to.name, NodeKind::Directory, 0);
                Ok(self.arrived(*node, to, inode))
            }
            Step::Download { .. } => self.download(step, server),
            Step::LocalAttributes {
                node,
                attributes,
                stamp,
                ..
            } => {
                let mut local = self.trees.local(*node).unwrap().ok_or(Changed)?;
                self.read(stamp).ok_or(Changed)?;
                self.disk.set_attributes(stamp.inode, *attributes);
                local.executable = attributes.executable;
                local.stamp = self.disk.stamp(stamp.inode).unwrap();
                let stamp = Some(local.stamp);
                self.trees.set_local(local);
                Ok(Done {
                    stamp,
                    executable: attributes.executable,
                    ..Done::default()
                })
            }
            Step::LocalMove {
                node,
                from,
                to,
                stamp,
                ..
            } => {
                let inode = self.entry(from, stamp)?;
                let parent = self.free(to)?;
                if self.disk.is_in(parent, inode) {
                    return Err(Changed);
                }
                Ok(self.moved(*node, *node, inode, to))
            }
            Step::LocalDelete {
                node,
                from,
                kind,
                stamp,
            } => {
                let inode = self.entry(from, stamp)?;
                match kind {
                    NodeKind::Directory if self.disk.children(inode).is_empty() => {}
                    NodeKind::Directory => return Err(Changed),
                    _ => drop(self.read(stamp).ok_or(Changed)?),
                }
                self.disk.remove(inode);
                self.trees.remove_local(*node);
                Ok(Done::default())
            }
            _ => Err(Changed),
        }
    }

    /// Renames on disk; the entry is known as `becomes` from then on.
    fn moved(&mut self, node: NodeId, becomes: NodeId, inode: u64, to: &Place) -> Done {
        let before = self.disk.stamp(inode);
        let parent = self.inode_of(to.parent).unwrap_or(ROOT);
        self.disk.rename(inode, parent, &to.name);
        let after = self.disk.stamp(inode);
        if let Some(mut local) = self.trees.local(node).unwrap() {
            self.trees.remove_local(node);
            if before == Some(local.stamp) {
                local.stamp = after.unwrap();
            }
            (local.id, local.place) = (becomes, to.clone());
            self.trees.set_local(local);
        }
        self.dirty.insert(becomes);
        Done {
            before,
            stamp: after,
            ..Done::default()
        }
    }

    fn arrived(&mut self, node: NodeId, to: &Place, inode: u64) -> Done {
        let entry = &self.disk.entries[&inode];
        let stamp = self.disk.stamp(inode).unwrap();
        let hash = (entry.kind != NodeKind::Directory).then(|| hash_of(entry.content));
        let executable = entry.executable;
        let content = hash.map(|hash| (size_of(entry.content), hash));
        let (kind, place) = (entry.kind, to.clone());
        self.trees.set_local(LocalNode {
            id: node,
            place,
            kind,
            executable,
            stamp,
            hash,
        });
        Done {
            before: None,
            stamp: Some(stamp),
            executable,
            content,
        }
    }

    fn download(&mut self, step: &Step, server: &Server) -> Result<Done, Changed> {
        let Step::Download {
            node,
            to,
            kind,
            versions,
            attributes,
            replaces,
            ..
        } = step
        else {
            return Err(Changed);
        };
        let content = server.contents[&versions.body.ok_or(Changed)?];
        let parent = match replaces {
            Replaces::Nothing => self.free(to)?,
            Replaces::Same(stamp) => {
                let inode = self.entry(to, stamp)?;
                self.read(stamp).ok_or(Changed)?;
                self.disk.remove(inode);
                self.trees.remove_local(*node);
                self.inode_of(to.parent)?
            }
            Replaces::Copy {
                occupant,
                becomes,
                name,
                stamp,
            } => {
                let inode = self.entry(to, stamp)?;
                let aside = Place::new(to.parent, name.clone());
                let parent = self.free(&aside)?;
                self.moved(*occupant, *becomes, inode, &aside);
                parent
            }
        };
        let inode = self.disk.create(parent, &to.name, *kind, content);
        self.disk.set_attributes(inode, *attributes);
        Ok(self.arrived(*node, to, inode))
    }

    /// What the log says is in this folder, in the form of [`Disk::listing`].
    pub fn says_remote(&self, node: &RemoteNode) -> bool {
        self.trees.remote(node.id).unwrap().as_ref() == Some(node)
    }
}
