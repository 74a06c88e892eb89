//! Text trees to trees and plans to text, for tests that are tables.
//!
//! One content token is one content. Words of a line:
//! - `+x`: executable. `@n`: the time is n (else what the content was written at).
//! - in Local, `unread`: the entry has another stamp than in Synced and its hash is not known;
//!   `touched`: another stamp, and the hash is known. Otherwise an entry with Synced's content has
//!   Synced's stamp.
//! - in Remote, `deleted`; `hashless`: its writer gave no hash.
//!
//! Versions follow from what a line says: the same place, content and attributes are the same
//! versions, so Synced and Remote agree where their lines do.

use std::collections::BTreeSet;

use hythe_model::{Attributes, ContentHash, NodeId, NodeKind, Timestamp, VersionId};
use hythe_sync::{
    Brake, DiskStamp, LocalNode, MapTrees, Place, Plan, PlanContext, RemoteNode, SyncedNode,
    Versions, check, plan, text,
};
use hythe_testkit::tree_text::{TextNode, id_of, parse, token_of};

use crate::device::Ids;

const ROOT: NodeId = NodeId::ROOT;

/// The three trees of a case.
pub struct Case<'a> {
    pub synced: &'a str,
    pub local: &'a str,
    pub remote: &'a str,
}

impl Case<'_> {
    /// The trees. Local nodes take their stamp from Synced where they did not change.
    pub fn trees(&self) -> MapTrees {
        let mut trees = MapTrees::new(ROOT);
        let synced = parse(self.synced, ROOT).unwrap();
        for node in &synced {
            trees.set_synced(node.id, Some(synced_node(node)));
        }
        for node in parse(self.remote, ROOT).unwrap() {
            trees.set_remote(remote_node(&node));
        }
        for node in parse(self.local, ROOT).unwrap() {
            let base = synced.iter().find(|row| row.id == node.id);
            trees.set_local(local_node(&node, base));
        }
        trees
    }

    /// Every node that any tree has.
    pub fn all(&self) -> BTreeSet<NodeId> {
        let texts = [self.synced, self.local, self.remote];
        texts
            .iter()
            .flat_map(|text| parse(text, ROOT).unwrap())
            .map(|node| node.id)
            .collect()
    }

    pub fn plan(&self) -> Plan {
        self.plan_for(&self.all())
    }

    /// The plan when only these nodes are known to be dirty.
    pub fn plan_for(&self, dirty: &BTreeSet<NodeId>) -> Plan {
        let context = PlanContext {
            device: "pc".into(),
            date: "2026-01-01".into(),
            ..Default::default()
        };
        let trees = self.trees();
        let plan = plan(&trees, dirty, &context, &mut Ids(1)).unwrap();
        let none = BTreeSet::new();
        check(plan.clone(), &trees, &Brake::released(&none)).unwrap();
        plan
    }

    /// A plan's lines, books left out. Fresh ids are shown as `new`, the root as nothing.
    pub fn lines(&self, plan: &Plan) -> Vec<String> {
        let known = self.all();
        let name = |id| match id {
            ROOT => String::new(),
            id if known.contains(&id) => token_of(id),
            _ => "new".to_owned(),
        };
        let lines = text::lines(plan, &name).into_iter();
        lines.filter(|line| !line.starts_with("record ")).collect()
    }
}

fn number(text: &str) -> i64 {
    text.bytes()
        .fold(7, |sum, byte| sum * 31 % 1_000_003 + i64::from(byte))
}

fn version(kind: u8, text: &str) -> VersionId {
    let mut bytes = id_of("version").0;
    bytes[0] = kind;
    bytes[8..].copy_from_slice(&number(text).to_be_bytes());
    // Conflict names show the first three bytes.
    bytes[1..3].copy_from_slice(&[0xab, 0xcd]);
    VersionId(bytes)
}

fn content(node: &TextNode) -> &str {
    node.content.as_deref().unwrap_or_default()
}

fn hash(node: &TextNode) -> Option<ContentHash> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number(content(node)).to_be_bytes());
    (node.kind != NodeKind::Directory).then_some(ContentHash(bytes))
}

fn attributes(node: &TextNode) -> Attributes {
    let told = node.flags.iter().find_map(|word| word.strip_prefix('@'));
    let seconds = told.map_or_else(|| number(content(node)), |time| time.parse().unwrap());
    let directory = node.kind == NodeKind::Directory;
    let modified = if directory {
        Timestamp::default()
    } else {
        Timestamp { seconds, nanos: 0 }
    };
    Attributes {
        executable: node.has("+x"),
        modified,
    }
}

/// Contents of one first letter have one length.
fn size(node: &TextNode) -> u64 {
    content(node).bytes().next().map_or(0, u64::from)
}

fn stamp(node: &TextNode, changed: i64) -> DiskStamp {
    DiskStamp {
        device: 1,
        inode: u64::from_be_bytes(node.id.0[..8].try_into().unwrap()),
        size: size(node),
        modified: attributes(node).modified,
        changed: Timestamp {
            seconds: changed,
            nanos: 0,
        },
        born: None,
    }
}

fn place(node: &TextNode) -> Place {
    Place::new(node.parent, node.name.clone())
}

fn versions(node: &TextNode) -> Versions {
    let body = (node.kind != NodeKind::Directory).then(|| version(b'b', content(node)));
    let place = format!("{}/{}", node.parent, node.name);
    let attributes = format!("{:?}", attributes(node));
    Versions {
        place: version(b'p', &place),
        attributes: version(b'a', &attributes),
        body,
    }
}

fn synced_node(node: &TextNode) -> SyncedNode {
    SyncedNode {
        id: node.id,
        place: place(node),
        kind: node.kind,
        versions: versions(node),
        attributes: attributes(node),
        executable_on_disk: node.has("+x"),
        stamp: stamp(node, 1),
        size: size(node),
        hash: hash(node),
    }
}

fn remote_node(node: &TextNode) -> RemoteNode {
    RemoteNode {
        id: node.id,
        parent: node.parent,
        name: Ok(node.name.clone()),
        kind: node.kind,
        deleted: node.has("deleted"),
        versions: versions(node),
        attributes: attributes(node),
        size: size(node),
        hash: hash(node).filter(|_| !node.has("hashless")),
    }
}

fn local_node(node: &TextNode, base: Option<&TextNode>) -> LocalNode {
    let unchanged = base.is_some_and(|base| base.content == node.content)
        && !node.has("unread")
        && !node.has("touched");
    let known = !node.has("unread");
    LocalNode {
        id: node.id,
        place: place(node),
        kind: node.kind,
        executable: node.has("+x"),
        stamp: stamp(node, if unchanged { 1 } else { 2 }),
        hash: hash(node).filter(|_| known),
    }
}

/// Asserts the plan of a case, rows to record left out, which only say that sides agree.
pub fn assert_plan(case: &Case<'_>, expected: &[&str]) {
    let lines = case.lines(&case.plan());
    assert_eq!(
        lines, expected,
        "synced:{}local:{}remote:{}",
        case.synced, case.local, case.remote
    );
}
