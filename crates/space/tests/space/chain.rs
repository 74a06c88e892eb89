//! The chains: one over the log, one of each author. Whatever is left out, repeated, rolled back
//! or shown in two versions breaks one of them.

use hythe_model::{ChainHash, Cursor, Head, HeaderHash, Role};
use hythe_space::{ChainFault, Denied, MapView, Moment, Refusal, Stamp, chain_next};

use crate::world::*;

#[test]
fn the_chain_commits_to_every_header_before() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    assert_eq!(world.view.head(), head_of(&world.log));
    assert_eq!(world.view.head().cursor, Cursor(3));
    let [a, b] = [HeaderHash([1; 32]), HeaderHash([2; 32])];
    let ab = chain_next(chain_next(ChainHash::START, a), b);
    let ba = chain_next(chain_next(ChainHash::START, b), a);
    assert_ne!(ab, ba);
    let joined = [ChainHash::START.0, a.0].concat();
    assert_eq!(
        chain_next(ChainHash::START, a).0,
        *blake3::hash(&joined).as_bytes()
    );
}

#[test]
fn a_replayed_change_set_is_refused() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    let replay = world.log[2].clone();
    let counter = ChainFault::Counter { expected: 4 };
    assert_eq!(
        world.accept(replay).unwrap_err(),
        Refusal::BadChain(counter)
    );
}

#[test]
fn a17_a_log_with_one_change_set_left_out_is_refused() {
    let mut world = World::open();
    world.admit_bob(Role::Editor);
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    world.commit(draft().file(2, 0, "b").done()).unwrap();
    world
        .commit_as(|world| &world.bob, draft().file(3, 0, "c").done())
        .unwrap();
    for left_out in 0..world.log.len() - 1 {
        let mut view = MapView::default();
        let rest = world
            .log
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != left_out);
        let refused = rest
            .map(|(_, change_set)| view.append(&world.devices, Moment::Replaying, change_set))
            .find_map(Result::err);
        let refused = refused.and_then(|error| error.refusal().cloned());
        assert!(
            matches!(refused, Some(Refusal::BadChain(_))),
            "{left_out}: {refused:?}"
        );
    }
}

#[test]
fn a_counter_that_does_not_fit_and_a_wrong_previous_are_refused() {
    let world = World::open();
    let stamp = || world.stamp(&world.alice);
    let sign = |stamp| {
        draft()
            .file(1, 0, "a")
            .done()
            .sign(stamp, &world.alice.key)
            .unwrap()
    };
    let expected = stamp().counter;
    for counter in [0, expected - 1, expected + 1, u64::MAX] {
        let wrong = sign(Stamp { counter, ..stamp() });
        let fault = ChainFault::Counter { expected };
        assert_eq!(world.judge(&wrong).unwrap_err(), Refusal::BadChain(fault));
    }
    for previous in [HeaderHash([0; 32]), world.log[0].hash()] {
        let wrong = sign(Stamp {
            previous,
            ..stamp()
        });
        assert_eq!(
            world.judge(&wrong).unwrap_err(),
            Refusal::BadChain(ChainFault::Previous)
        );
    }
    world.judge(&sign(stamp())).unwrap();
}

#[test]
fn a18_two_histories_are_never_joined_again() {
    let mut world = World::open();
    world.admit_bob(Role::Editor);
    let fork = world.view.clone();
    // Alice is shown one history, Bob another.
    world
        .commit(draft().file(1, 0, "for alice").done())
        .unwrap();
    let after_alice = world.signed(draft().file(2, 0, "seen by alice").done());
    world.view = fork;
    world
        .commit_as(|world| &world.bob, draft().file(3, 0, "for bob").done())
        .unwrap();
    // What Alice writes next names the history she saw: here it is refused.
    assert!(matches!(
        world.judge(&after_alice).unwrap_err(),
        Refusal::BadChain(_)
    ));
    // Even if the server feeds Alice's first change to Bob, at another position.
    let first = {
        let stamp = Stamp {
            seen: world.view.head(),
            ..world.stamp(&world.alice)
        };
        draft()
            .file(1, 0, "for alice")
            .done()
            .sign(stamp, &world.alice.key)
            .unwrap()
    };
    world.accept(first).unwrap();
    let refused = world.judge(&after_alice).unwrap_err();
    assert!(matches!(refused, Refusal::BadChain(_)), "{refused:?}");
}

#[test]
fn what_the_author_had_seen_must_be_in_the_log() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    let sign = |seen| {
        let stamp = Stamp {
            seen,
            ..world.stamp(&world.alice)
        };
        draft()
            .file(2, 0, "b")
            .done()
            .sign(stamp, &world.alice.key)
            .unwrap()
    };
    let head = world.view.head();
    let ahead = Head {
        cursor: head.cursor.next(),
        ..head
    };
    let forged = Head {
        cursor: Cursor(2),
        ..head
    };
    for wrong in [
        ahead,
        forged,
        Head {
            cursor: Cursor(0),
            chain: head.chain,
        },
    ] {
        let judged = world.judge(&sign(wrong)).unwrap_err();
        assert_eq!(judged, Refusal::BadChain(ChainFault::Seen));
    }
    // Any true point of the log will do: nobody has to have seen the newest.
    for seen in 0..=world.log.len() {
        world.judge(&sign(head_of(&world.log[..seen]))).unwrap();
    }
}

#[test]
fn a_reader_from_a_snapshot_checks_what_it_can() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    let mut fresh = MapView::from_records(world.view.head(), world.view.records().cloned());
    assert_eq!(fresh.digest(), world.view.digest());
    let seen = head_of(&world.log[..1]);
    let stamp = Stamp {
        seen,
        ..world.stamp(&world.alice)
    };
    let next = draft()
        .file(2, 0, "b")
        .done()
        .sign(stamp, &world.alice.key)
        .unwrap();
    fresh
        .append(&world.devices, Moment::Replaying, &next)
        .unwrap();
    world.accept(next).unwrap();
    assert_eq!(fresh.digest(), world.view.digest());
    assert_eq!(fresh.head(), world.view.head());
}

#[test]
fn a_change_set_of_another_space_is_refused() {
    let world = World::open();
    let stamp = Stamp {
        log: hythe_model::SpaceId([3; 32]),
        ..world.stamp(&world.alice)
    };
    let other = draft()
        .file(1, 0, "a")
        .done()
        .sign(stamp, &world.alice.key)
        .unwrap();
    assert_eq!(
        world.judge(&other).unwrap_err(),
        Refusal::BadChain(ChainFault::Log)
    );
    let view = MapView::default();
    let nowhere = hythe_space::fold(
        &view,
        &world.devices,
        Moment::Replaying,
        Head::START,
        &world.signed(draft().file(1, 0, "a").done()),
    );
    let nowhere = nowhere.unwrap_err();
    assert_eq!(nowhere.refusal(), Some(&Refusal::BadChain(ChainFault::Log)));
}

#[test]
fn a_device_that_no_account_knows_is_refused() {
    let mut world = World::open();
    let stranger = Person::new(&mut world.entropy);
    let stamp = world.stamp(&stranger);
    let written = draft()
        .file(1, 0, "a")
        .done()
        .sign(stamp, &stranger.key)
        .unwrap();
    assert_eq!(
        world.judge(&written).unwrap_err(),
        Refusal::NotAllowed(Denied::UnknownDevice)
    );
}
