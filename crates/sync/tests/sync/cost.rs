//! The planner's cost is that of the dirty nodes, not of the tree.

use std::cell::Cell;
use std::collections::BTreeSet;

use hythe_model::{Attributes, EntryName, NodeId, NodeKind, Timestamp, VersionId};
use hythe_sync::{
    DiskStamp, IdSource, LocalNode, MapTrees, Place, Plan, PlanContext, RemoteNode, SyncedNode,
    TreeError, Trees, Versions, plan,
};

use crate::device::Ids;

/// Counts what is read.
struct Counting {
    trees: MapTrees,
    reads: Cell<usize>,
}

impl Counting {
    fn count<T>(&self, answer: T) -> T {
        self.reads.set(self.reads.get() + 1);
        answer
    }

    fn plan(&self, dirty: &[NodeId]) -> (Plan, usize) {
        self.reads.set(0);
        let dirty = BTreeSet::from_iter(dirty.iter().copied());
        let plan = plan(self, &dirty, &PlanContext::default(), &mut Ids(9)).unwrap();
        (plan, self.reads.get())
    }
}

impl Trees for Counting {
    fn root(&self) -> NodeId {
        self.trees.root()
    }

    fn remote(&self, id: NodeId) -> Result<Option<RemoteNode>, TreeError> {
        self.count(self.trees.remote(id))
    }

    fn local(&self, id: NodeId) -> Result<Option<LocalNode>, TreeError> {
        self.count(self.trees.local(id))
    }

    fn synced(&self, id: NodeId) -> Result<Option<SyncedNode>, TreeError> {
        self.count(self.trees.synced(id))
    }

    fn remote_child(&self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        self.count(self.trees.remote_child(place))
    }

    fn local_child(&self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        self.count(self.trees.local_child(place))
    }

    fn remote_children(&self, parent: NodeId) -> Result<Vec<NodeId>, TreeError> {
        let children = self.trees.remote_children(parent)?;
        self.reads.set(self.reads.get() + children.len());
        Ok(children)
    }

    fn local_children(&self, parent: NodeId) -> Result<Vec<NodeId>, TreeError> {
        let children = self.trees.local_children(parent)?;
        self.reads.set(self.reads.get() + children.len());
        Ok(children)
    }
}

struct Grown {
    trees: MapTrees,
    ids: Ids,
    inode: u64,
}

impl Grown {
    fn entry(&mut self, parent: NodeId, name: &str, kind: NodeKind) -> LocalNode {
        self.inode += 1;
        let time = Timestamp {
            seconds: 5,
            nanos: 0,
        };
        let stamp = DiskStamp {
            device: 1,
            inode: self.inode,
            size: 3,
            modified: time,
            changed: time,
            born: None,
        };
        let (id, place) = (
            self.ids.node(),
            Place::new(parent, EntryName::new(name).unwrap()),
        );
        LocalNode {
            id,
            place,
            kind,
            executable: false,
            stamp,
            hash: None,
        }
    }

    /// A node that all three trees agree on.
    fn agreed(&mut self, parent: NodeId, name: &str, kind: NodeKind) -> NodeId {
        let local = self.entry(parent, name, kind);
        let body = (kind == NodeKind::File).then(|| self.ids.version());
        let version = || VersionId([1; 16]);
        let versions = Versions {
            place: version(),
            attributes: version(),
            body,
        };
        let attributes = Attributes {
            executable: false,
            modified: local.stamp.modified,
        };
        let (id, place) = (local.id, local.place.clone());
        self.trees.set_remote(RemoteNode {
            id,
            parent,
            name: Ok(place.name.clone()),
            kind,
            deleted: false,
            versions,
            attributes,
            size: 3,
            hash: None,
        });
        let stamp = local.stamp;
        let row = SyncedNode {
            id,
            place,
            kind,
            versions,
            attributes,
            executable_on_disk: false,
            stamp,
            size: 3,
            hash: None,
        };
        self.trees.set_synced(id, Some(row));
        self.trees.set_local(local);
        id
    }
}

fn grow() -> Grown {
    Grown {
        trees: MapTrees::new(NodeId::ROOT),
        ids: Ids(77),
        inode: 1,
    }
}

/// A folder with ten thousand files and another folder beside it.
fn large() -> (Counting, NodeId, NodeId) {
    let mut grown = grow();
    let folder = grown.agreed(NodeId::ROOT, "folder", NodeKind::Directory);
    let other = grown.agreed(NodeId::ROOT, "other", NodeKind::Directory);
    for number in 0..10_000 {
        grown.agreed(folder, &number.to_string(), NodeKind::File);
    }
    (
        Counting {
            trees: grown.trees,
            reads: Cell::new(0),
        },
        folder,
        other,
    )
}

#[test]
fn t2_sc021_a_folder_of_ten_thousand_moves_in_one_step() {
    let (mut world, folder, other) = large();
    let mut local = world.trees.local(folder).unwrap().unwrap();
    local.place = Place::new(other, EntryName::new("moved").unwrap());
    world.trees.set_local(local.clone());
    let (plan, reads) = world.plan(&[folder]);
    assert_eq!(plan.steps.len(), 1, "{:?}", plan.steps);
    assert!(reads < 60, "{reads} reads");

    // And the other way round.
    let (mut world, folder, other) = large();
    let mut remote = world.trees.remote(folder).unwrap().unwrap();
    remote.parent = other;
    remote.versions.place = VersionId([2; 16]);
    world.trees.set_remote(remote);
    let (plan, reads) = world.plan(&[folder]);
    assert_eq!(plan.steps.len(), 1, "{:?}", plan.steps);
    assert!(reads < 60, "{reads} reads");
}

#[test]
fn one_edit_among_ten_thousand_reads_a_few_rows() {
    let (mut world, folder, _) = large();
    let file = world.trees.local_children(folder).unwrap()[4711];
    let mut local = world.trees.local(file).unwrap().unwrap();
    local.stamp.size = 8;
    world.trees.set_local(local);
    let (plan, reads) = world.plan(&[file]);
    assert_eq!(plan.steps.len(), 1);
    assert!(reads < 30, "{reads} reads");
}

#[test]
fn new_files_cost_a_few_reads_each() {
    let (mut world, folder, _) = large();
    let mut grown = grow();
    grown.inode = 1 << 20;
    grown.ids = Ids(5);
    let mut dirty = Vec::new();
    for number in 0..1000 {
        let local = grown.entry(folder, &format!("new {number}"), NodeKind::File);
        dirty.push(local.id);
        world.trees.set_local(local);
    }
    let (plan, reads) = world.plan(&dirty);
    assert_eq!(plan.steps.len(), 1000);
    assert!(reads < 16 * 1000, "{reads} reads");
}

#[test]
fn a_removed_folder_of_ten_thousand_is_deleted_children_first() {
    let (mut world, folder, _) = large();
    let files = world.trees.local_children(folder).unwrap();
    for id in files.iter().chain([&folder]) {
        world.trees.remove_local(*id);
    }
    let dirty: Vec<NodeId> = files.iter().chain([&folder]).copied().collect();
    let (plan, reads) = world.plan(&dirty);
    assert_eq!(plan.steps.len(), 10_001);
    assert_eq!(plan.steps.last().map(hythe_sync::Step::node), Some(folder));
    assert!(reads < 16 * 10_000, "{reads} reads");
}

#[test]
fn sc045_a_thousand_nested_folders_need_no_deep_stack() {
    let mut grown = grow();
    let (mut parent, mut dirty) = (NodeId::ROOT, Vec::new());
    for _ in 0..5000 {
        let local = grown.entry(parent, "d", NodeKind::Directory);
        parent = local.id;
        dirty.push(parent);
        grown.trees.set_local(local);
    }
    let world = Counting {
        trees: grown.trees,
        reads: Cell::new(0),
    };
    let (plan, _) = world.plan(&dirty);
    assert_eq!(plan.steps.len(), 5000);

    // And from the log, where the same folders are met by as many on disk.
    let mut meeting = world.trees.clone();
    let (mut above, mut ids) = (NodeId::ROOT, Ids(123));
    for _ in 0..5000 {
        let version = ids.version();
        let versions = Versions {
            place: version,
            attributes: version,
            body: None,
        };
        let id = ids.node();
        meeting.set_remote(RemoteNode {
            id,
            parent: above,
            name: Ok(EntryName::new("d").unwrap()),
            kind: NodeKind::Directory,
            deleted: false,
            versions,
            attributes: Attributes::default(),
            size: 0,
            hash: None,
        });
        above = id;
    }
    let world = Counting {
        trees: meeting,
        reads: Cell::new(0),
    };
    for dirty in [vec![above], vec![parent]] {
        let (plan, _) = world.plan(&dirty);
        assert!(plan.steps.len() >= 2, "{:?}", plan.steps.len());
    }
}
