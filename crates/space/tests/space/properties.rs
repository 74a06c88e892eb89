//! Laws over random operations.

use hythe_model::{NodeId, NodeKind, Role};
use hythe_space::{Draft, Record, StateDigest, View};
use proptest::prelude::*;

use crate::world::*;

/// An operation as a test chooses it; ids and versions are made to fit (or not) when it is used.
#[derive(Debug, Clone, Copy)]
enum Step {
    Dir { parent: u8, name: u8 },
    File { parent: u8, name: u8 },
    Move { node: u8, parent: u8, name: u8 },
    Touch { node: u8 },
    Edit { node: u8 },
    Drop { node: u8 },
    Back { node: u8, parent: u8, name: u8 },
}

const IDS: u8 = 8;

fn step() -> impl Strategy<Value = Step> {
    let id = 1..=IDS;
    let parent = 0..=IDS;
    let name = 0..4u8;
    prop_oneof![
        2 => (parent.clone(), name.clone()).prop_map(|(parent, name)| Step::Dir { parent, name }),
        2 => (parent.clone(), name.clone()).prop_map(|(parent, name)| Step::File { parent, name }),
        4 => (id.clone(), parent.clone(), name.clone())
            .prop_map(|(node, parent, name)| Step::Move { node, parent, name }),
        1 => id.clone().prop_map(|node| Step::Touch { node }),
        1 => id.clone().prop_map(|node| Step::Edit { node }),
        3 => id.clone().prop_map(|node| Step::Drop { node }),
        2 => (id, parent, name).prop_map(|(node, parent, name)| Step::Back { node, parent, name }),
    ]
}

/// Writes steps as operations that expect what is there; whether they are allowed is for the fold.
struct Writer {
    next_id: u8,
    next_version: u8,
}

impl Writer {
    fn write(&mut self, world: &World, step: Step) -> Draft {
        self.next_version += 1;
        let v = self.next_version;
        let name = |name: u8| format!("name {name}");
        let place = |id: u8| {
            world
                .view
                .node_record(node(id))
                .map_or(0, |r| r.place.version.0[0])
        };
        let body = |id: u8| {
            world
                .view
                .node_record(node(id))
                .and_then(|r| r.body)
                .map(|b| b.field.version.0[0])
        };
        let attributes = |id: u8| {
            world
                .view
                .node_record(node(id))
                .map_or(0, |r| r.attributes.version.0[0])
        };
        let mut draft = draft();
        match step {
            Step::Dir { parent, name: n } => {
                self.next_id += 1;
                draft.dir(self.next_id, parent, &name(n)).done()
            }
            Step::File { parent, name: n } => {
                self.next_id += 1;
                draft.file(self.next_id, parent, &name(n)).done()
            }
            Step::Move {
                node,
                parent,
                name: n,
            } => draft.moved(node, place(node), v, parent, &name(n)).done(),
            Step::Touch { node } => draft.touched(node, attributes(node), v).done(),
            Step::Edit { node } => draft.edited(node, body(node).unwrap_or(0), v).done(),
            Step::Drop { node } => draft.dropped(node, place(node), body(node)).done(),
            Step::Back {
                node,
                parent,
                name: n,
            } => draft.back(node, place(node), v, parent, &name(n)).done(),
        }
    }
}

/// T1: every living node hangs below the root, siblings have names of their own, and what a view
/// says of names and children is what its records say.
fn check_tree(world: &World) {
    let view = &world.view;
    let alive: Vec<_> = view
        .records()
        .filter_map(|record| match record {
            Record::Node(node) if node.is_alive() => Some(node),
            _ => None,
        })
        .collect();
    for node in &alive {
        assert_eq!(view.child(node.parent, node.tag).unwrap(), Some(node.node));
        let mut above = node.parent;
        for _ in 0..=alive.len() {
            if above == NodeId::ROOT {
                break;
            }
            let parent = view.node_record(above).unwrap();
            assert!(parent.is_alive() && parent.kind == NodeKind::Directory);
            above = parent.parent;
        }
        assert_eq!(above, NodeId::ROOT);
        let children = alive
            .iter()
            .filter(|child| child.parent == node.node)
            .count();
        assert_eq!(view.live_children(node.node).unwrap(), children as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// One step per change set: the tree stays a tree, a refusal changes nothing, and (in
    /// `World::accept`) the digest kept up record by record is the digest of all records.
    #[test]
    fn t1_the_tree_stays_a_tree(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::open();
        let mut writer = Writer { next_id: 0, next_version: 100 };
        for step in steps {
            let before = world.view.digest().digest();
            let draft = writer.write(&world, step);
            if world.commit(draft).is_err() {
                prop_assert_eq!(before, world.view.digest().digest());
            }
            check_tree(&world);
        }
    }

    /// The same operations in one change set leave the same tree as one by one: the overlay is
    /// the view as it will be.
    #[test]
    fn one_change_set_does_what_many_do(steps in prop::collection::vec(step(), 1..30)) {
        let mut apart = World::open();
        let mut together = World::open();
        let mut writer = Writer { next_id: 0, next_version: 100 };
        let mut all = Vec::new();
        for step in steps {
            let written = writer.write(&apart, step);
            if apart.commit(written.clone()).is_ok() {
                all.push(written);
            }
        }
        prop_assume!(!all.is_empty());
        let joined = all.into_iter().fold(draft(), join);
        together.commit(joined).unwrap();
        check_tree(&together);
        let nodes = |world: &World| -> Vec<_> {
            world.view.records().filter_map(|record| match record {
                Record::Node(node) => Some((
                    node.node, node.parent, node.tag, node.is_alive(), node.place.version,
                    node.attributes.version, node.body.map(|body| body.field.version),
                )),
                _ => None,
            }).collect()
        };
        prop_assert_eq!(nodes(&apart), nodes(&together));
    }

    /// Change sets of different authors that do not touch each other leave one state in any order.
    #[test]
    fn c4_independent_change_sets_commute(order in Just([0, 1, 2]).prop_shuffle()) {
        let mut world = World::open();
        world.admit_bob(Role::Editor);
        world.commit(draft().dir(1, 0, "a").dir(2, 0, "b").file(3, 0, "c").done()).unwrap();
        let base = world.view.clone();
        let sets = [
            (&world.alice, draft().file(10, 1, "x").moved(3, 3, 20, 1, "c").done()),
            (&world.bob, draft().file(11, 2, "x").file(12, 2, "y").done()),
            (&world.server, draft().file(13, 0, "z").dir(14, 0, "d").done()),
        ]
        .map(|(who, draft)| draft.sign(world.stamp(who), &who.key).unwrap());
        let digest_in = |order: [usize; 3]| -> StateDigest {
            let mut view = base.clone();
            for index in order {
                view.append(&world.devices, hythe_space::Moment::Replaying, &sets[index]).unwrap();
            }
            view.digest().digest()
        };
        prop_assert_eq!(digest_in([0, 1, 2]), digest_in(order));
    }
}

/// Both drafts' operations in one.
fn join(mut first: Draft, second: Draft) -> Draft {
    first.extend(second);
    first
}

#[test]
fn a_digest_is_a_sum() {
    use hythe_space::LtHash;
    let mut sum = LtHash::default();
    sum.add(b"a");
    sum.add(b"b");
    let mut other = LtHash::default();
    other.add(b"b");
    other.add(b"c");
    other.remove(b"c");
    assert_ne!(sum.digest(), other.digest());
    other.add(b"a");
    assert_eq!(sum.digest(), other.digest());
    let mut both = LtHash::default();
    both.combine(&sum);
    assert_eq!(both, sum);
    // Twice the same is not the same as never, as it would be with an exclusive or.
    both.combine(&sum);
    assert_ne!(both.digest(), LtHash::default().digest());
}
