//! Checkpoints, and what a new device can check of a snapshot with one.

use hythe_model::{Cursor, Role};
use hythe_space::{
    Checkpoint, CheckpointError, Denied, MapView, Record, Refusal, SignedCheckpoint,
};

use crate::world::*;

fn checkpoint(world: &World, who: &Person) -> SignedCheckpoint {
    let checkpoint = Checkpoint {
        suite: 0,
        space: world.space,
        head: world.view.head(),
        digest: world.view.digest().digest(),
        device: hythe_model::DeviceId([0; 32]),
        account_seen: who.account.head(),
        time_ms: NOW,
    };
    checkpoint.sign(&who.key)
}

fn snapshot(world: &World) -> MapView {
    MapView::from_records(world.view.head(), world.view.records().cloned())
}

#[test]
fn a_checkpoint_is_due_every_thousand_positions() {
    let due: Vec<u64> = (0..=2001)
        .filter(|n| Checkpoint::is_due(Cursor(*n)))
        .collect();
    assert_eq!(due, [1000, 2000]);
}

#[test]
fn a_member_vouches_for_a_snapshot() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    for who in [&world.alice, &world.server] {
        let signed = SignedCheckpoint::decode(&checkpoint(&world, who).encode()).unwrap();
        assert_eq!(
            signed.attest(&world.devices, &snapshot(&world)),
            Ok(who.account.id())
        );
        signed.verify(&who.key.public()).unwrap();
        assert!(signed.verify(&world.bob.key.public()).is_err());
    }
    let by_bob = checkpoint(&world, &world.bob);
    let role = CheckpointError::Author(Refusal::NotAllowed(Denied::Role));
    assert_eq!(by_bob.attest(&world.devices, &snapshot(&world)), Err(role));
}

#[test]
fn a_changed_missing_or_added_record_is_found() {
    let mut world = World::open();
    world
        .commit(draft().file(1, 0, "a").file(2, 0, "b").done())
        .unwrap();
    let signed = checkpoint(&world, &world.alice);
    let records: Vec<Record> = world.view.records().cloned().collect();
    let judge = |records: Vec<Record>| {
        signed.attest(
            &world.devices,
            &MapView::from_records(world.view.head(), records),
        )
    };
    judge(records.clone()).unwrap();
    for index in 0..records.len() {
        let mut fewer = records.clone();
        let taken = fewer.remove(index);
        // Without the record of the space there is nothing to compare with at all.
        let wrong = if matches!(taken, Record::Space(_)) {
            CheckpointError::Elsewhere
        } else {
            CheckpointError::Digest
        };
        assert_eq!(judge(fewer), Err(wrong));
    }
    let mut hidden = records.clone();
    for record in &mut hidden {
        if let Record::Node(node) = record {
            node.deleted = Some(hythe_model::HeaderHash([1; 32]));
        }
    }
    assert_eq!(judge(hidden), Err(CheckpointError::Digest));
    let mut more = records.clone();
    let Some(Record::Node(mut added)) = more.last().cloned() else {
        panic!()
    };
    added.node = node(9);
    more.push(Record::Node(added));
    assert_eq!(judge(more), Err(CheckpointError::Digest));
}

#[test]
fn a_checkpoint_of_another_place_says_nothing() {
    let mut world = World::open();
    let early = checkpoint(&world, &world.alice);
    world.admit_bob(Role::Viewer);
    let judged = early.attest(&world.devices, &snapshot(&world));
    assert_eq!(judged, Err(CheckpointError::Elsewhere));
    // A viewer may vouch: it has folded the log as everybody else has.
    let by_bob = checkpoint(&world, &world.bob);
    by_bob.attest(&world.devices, &snapshot(&world)).unwrap();
}
