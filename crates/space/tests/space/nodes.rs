//! What operations on nodes do, and every way in which they are refused.

use hythe_model::NodeKind;
use hythe_space::{Denied, Field, Record, Refusal};

use crate::world::*;

fn absent(id: u8) -> Refusal {
    Refusal::Absent { node: node(id) }
}

fn mismatch(id: u8, field: Field, there: Option<u8>) -> Refusal {
    Refusal::Mismatch {
        node: node(id),
        field,
        there: there.map(version),
    }
}

#[test]
fn a_change_set_sees_its_own_earlier_operations() {
    let mut world = World::open();
    let made = draft()
        .dir(1, 0, "a")
        .file(2, 1, "b")
        .moved(2, 2, 3, 0, "c")
        .done();
    world.commit(made).unwrap();
    let file = world.view.node_record(node(2)).unwrap();
    assert_eq!(
        (file.parent, file.tag, file.place.version),
        (ROOT, tag("c"), version(3))
    );
    assert_eq!(file.attributes.version, version(2));
    assert_eq!(file.body.unwrap().size, 1002);
    assert_eq!(file.place.by, world.log.last().unwrap().hash());
    assert_eq!(file.place.epoch, FIRST);
    assert_eq!(
        file.place.sealed,
        hythe_space::Hash32::of(&sealed("name", 3))
    );
}

#[test]
fn effects_name_each_record_once_with_its_old_state() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    let before = world.view.node_record(node(1)).unwrap().clone();
    let effects = world
        .commit(
            draft()
                .edited(1, 1, 2)
                .edited(1, 2, 3)
                .touched(1, 1, 4)
                .done(),
        )
        .unwrap();
    let nodes: Vec<_> = effects
        .changes
        .iter()
        .filter(|change| matches!(change.new, Record::Node(_)))
        .collect();
    assert_eq!(nodes.len(), 1);
    assert_eq!(nodes[0].old, Some(Record::Node(before)));
    let Record::Node(after) = &nodes[0].new else {
        panic!()
    };
    assert_eq!(after.body.unwrap().field.version, version(3));
    assert_eq!(after.attributes.version, version(4));
}

#[test]
fn create_is_refused_for_a_known_id_even_a_deleted_one() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    let again = world.signed(draft().file(1, 0, "b").done());
    assert_eq!(
        world.judge(&again).unwrap_err(),
        mismatch(1, Field::Place, Some(1))
    );
    world.commit(draft().dropped(1, 1, Some(1)).done()).unwrap();
    let again = world.signed(draft().file(1, 0, "b").done());
    assert_eq!(
        world.judge(&again).unwrap_err(),
        mismatch(1, Field::Place, Some(1))
    );
}

#[test]
fn a_parent_must_live_and_be_a_directory() {
    let mut world = World::open();
    world
        .commit(draft().file(1, 0, "file").dir(2, 0, "gone").done())
        .unwrap();
    world.commit(draft().dropped(2, 2, None).done()).unwrap();
    for parent in [1, 2, 99] {
        let made = world.signed(draft().file(5, parent, "x").done());
        assert_eq!(world.judge(&made).unwrap_err(), absent(parent));
        let moved = world.signed(draft().moved(1, 1, 5, parent, "x").done());
        assert_eq!(world.judge(&moved).unwrap_err(), absent(parent));
    }
    world.commit(draft().dropped(1, 1, Some(1)).done()).unwrap();
    let back = world.signed(draft().back(1, 1, 3, 2, "x").done());
    assert_eq!(world.judge(&back).unwrap_err(), absent(2));
}

#[test]
fn t1_a_name_belongs_to_one_living_sibling() {
    let mut world = World::open();
    world
        .commit(
            draft()
                .dir(1, 0, "d")
                .file(2, 0, "a")
                .file(3, 0, "b")
                .done(),
        )
        .unwrap();
    let taken = |parent: u8, name: &str, by| Refusal::NameTaken {
        parent: node(parent),
        tag: tag(name),
        by: node(by),
    };
    let made = world.signed(draft().file(4, 0, "a").done());
    assert_eq!(world.judge(&made).unwrap_err(), taken(0, "a", 2));
    let twice = world.signed(draft().file(4, 1, "x").file(5, 1, "x").done());
    assert_eq!(world.judge(&twice).unwrap_err(), taken(1, "x", 4));
    let renamed = world.signed(draft().moved(3, 3, 4, 0, "a").done());
    assert_eq!(world.judge(&renamed).unwrap_err(), taken(0, "a", 2));
    // The same name elsewhere, its own name, and a name given up just before are free.
    world
        .commit(draft().file(4, 1, "a").moved(2, 2, 5, 0, "a").done())
        .unwrap();
    world
        .commit(draft().moved(2, 5, 6, 0, "c").moved(3, 3, 7, 0, "a").done())
        .unwrap();
    world
        .commit(draft().dropped(3, 7, Some(3)).file(8, 0, "a").done())
        .unwrap();
    let back = world.signed(draft().back(3, 7, 9, 0, "a").done());
    assert_eq!(world.judge(&back).unwrap_err(), taken(0, "a", 8));
}

#[test]
fn a_three_step_swap_of_two_names_works_in_one_change_set() {
    let mut world = World::open();
    world
        .commit(draft().file(1, 0, "a").file(2, 0, "b").done())
        .unwrap();
    let swap = draft()
        .moved(1, 1, 3, 0, "~")
        .moved(2, 2, 4, 0, "a")
        .moved(1, 3, 5, 0, "b")
        .done();
    world.commit(swap).unwrap();
    use hythe_space::View;
    assert_eq!(world.view.child(ROOT, tag("a")).unwrap(), Some(node(2)));
    assert_eq!(world.view.child(ROOT, tag("b")).unwrap(), Some(node(1)));
    assert_eq!(world.view.child(ROOT, tag("~")).unwrap(), None);
}

#[test]
fn expected_versions_cover_exactly_the_fields_that_are_written() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    world.commit(draft().edited(1, 1, 2).done()).unwrap();
    let stale = world.signed(draft().edited(1, 1, 3).done());
    assert_eq!(
        world.judge(&stale).unwrap_err(),
        mismatch(1, Field::Body, Some(2))
    );
    // Content has changed, name and attributes have not: these still fit.
    world
        .commit(draft().moved(1, 1, 4, 0, "b").touched(1, 1, 5).done())
        .unwrap();
    let stale = world.signed(draft().moved(1, 1, 6, 0, "c").done());
    assert_eq!(
        world.judge(&stale).unwrap_err(),
        mismatch(1, Field::Place, Some(4))
    );
    let stale = world.signed(draft().touched(1, 1, 6).done());
    assert_eq!(
        world.judge(&stale).unwrap_err(),
        mismatch(1, Field::Attributes, Some(5))
    );
}

#[test]
fn s3_an_edit_that_was_not_seen_beats_a_delete() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    world.commit(draft().edited(1, 1, 2).done()).unwrap();
    let delete = world.signed(draft().dropped(1, 1, Some(1)).done());
    assert_eq!(
        world.judge(&delete).unwrap_err(),
        mismatch(1, Field::Body, Some(2))
    );
    let delete = world.signed(draft().dropped(1, 1, None).done());
    assert_eq!(
        world.judge(&delete).unwrap_err(),
        mismatch(1, Field::Body, Some(2))
    );
    world.commit(draft().moved(1, 1, 3, 0, "b").done()).unwrap();
    let delete = world.signed(draft().dropped(1, 1, Some(2)).done());
    assert_eq!(
        world.judge(&delete).unwrap_err(),
        mismatch(1, Field::Place, Some(3))
    );
    world.commit(draft().dropped(1, 3, Some(2)).done()).unwrap();
}

#[test]
fn a_directory_has_no_body_to_write() {
    let mut world = World::open();
    world.commit(draft().dir(1, 0, "d").done()).unwrap();
    let edit = world.signed(draft().edited(1, 1, 2).done());
    assert_eq!(
        world.judge(&edit).unwrap_err(),
        mismatch(1, Field::Body, None)
    );
    let delete = world.signed(draft().dropped(1, 1, Some(1)).done());
    assert_eq!(
        world.judge(&delete).unwrap_err(),
        mismatch(1, Field::Body, None)
    );
}

#[test]
fn a_directory_is_deleted_after_its_children() {
    let mut world = World::open();
    world
        .commit(
            draft()
                .dir(1, 0, "d")
                .file(2, 1, "a")
                .file(3, 1, "b")
                .done(),
        )
        .unwrap();
    let not_empty = Refusal::NotEmpty { node: node(1) };
    let early = world.signed(draft().dropped(1, 1, None).done());
    assert_eq!(world.judge(&early).unwrap_err(), not_empty);
    let early = world.signed(draft().dropped(2, 2, Some(2)).dropped(1, 1, None).done());
    assert_eq!(world.judge(&early).unwrap_err(), not_empty);
    let refilled = draft()
        .dropped(2, 2, Some(2))
        .dropped(3, 3, Some(3))
        .file(4, 1, "c")
        .dropped(1, 1, None)
        .done();
    assert_eq!(world.judge(&world.signed(refilled)).unwrap_err(), not_empty);
    let moved_out = draft()
        .dropped(2, 2, Some(2))
        .moved(3, 3, 4, 0, "b")
        .dropped(1, 1, None)
        .done();
    world.commit(moved_out).unwrap();
    assert!(!world.view.node_record(node(1)).unwrap().is_alive());
    assert!(world.view.node_record(node(3)).unwrap().is_alive());
}

#[test]
fn what_is_deleted_is_not_written_and_comes_back_by_restore() {
    let mut world = World::open();
    world
        .commit(draft().dir(1, 0, "d").file(2, 1, "a").done())
        .unwrap();
    world
        .commit(draft().dropped(2, 2, Some(2)).dropped(1, 1, None).done())
        .unwrap();
    let deleted_by = world.log.last().unwrap().hash();
    assert_eq!(
        world.view.node_record(node(2)).unwrap().deleted,
        Some(deleted_by)
    );
    for write in [draft().touched(2, 2, 3), draft().dropped(2, 2, Some(2))] {
        let write = world.signed(write.done());
        assert_eq!(world.judge(&write).unwrap_err(), absent(2));
    }
    let stale = world.signed(draft().back(2, 9, 3, 0, "a").done());
    assert_eq!(
        world.judge(&stale).unwrap_err(),
        mismatch(2, Field::Place, Some(2))
    );
    let unknown = world.signed(draft().back(77, 9, 3, 0, "a").done());
    assert_eq!(world.judge(&unknown).unwrap_err(), absent(77));
    world
        .commit(
            draft()
                .back(1, 1, 3, 0, "again")
                .back(2, 2, 4, 1, "a")
                .done(),
        )
        .unwrap();
    let file = world.view.node_record(node(2)).unwrap();
    assert!(file.is_alive());
    assert_eq!(file.body.unwrap().field.version, version(2));
    let alive = world.signed(draft().back(2, 4, 5, 0, "b").done());
    assert_eq!(
        world.judge(&alive).unwrap_err(),
        mismatch(2, Field::Place, Some(4))
    );
}

#[test]
fn t1_a_directory_never_comes_to_lie_below_itself() {
    let mut world = World::open();
    world
        .commit(
            draft()
                .dir(1, 0, "a")
                .dir(2, 1, "b")
                .dir(3, 2, "c")
                .dir(4, 0, "d")
                .done(),
        )
        .unwrap();
    let cycle = |id| Refusal::Cycle { node: node(id) };
    for below in [1, 2, 3] {
        let moved = world.signed(draft().moved(1, 1, 9, below, "x").done());
        assert_eq!(world.judge(&moved).unwrap_err(), cycle(1));
    }
    // Two moves, each harmless alone: the second of them closes the circle.
    let both = world.signed(draft().moved(1, 1, 9, 4, "x").moved(4, 4, 9, 3, "y").done());
    assert_eq!(world.judge(&both).unwrap_err(), cycle(4));
    world
        .commit(draft().moved(3, 3, 9, 0, "c").moved(1, 1, 9, 3, "x").done())
        .unwrap();
    // A rename in place asks nothing of the ancestors.
    world
        .commit(draft().moved(3, 9, 10, 0, "renamed").done())
        .unwrap();
}

#[test]
fn a_move_deeper_than_the_limit_is_refused() {
    let mut world = World::open();
    world.commit(draft().dir(1, 0, "moved").done()).unwrap();
    let mut deep = draft();
    for level in 0..=hythe_space::limits::MAX_DEPTH as u32 {
        let id = |n: u32| {
            let mut bytes = [0xee; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            hythe_model::NodeId(bytes)
        };
        let parent = if level == 0 { ROOT } else { id(level - 1) };
        let create = hythe_space::operation::Create {
            node: id(level),
            kind: NodeKind::Directory,
            place: hythe_space::operation::Place {
                parent,
                tag: tag("down"),
            },
            place_version: version(1),
            attributes_version: version(1),
            body: None,
        };
        let (name, attributes) = (vec![1], vec![2]);
        deep.create(
            create,
            hythe_space::draft::SealedNode {
                name,
                attributes,
                body: None,
            },
        );
    }
    world.commit(deep).unwrap();
    let mut bottom = [0xee; 16];
    bottom[..4].copy_from_slice(&(hythe_space::limits::MAX_DEPTH as u32).to_be_bytes());
    let place = hythe_space::operation::Place {
        parent: hythe_model::NodeId(bottom),
        tag: tag("x"),
    };
    let write = hythe_space::operation::PlaceWrite {
        expected: version(1),
        version: version(2),
        place,
    };
    let mut moved = draft();
    moved.update(
        hythe_space::operation::Update {
            node: node(1),
            place: Some(write),
            attributes: None,
            body: None,
        },
        hythe_space::draft::SealedFields {
            name: Some(vec![3]),
            ..Default::default()
        },
    );
    let moved = world.signed(moved);
    assert_eq!(
        world.judge(&moved).unwrap_err(),
        Refusal::Cycle { node: node(1) }
    );
}

#[test]
fn a_refused_change_set_leaves_nothing_behind() {
    let mut world = World::open();
    let digest = world.view.digest().clone();
    let half = world.signed(
        draft()
            .dir(1, 0, "a")
            .file(2, 1, "b")
            .file(3, 9, "c")
            .done(),
    );
    assert_eq!(world.accept(half).unwrap_err(), absent(9));
    assert_eq!(*world.view.digest(), digest);
    assert!(world.view.node_record(node(1)).is_none());
}

#[test]
fn nodes_and_members_do_not_change_together_and_logs_do_not_mix() {
    let mut world = World::open();
    let wrong_log = Refusal::NotAllowed(Denied::WrongLog);
    let account_log = world.alice.made.log[1].clone();
    assert_eq!(world.judge(&account_log).unwrap_err(), wrong_log);
    let mut mixed = draft().dir(1, 0, "a").done();
    let wrap = world.wrap_for_bob();
    mixed.push(hythe_space::Operation::Member(
        hythe_space::governance::Member {
            account: world.bob.account.id(),
            role: Some(hythe_model::Role::Editor),
            wrap: Some(wrap),
        },
    ));
    let refused = mixed
        .sign(world.stamp(&world.alice), &world.alice.key)
        .unwrap_err();
    let mixed = hythe_space::StructureError::Mixed;
    assert!(matches!(refused, hythe_space::DecodeError::Structure(why) if why == mixed));
}
