//! One value has one encoding, and limits hold before anything is allocated.

use hythe_model::{NodeKind, Role};
use hythe_space::draft::{SealedFields, SealedNode};
use hythe_space::governance::Member;
use hythe_space::operation::{AttributesWrite, BodyWrite, Create, Update};
use hythe_space::{
    AccountState, Behalf, ChangeSet, DecodeError, Draft, LtHash, Operation, Record,
    SignedCheckpoint, Stamp, StructureError, limits,
};

use crate::world::*;

fn refused(draft: Draft) -> StructureError {
    let world = World::open();
    match draft.sign(world.stamp(&world.alice), &world.alice.key) {
        Err(DecodeError::Structure(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn create(kind: NodeKind, body: Option<BodyWrite>) -> Draft {
    let create = Create {
        node: node(1),
        kind,
        place: place(0, "a"),
        place_version: version(1),
        attributes_version: version(1),
        body: body.clone(),
    };
    let body = body.map(|_| vec![3]);
    let mut draft = draft();
    draft.create(
        create,
        SealedNode {
            name: vec![1],
            attributes: vec![2],
            body,
        },
    );
    draft
}

#[test]
fn a_change_set_does_something() {
    assert_eq!(refused(draft()), StructureError::Count);
    let nothing = Update {
        node: node(1),
        place: None,
        attributes: None,
        body: None,
    };
    assert_eq!(
        refused(one(Operation::Update(nothing))),
        StructureError::Order
    );
}

#[test]
fn a_body_fits_the_kind_of_the_node() {
    for draft in [
        create(NodeKind::Directory, Some(body(1))),
        create(NodeKind::File, None),
        create(NodeKind::Symlink, None),
        create(NodeKind::Attachment, None),
        create(NodeKind::Attachment, Some(body(1))),
    ] {
        assert_eq!(refused(draft), StructureError::Body);
    }
}

#[test]
fn a_body_names_its_chunks_or_one_root() {
    let with = |tree, count| {
        let refs = vec![hythe_model::ChunkId([1; 32]); count];
        create(
            NodeKind::File,
            Some(BodyWrite {
                tree,
                refs,
                ..body(1)
            }),
        )
    };
    for (tree, count) in [(false, limits::MAX_REFERENCES + 1), (true, 0), (true, 2)] {
        assert_eq!(refused(with(tree, count)), StructureError::References);
    }
    let world = World::open();
    for (tree, count) in [(false, limits::MAX_REFERENCES), (false, 0), (true, 1)] {
        with(tree, count)
            .sign(world.stamp(&world.alice), &world.alice.key)
            .unwrap();
    }
}

#[test]
fn the_root_is_never_written() {
    for on_root in [
        draft().dir(0, 0, "x"),
        draft().touched(0, 1, 2),
        draft().dropped(0, 1, None),
        draft().back(0, 1, 2, 0, "a"),
    ] {
        assert_eq!(refused(on_root.done()), StructureError::Root);
    }
}

#[test]
fn a_genesis_stands_alone_and_first() {
    let world = World::open();
    let genesis = || one(world.log[0].operations()[0].clone());
    assert_eq!(refused(genesis()), StructureError::Genesis);
    let mut and_more = genesis();
    and_more.push(world.log[1].operations()[0].clone());
    assert_eq!(refused(and_more), StructureError::Genesis);
}

#[test]
fn nobody_starts_a_log_on_behalf_of_another() {
    let world = World::open();
    let genesis = one(world.log[0].operations()[0].clone());
    let session = hythe_model::OperationId([1; 16]);
    let behalf = Some(Behalf {
        account: world.bob.account.id(),
        session,
    });
    let stamp = Stamp {
        behalf,
        ..Stamp::genesis(session, world.alice.account.head(), NOW)
    };
    let refused = genesis.sign(stamp, &world.alice.key).unwrap_err();
    assert!(matches!(
        refused,
        DecodeError::Structure(StructureError::Genesis)
    ));
}

#[test]
fn who_leaves_gets_no_key() {
    let account = hythe_model::AccountId([1; 32]);
    let mut world = World::open();
    let wrap = Some(world.wrap_for_bob());
    let leaves = Member {
        account,
        role: None,
        wrap,
    };
    assert_eq!(
        refused(one(Operation::Member(leaves))),
        StructureError::Order
    );
}

#[test]
fn a_missing_or_extra_sealed_part_is_no_change_set() {
    let mut short = draft();
    let create = create(NodeKind::File, Some(body(1)));
    let world = World::open();
    let whole = create
        .sign(world.stamp(&world.alice), &world.alice.key)
        .unwrap();
    short.push(whole.operations()[0].clone());
    assert_eq!(refused(short), StructureError::Parts);
    let update = Update {
        node: node(1),
        place: None,
        attributes: None,
        body: None,
    };
    let attributes = Some(AttributesWrite {
        expected: version(1),
        version: version(2),
    });
    let update = Update {
        attributes,
        ..update
    };
    let mut long = draft();
    let parts = SealedFields {
        name: Some(vec![1]),
        attributes: Some(vec![2]),
        body: None,
    };
    long.update(update, parts);
    assert_eq!(refused(long), StructureError::Parts);
}

#[test]
fn lists_of_wraps_are_sorted_and_without_doubles() {
    let world = World::open();
    let Some(Operation::NewEpoch(epoch)) = world.log[1].operations().last().cloned() else {
        panic!()
    };
    let mut reversed = epoch.clone();
    reversed.wraps.reverse();
    assert_eq!(
        refused(one(Operation::NewEpoch(reversed))),
        StructureError::Order
    );
    let mut doubled = epoch.clone();
    doubled.wraps.push(epoch.wraps[1].clone());
    assert_eq!(
        refused(one(Operation::NewEpoch(doubled))),
        StructureError::Order
    );
}

#[test]
fn an_author_is_told_of_limits_before_a_reader_is() {
    let world = World::open();
    let sign = |draft: Draft| draft.sign(world.stamp(&world.alice), &world.alice.key);
    let mut many = draft();
    for n in 0..=limits::MAX_OPERATIONS {
        assert_eq!(many.is_full(0), n >= limits::MAX_OPERATIONS);
        many.dropped(1, 1, None);
    }
    assert!(matches!(
        sign(many),
        Err(DecodeError::Structure(StructureError::Count))
    ));
    let mut big = draft();
    let name = vec![0; limits::MAX_SEALED_BYTES + 1];
    big.restore(
        hythe_space::operation::Restore {
            node: node(1),
            expected: version(1),
            version: version(2),
            place: place(0, "a"),
        },
        name,
    );
    assert!(matches!(sign(big), Err(DecodeError::TooLarge { .. })));
    let mut full = draft();
    let part = vec![0; limits::MAX_SEALED_BYTES];
    let restore = hythe_space::operation::Restore {
        node: node(1),
        expected: version(1),
        version: version(2),
        place: place(0, "a"),
    };
    while !full.is_full(part.len()) {
        full.restore(restore, part.clone());
    }
    let filled = sign(full.clone()).unwrap();
    assert!(filled.encoded().len() <= limits::MAX_CHANGE_SET_BYTES);
    ChangeSet::decode(filled.encoded()).unwrap();
    full.restore(restore, part.clone());
    full.restore(restore, part);
    assert!(matches!(sign(full), Err(DecodeError::TooLarge { .. })));
}

#[test]
fn a29_a_reader_refuses_by_length_first() {
    let long = vec![0; limits::MAX_CHANGE_SET_BYTES + 1];
    assert!(matches!(
        ChangeSet::decode(&long),
        Err(DecodeError::TooLarge { .. })
    ));
    let long = vec![0; limits::MAX_RECORD_BYTES + 1];
    assert!(matches!(
        Record::decode(&long),
        Err(DecodeError::TooLarge { .. })
    ));
    assert!(matches!(
        SignedCheckpoint::decode(&long),
        Err(DecodeError::TooLarge { .. })
    ));
    let long = vec![0; limits::MAX_ACCOUNT_BYTES + 1];
    assert!(matches!(
        AccountState::decode(&long),
        Err(DecodeError::TooLarge { .. })
    ));
    assert!(LtHash::from_bytes(&[0; LtHash::BYTES - 2]).is_none());
    assert!(LtHash::from_bytes(&[0; LtHash::BYTES + 1]).is_none());
}

#[test]
fn a29_a_length_that_is_not_there_costs_nothing() {
    // Heads that promise 2^32 to 2^63 elements or bytes and then end.
    for head in [
        &[0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
        &[0x84, 0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x84, 0x9a, 0xff, 0xff, 0xff, 0xff],
        &[0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x9f],
        &[],
    ] {
        assert!(ChangeSet::decode(head).is_err());
        assert!(Record::decode(head).is_err());
        assert!(SignedCheckpoint::decode(head).is_err());
        assert!(AccountState::decode(head).is_err());
    }
}

/// The encodings of one CBOR value that mean the same: longer heads, indefinite lengths.
fn respellings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let [first, rest @ ..] = bytes else {
        return Vec::new();
    };
    let (major, info) = (first & 0xe0, first & 0x1f);
    let mut spellings = Vec::new();
    if info < 24 {
        spellings.push([&[major | 24, info], rest].concat());
        spellings.push([&[major | 25, 0, info], rest].concat());
    }
    if major == 0x80 {
        spellings.push([&[major | 31], rest, &[0xff]].concat());
    }
    spellings.push([bytes, &[0xf6]].concat());
    spellings
}

#[test]
fn a_value_has_one_encoding() {
    let world = World::open();
    let change_set = world.signed(draft().file(1, 0, "a").done());
    let record = world.view.records().last().unwrap().encode();
    let account = world.alice.account.encode();
    let spellings = respellings(change_set.encoded());
    assert_eq!(spellings.len(), 4);
    for spelling in spellings {
        assert!(ChangeSet::decode(&spelling).is_err());
    }
    for spelling in respellings(&record) {
        assert!(Record::decode(&spelling).is_err());
    }
    for spelling in respellings(&account) {
        assert!(AccountState::decode(&spelling).is_err());
    }
    // The signed parts inside: a header and a clear part spelt otherwise, hashed and framed anew.
    for spelling in respellings(&change_set.header().encode()) {
        let wrong = hythe_space::Header::decode(&spelling);
        assert!(matches!(
            wrong,
            Err(DecodeError::NotCanonical { .. } | DecodeError::Syntax { .. })
        ));
    }
}

#[test]
fn an_unknown_suite_is_named() {
    let world = World::open();
    let mut header = world.log[0].header().clone();
    header.suite = 2;
    let wrong = hythe_space::Header::decode(&header.encode());
    assert!(matches!(wrong, Err(DecodeError::Suite { suite: 2, .. })));
    let mut account = world.alice.account.encode();
    account[1] = 3;
    assert!(matches!(
        AccountState::decode(&account),
        Err(DecodeError::Suite { suite: 3, .. })
    ));
}

#[test]
fn what_is_written_is_read_back() {
    let mut world = World::open();
    world.admit_bob(Role::Editor);
    world
        .commit(draft().dir(1, 0, "a").file(2, 1, "b").done())
        .unwrap();
    world.commit(draft().dropped(2, 2, Some(2)).done()).unwrap();
    for change_set in &world.log {
        let read = ChangeSet::decode(change_set.encoded()).unwrap();
        assert_eq!(read.hash(), change_set.hash());
        assert_eq!(read.header(), change_set.header());
        assert_eq!(read.operations(), change_set.operations());
        assert_eq!(read.encoded(), change_set.encoded());
    }
    for record in world.view.records() {
        assert_eq!(&Record::decode(&record.encode()).unwrap(), record);
    }
    let account = &world.bob.account;
    assert_eq!(&AccountState::decode(&account.encode()).unwrap(), account);
    let sum = world.view.digest();
    assert_eq!(LtHash::from_bytes(&sum.to_bytes()).as_ref(), Some(sum));
}
