//! A log's fold in a map: what a server checks and what it then says.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{NodeId, NodeKind, VersionId};
use hythe_sync::{Newer, Place, RemoteNode, Step, SyncedNode, Versions};

use crate::disk::{Content, Listing, hash_of, size_of};

/// The step that was refused, and why. The whole change set is then void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

#[derive(Debug, Clone, Default)]
pub struct Server {
    pub nodes: BTreeMap<NodeId, RemoteNode>,
    /// Every content ever committed, by version: the history.
    pub contents: BTreeMap<VersionId, Content>,
    /// The nodes that each change set wrote.
    pub log: Vec<BTreeSet<NodeId>>,
    /// The versions there were when the data were restored.
    pub restored: BTreeMap<NodeId, Versions>,
    /// Contents written since then.
    pub written: BTreeSet<(NodeId, Content)>,
}

impl Server {
    /// This copy of the data, put in place of newer ones.
    pub fn restored(mut self) -> Self {
        self.written.clear();
        let versions = self.nodes.values().map(|node| (node.id, node.versions));
        self.restored = versions.collect();
        self
    }

    /// Which fields of a node were written since the restore, for a device that agreed on `row`.
    pub fn newer(&self, row: &SyncedNode) -> Newer {
        let agreed = |(node, content): &(NodeId, Content)| {
            *node == row.id && row.hash == Some(hash_of(*content))
        };
        let Some(node) = self.nodes.get(&row.id) else {
            return Newer::default();
        };
        let now = node.versions;
        let then = self.restored.get(&row.id);
        let before = |now: VersionId, then: Option<VersionId>| {
            (then != Some(now)).then(|| then.unwrap_or(now))
        };
        Newer {
            place: before(now.place, then.map(|then| then.place)),
            attributes: before(now.attributes, then.map(|then| then.attributes)),
            body: now
                .body
                .and_then(|now| before(now, then.and_then(|then| then.body))),
            brought_back: self.written.iter().any(agreed),
        }
    }

    /// Commits a change set, whole or not at all. `contents` holds what was uploaded, by version.
    pub fn commit(
        &mut self,
        steps: &[Step],
        contents: &BTreeMap<VersionId, Content>,
    ) -> Result<(), Refusal> {
        let mut next = self.clone();
        let mut written = BTreeSet::new();
        for step in steps {
            next.apply(step, contents)
                .map_err(|why| Refusal(format!("{why}: {step:?}")))?;
            written.insert(step.node());
        }
        next.log.push(written);
        *self = next;
        Ok(())
    }

    pub fn live(&self, id: NodeId) -> Option<&RemoteNode> {
        self.nodes.get(&id).filter(|node| !node.deleted)
    }

    pub fn at(&self, place: &Place) -> Option<NodeId> {
        let mut live = self.nodes.values().filter(|node| !node.deleted);
        live.find(|node| node.place().as_ref() == Some(place))
            .map(|node| node.id)
    }

    /// All there is below a directory, as [`crate::disk::Disk::listing`] has it.
    pub fn listing(&self, root: NodeId) -> Listing {
        let mut list = Listing::new();
        for node in self.nodes.values().filter(|node| !node.deleted) {
            let (mut path, mut at) = (Vec::new(), node.id);
            while at != root && at != NodeId::ROOT {
                let node = &self.nodes[&at];
                path.push(node.name.clone().unwrap());
                at = node.parent;
            }
            if at != root || path.is_empty() {
                continue;
            }
            path.reverse();
            let content = node
                .versions
                .body
                .map_or(0, |version| self.contents[&version]);
            let attributes = node.attributes;
            let row = (
                node.kind,
                content,
                attributes.executable,
                attributes.modified.seconds,
            );
            list.insert(path, row);
        }
        list
    }

    fn has_children(&self, id: NodeId) -> bool {
        self.nodes
            .values()
            .any(|node| !node.deleted && node.parent == id)
    }

    fn may_put(&self, id: NodeId, to: &Place) -> Result<(), &'static str> {
        let parent = to.parent;
        let directory = self
            .live(parent)
            .is_some_and(|node| node.kind == NodeKind::Directory);
        if parent != NodeId::ROOT && !directory {
            return Err("the parent is no live directory");
        }
        if self.at(to).is_some_and(|other| other != id) {
            return Err("the name is taken");
        }
        let mut at = parent;
        while at != NodeId::ROOT {
            if at == id {
                return Err("a circle");
            }
            at = self.nodes[&at].parent;
        }
        Ok(())
    }

    fn store(
        &mut self,
        node: NodeId,
        version: Option<VersionId>,
        contents: &BTreeMap<VersionId, Content>,
    ) -> Content {
        let Some(version) = version else { return 0 };
        self.contents.insert(version, contents[&version]);
        self.written.insert((node, contents[&version]));
        contents[&version]
    }

    fn apply(
        &mut self,
        step: &Step,
        contents: &BTreeMap<VersionId, Content>,
    ) -> Result<(), &'static str> {
        match step {
            Step::RemoteCreate {
                node,
                to,
                kind,
                attributes,
                new,
                ..
            } => {
                if self.nodes.contains_key(node) {
                    return Err("the id is taken");
                }
                self.may_put(*node, to)?;
                let content = self.store(*node, new.body, contents);
                let file = *kind != NodeKind::Directory;
                let made = RemoteNode {
                    id: *node,
                    parent: to.parent,
                    name: Ok(to.name.clone()),
                    kind: *kind,
                    deleted: false,
                    versions: *new,
                    attributes: *attributes,
                    size: if file { size_of(content) } else { 0 },
                    hash: file.then(|| hash_of(content)),
                };
                self.nodes.insert(*node, made);
            }
            Step::RemoteRestore {
                node,
                to,
                expected,
                new,
            } => {
                let there = self.nodes.get(node).filter(|node| node.deleted);
                if there.is_none_or(|node| node.versions.place != *expected) {
                    return Err("not that deleted node");
                }
                self.put(*node, to, *new)?;
            }
            Step::RemoteMove {
                node,
                to,
                expected,
                new,
            } => {
                if self
                    .live(*node)
                    .is_none_or(|node| node.versions.place != *expected)
                {
                    return Err("moved meanwhile");
                }
                self.put(*node, to, *new)?;
            }
            Step::RemoteUpdate { .. } => self.update(step, contents)?,
            Step::RemoteDelete { node, expected } => self.delete(*node, *expected)?,
            _ => return Err("no step for a log"),
        }
        Ok(())
    }

    fn put(&mut self, id: NodeId, to: &Place, version: VersionId) -> Result<(), &'static str> {
        self.may_put(id, to)?;
        if let Some(node) = self.nodes.get_mut(&id) {
            (node.parent, node.name, node.deleted) = (to.parent, Ok(to.name.clone()), false);
            node.versions.place = version;
        }
        Ok(())
    }

    fn update(
        &mut self,
        step: &Step,
        contents: &BTreeMap<VersionId, Content>,
    ) -> Result<(), &'static str> {
        let Step::RemoteUpdate {
            node,
            attributes,
            body,
        } = step
        else {
            return Ok(());
        };
        let content = self.store(*node, body.as_ref().map(|body| body.new), contents);
        let there = self
            .nodes
            .get_mut(node)
            .filter(|node| !node.deleted)
            .ok_or("gone")?;
        if let Some(write) = attributes {
            if there.versions.attributes != write.expected {
                return Err("attributes changed meanwhile");
            }
            (there.versions.attributes, there.attributes) = (write.new, write.attributes);
        }
        if let Some(write) = body {
            if there.versions.body != write.expected {
                return Err("edited meanwhile");
            }
            there.versions.body = Some(write.new);
            (there.size, there.hash) = (size_of(content), Some(hash_of(content)));
        }
        Ok(())
    }

    fn delete(&mut self, id: NodeId, expected: Versions) -> Result<(), &'static str> {
        if self.has_children(id) {
            return Err("not empty");
        }
        let node = self
            .nodes
            .get_mut(&id)
            .filter(|node| !node.deleted)
            .ok_or("gone")?;
        if node.versions.place != expected.place || node.versions.body != expected.body {
            return Err("changed meanwhile");
        }
        node.deleted = true;
        Ok(())
    }
}
