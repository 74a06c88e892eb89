//! Sightings: what they say to whom, and that nobody else can say it.

use hythe_model::{ChainHash, Cursor, Head, ServerEpoch};
use hythe_space::sighting::{Known, Verdict};
use hythe_space::{Sighting, SignedSighting};

use crate::world::*;

const NOW_LIFE: ServerEpoch = ServerEpoch([1; 16]);
const PAST_LIFE: ServerEpoch = ServerEpoch([2; 16]);

pub fn sighting(world: &World, who: &Person) -> Sighting {
    Sighting {
        suite: 1,
        space: world.space,
        head: world.view.head(),
        epoch: NOW_LIFE,
        account: who.account.id(),
        device: who.key.device_id(),
        time_ms: NOW,
    }
}

fn at(cursor: u64, chain: u8, epoch: ServerEpoch) -> Sighting {
    let head = Head {
        cursor: Cursor(cursor),
        chain: ChainHash([chain; 32]),
    };
    let world = World::open();
    Sighting {
        head,
        epoch,
        ..sighting(&world, &world.alice)
    }
}

fn later(mut one: Sighting) -> Sighting {
    one.time_ms += 1;
    one
}

#[test]
fn a18_what_a_sighting_says_follows_from_chain_position_and_life() {
    // This device has read up to 10, with chain hashes of nines from 5 on: it began with a snapshot.
    let verdict = |cursor: u64, chain, epoch| {
        let known = Known {
            epoch: NOW_LIFE,
            end: Cursor(10),
            chain: (5..=10).contains(&cursor).then_some(ChainHash([9; 32])),
        };
        at(cursor, chain, epoch).compare(&known)
    };
    for (cursor, chain, epoch, expected) in [
        (10, 9, NOW_LIFE, Verdict::Agrees),
        (7, 9, NOW_LIFE, Verdict::Agrees),
        (7, 8, NOW_LIFE, Verdict::Differs),
        (10, 8, NOW_LIFE, Verdict::Differs),
        (11, 8, NOW_LIFE, Verdict::Ahead),
        (u64::MAX, 8, NOW_LIFE, Verdict::Ahead),
        // From before the snapshot.
        (4, 8, NOW_LIFE, Verdict::Silent),
        // From before a restore, or from after one that was not heard of here yet.
        (7, 9, PAST_LIFE, Verdict::Agrees),
        (7, 8, PAST_LIFE, Verdict::Silent),
        (11, 8, PAST_LIFE, Verdict::Silent),
    ] {
        let said = verdict(cursor, chain, epoch);
        assert_eq!(said, expected, "{cursor} {chain} {epoch:?}");
    }
}

#[test]
fn a17_what_a_device_said_of_one_life_never_goes_back() {
    let before = at(10, 9, NOW_LIFE);
    let replaces = |one: Sighting| one.replaces(&before, NOW_LIFE);
    assert!(replaces(at(11, 9, NOW_LIFE)));
    assert!(replaces(later(before)), "the same, confirmed again");
    assert!(!replaces(before), "played again");
    assert!(!replaces(later(at(9, 9, NOW_LIFE))));
    assert!(!replaces(later(at(11, 9, PAST_LIFE))));
    // After a restore, what was said before it counts for nothing.
    assert!(at(3, 4, NOW_LIFE).replaces(&later(at(10, 9, PAST_LIFE)), NOW_LIFE));
}

#[test]
fn a18_nobody_speaks_for_another_device() {
    let world = World::open();
    let signed = sighting(&world, &world.alice).sign(&world.alice.key);
    let read = SignedSighting::decode(&signed.encode()).unwrap();
    read.verify(&world.alice.key.public()).unwrap();
    assert!(read.verify(&world.bob.key.public()).is_err());
    assert_eq!(read.sighting().head, world.view.head());
    // Signed by bob, it names bob's device, whatever was asked for.
    let by_bob = sighting(&world, &world.alice).sign(&world.bob.key);
    assert_eq!(by_bob.sighting().device, world.bob.key.device_id());
    assert!(by_bob.verify(&world.alice.key.public()).is_err());
}

#[test]
fn a5_a_changed_sighting_is_found() {
    let world = World::open();
    let bytes = sighting(&world, &world.alice)
        .sign(&world.alice.key)
        .encode();
    let key = world.alice.key.public();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let verdict = SignedSighting::decode(&changed).map(|read| read.verify(&key));
        assert!(!matches!(verdict, Ok(Ok(()))), "byte {at}");
    }
    let mut long = bytes;
    long.resize(513, 0);
    assert!(SignedSighting::decode(&long).is_err());
}
