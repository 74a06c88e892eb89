//! Directories that move into spaces of their own.

use hythe_model::{NodeKind, Role, SpaceId};
use hythe_space::draft::SealedNode;
use hythe_space::moving::{CameFrom, MoveOut, MovedOut, StayHere};
use hythe_space::operation::Create;
use hythe_space::{Denied, Draft, DraftError, Operation, Refusal};

use crate::world::*;

const THERE: SpaceId = SpaceId([77; 32]);

fn out(id: u8, expected: u8) -> Operation {
    Operation::MoveOut(MoveOut {
        node: node(id),
        expected: version(expected),
        to: THERE,
    })
}

fn moved_out(id: u8, to: SpaceId) -> Operation {
    Operation::MovedOut(MovedOut { node: node(id), to })
}

fn stay(id: u8) -> Operation {
    Operation::StayHere(StayHere { node: node(id) })
}

fn absent(id: u8) -> Result<(), Refusal> {
    Err(Refusal::Absent { node: node(id) })
}

/// An attachment as the last operation of a draft.
fn attach(draft: &mut Draft, id: u8, parent: u8, name: &str) {
    let mut body = body(id);
    (body.refs, body.size) = (Vec::new(), 0);
    let create = Create {
        node: node(id),
        kind: NodeKind::Attachment,
        place: place(parent, name),
        place_version: version(id),
        attributes_version: version(id),
        body: Some(body),
    };
    let sealed = SealedNode {
        name: sealed("name", id),
        attributes: sealed("attributes", id),
        body: Some(sealed("body", id)),
    };
    draft.create(create, sealed);
}

/// `/a` holds `/a/b/f`; `/c` stands beside it, with `/c/g`.
fn world() -> World {
    let mut world = World::open();
    let made = draft()
        .dir(1, 0, "a")
        .dir(2, 1, "b")
        .file(3, 2, "f")
        .dir(4, 0, "c")
        .file(5, 4, "g")
        .done();
    world.commit(made).unwrap();
    world
}

impl World {
    fn tries(&self, draft: Draft) -> Result<(), Refusal> {
        self.judge(&self.signed(draft)).map(drop)
    }
}

/// Every way to write what lies in `/a`, and what is refused for each.
fn writes_below() -> Vec<Draft> {
    vec![
        draft().file(9, 1, "new").done(),
        draft().dir(9, 2, "new").done(),
        draft().edited(3, 3, 9).done(),
        draft().touched(2, 2, 9).done(),
        draft().moved(3, 3, 9, 0, "f").done(),
        draft().moved(5, 5, 9, 2, "g").done(),
        draft().dropped(3, 3, Some(3)).done(),
        // Also as the second of two: what was found of one place says nothing about another.
        draft().edited(5, 5, 9).edited(3, 3, 10).done(),
    ]
}

#[test]
fn a_directory_that_moves_out_is_frozen_with_all_below_it() {
    let mut world = world();
    for write in writes_below() {
        assert_eq!(world.tries(write), Ok(()), "before");
    }
    world.commit(one(out(1, 1))).unwrap();
    for write in writes_below() {
        assert_eq!(world.tries(write), absent(1));
    }
    assert_eq!(world.tries(draft().touched(1, 1, 9).done()), absent(1));
    assert_eq!(
        world.tries(draft().moved(1, 1, 9, 4, "a").done()),
        absent(1)
    );
    // What is beside it changes as ever.
    assert_eq!(
        world.tries(draft().edited(5, 5, 9).file(8, 4, "h").done()),
        Ok(())
    );

    world.commit(one(stay(1))).unwrap();
    for write in writes_below() {
        assert_eq!(world.tries(write), Ok(()), "called off");
    }
    assert_eq!(world.view.space_record().unwrap().leaving, None);
}

#[test]
fn what_moved_out_leaves_its_name_to_an_attachment_and_never_comes_back() {
    let mut world = world();
    world.commit(one(out(1, 1))).unwrap();
    let mut handover = one(moved_out(1, THERE));
    attach(&mut handover, 20, 0, "a");
    world.commit(handover).unwrap();
    let moved = world.view.node_record(node(1)).unwrap();
    assert_eq!((moved.is_alive(), moved.moved_to()), (false, Some(THERE)));
    // The records below are as they were, and stay so.
    assert!(world.view.node_record(node(3)).unwrap().is_alive());
    for write in writes_below() {
        assert!(world.tries(write).is_err());
    }
    assert_eq!(world.tries(draft().edited(3, 3, 9).done()), absent(1));
    assert_eq!(
        world.tries(draft().back(1, 1, 9, 0, "again").done()),
        absent(1)
    );
    // An attachment is moved and deleted like anything, holds nothing and shows one space.
    let renamed = draft().moved(20, 20, 21, 4, "b").done();
    world.commit(renamed).unwrap();
    assert_eq!(world.tries(draft().file(9, 20, "new").done()), absent(20));
    assert_eq!(world.tries(draft().edited(20, 20, 22).done()), absent(20));
    assert_eq!(world.tries(draft().dropped(20, 21, None).done()), Ok(()));
}

#[test]
fn a_move_out_is_begun_and_ended_in_order() {
    let mut world = world();
    assert_eq!(world.tries(one(out(3, 3))), absent(3), "a file");
    assert!(matches!(
        world.tries(one(out(1, 9))),
        Err(Refusal::Mismatch { .. })
    ));
    assert_eq!(
        world.tries(one(moved_out(1, THERE))),
        absent(1),
        "not begun"
    );
    assert_eq!(world.tries(one(stay(1))), absent(1), "not begun");
    world.commit(one(out(1, 1))).unwrap();
    assert_eq!(world.tries(one(out(1, 1))), absent(1), "begun");
    assert_eq!(world.tries(one(out(2, 2))), absent(1), "inside another");
    let elsewhere = moved_out(1, SpaceId([78; 32]));
    assert_eq!(world.tries(one(elsewhere)), absent(1), "to another space");
    // A directory without children alone may be deleted; a moved one is not asked.
    assert_eq!(world.tries(one(moved_out(1, THERE))), Ok(()));
}

#[test]
fn only_owners_move_a_directory_out() {
    let mut world = world();
    world.admit_bob(Role::Editor);
    let refused = Err(Refusal::NotAllowed(Denied::Role));
    let bob = |world: &World, draft: Draft| {
        let change_set = draft.sign(world.stamp(&world.bob), &world.bob.key).unwrap();
        world.judge(&change_set).map(drop)
    };
    assert_eq!(bob(&world, draft().edited(3, 3, 9).done()), Ok(()));
    assert_eq!(bob(&world, one(out(1, 1))), refused);
    let mut hidden = draft().edited(5, 5, 9).done();
    hidden.push(out(1, 1));
    assert_eq!(bob(&world, hidden), refused);
    world.commit(one(out(1, 1))).unwrap();
    assert_eq!(bob(&world, one(stay(1))), refused);
    assert_eq!(bob(&world, one(moved_out(1, THERE))), refused);
}

#[test]
fn an_attachment_names_nothing_the_server_could_read() {
    let mut named = Draft::new();
    attach(&mut named, 20, 0, "x");
    let world = world();
    assert_eq!(world.tries(named), Ok(()));
    let create = |body| {
        let mut draft = Draft::new();
        let create = Create {
            node: node(20),
            kind: NodeKind::Attachment,
            place: place(0, "x"),
            place_version: version(20),
            attributes_version: version(20),
            body,
        };
        let sealed = SealedNode {
            name: sealed("name", 20),
            attributes: sealed("attributes", 20),
            body: create.body.as_ref().map(|_| sealed("body", 20)),
        };
        draft.create(create, sealed);
        draft.sign(world.stamp(&world.alice), &world.alice.key)
    };
    assert!(matches!(create(None), Err(DraftError::Structure(_))));
    assert!(matches!(
        create(Some(body(20))),
        Err(DraftError::Structure(_))
    ));
}

#[test]
fn where_a_space_came_from_is_said_once() {
    let mut world = World::open();
    let origin = CameFrom {
        space: THERE,
        node: node(1),
        at: world.view.head(),
    };
    world.commit(one(Operation::CameFrom(origin))).unwrap();
    assert_eq!(world.view.space_record().unwrap().came_from, Some(origin));
    let again = world.tries(one(Operation::CameFrom(origin)));
    assert_eq!(again, Err(Refusal::NotAllowed(Denied::WrongLog)));
}
