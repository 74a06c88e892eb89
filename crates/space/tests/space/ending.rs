//! The end of a space, and offers that are taken back.

use hythe_model::Role;
use hythe_space::ending::EndSpace;
use hythe_space::join::WithdrawJoin;
use hythe_space::limits::{CLOCK_SKEW_MS, ENDING_MAX_MS, ENDING_MIN_MS};
use hythe_space::{Denied, Draft, EndRecord, Moment, Operation, Refusal, digest_of, fold};

use crate::joining::{join, offer};
use crate::world::*;

const REFUSED: Refusal = Refusal::NotAllowed(Denied::Members);
const ROLE: Refusal = Refusal::NotAllowed(Denied::Role);

pub fn end(ends_ms: Option<i64>) -> Draft {
    one(Operation::EndSpace(EndSpace { ends_ms }))
}

pub fn withdraw(secret: &hythe_space::flow::JoinSecret) -> Draft {
    let key = secret.key().device_id();
    one(Operation::WithdrawJoin(WithdrawJoin { key }))
}

#[test]
fn only_an_owner_ends_a_space_and_takes_that_back() {
    let mut world = World::open();
    world.admit_bob(Role::Editor);
    let at_ms = NOW + ENDING_MIN_MS;
    let by_bob = world.commit_as(|world| &world.bob, end(Some(at_ms)));
    assert_eq!(by_bob.unwrap_err(), ROLE);
    let by_server = world.commit_as(|world| &world.server, end(Some(at_ms)));
    assert_eq!(by_server.unwrap_err(), ROLE);

    world.commit(end(Some(at_ms))).unwrap();
    let by = world.log.last().unwrap().hash();
    let ends = world.view.space_record().unwrap().ends;
    assert_eq!(ends, Some(EndRecord { at_ms, by }));
    // Until then everything goes on.
    let written = draft().file(1, 0, "of bob").done();
    world.commit_as(|world| &world.bob, written).unwrap();

    let back = world.commit_as(|world| &world.bob, end(None));
    assert_eq!(back.unwrap_err(), ROLE);
    world.commit(end(None)).unwrap();
    assert_eq!(world.view.space_record().unwrap().ends, None);
}

#[test]
fn an_end_leaves_time_by_the_headers_clock_and_by_the_servers() {
    let mut world = World::open();
    for wait_ms in [i64::MIN, 0, ENDING_MIN_MS - 1, ENDING_MAX_MS + 1, i64::MAX] {
        let draft = end(Some(NOW.saturating_add(wait_ms)));
        assert_eq!(world.commit(draft).unwrap_err(), REFUSED, "{wait_ms}");
    }
    let change_set = world.signed(end(Some(NOW + ENDING_MIN_MS)));
    let accepting = |now_ms| {
        let moment = Moment::Accepting { now_ms };
        let head = world.view.head();
        fold(&world.view, &world.devices, moment, head, &change_set)
    };
    accepting(NOW + CLOCK_SKEW_MS).unwrap();
    let late = accepting(NOW + CLOCK_SKEW_MS + 1);
    assert_eq!(late.unwrap_err().refusal(), Some(&REFUSED));
    world.commit(end(Some(NOW + ENDING_MAX_MS))).unwrap();
}

#[test]
fn an_offer_that_was_taken_back_lets_nobody_in() {
    let mut world = World::open();
    let (operation, secret) = offer(&mut world, Role::Viewer);
    assert_eq!(world.commit(withdraw(&secret)).unwrap_err(), REFUSED);
    world.commit(one(Operation::OfferJoin(operation))).unwrap();
    let joining = join(&mut world, &secret);
    world.commit(withdraw(&secret)).unwrap();
    let by = world.log.last().unwrap().hash();
    let kept = world.view.join_offer_record(secret.key().device_id());
    assert_eq!(kept.unwrap().withdrawn, Some(by));
    let joined = world.commit_as(|world| &world.bob, one(Operation::Join(joining)));
    assert_eq!(joined.unwrap_err(), REFUSED);
    assert_eq!(world.commit(withdraw(&secret)).unwrap_err(), REFUSED);

    // Nor is one taken back that somebody took up.
    let (operation, secret) = offer(&mut world, Role::Viewer);
    world.commit(one(Operation::OfferJoin(operation))).unwrap();
    let joining = join(&mut world, &secret);
    world
        .commit_as(|world| &world.bob, one(Operation::Join(joining)))
        .unwrap();
    let by_bob = world.commit_as(|world| &world.bob, withdraw(&secret));
    assert_eq!(by_bob.unwrap_err(), ROLE);
    assert_eq!(world.commit(withdraw(&secret)).unwrap_err(), REFUSED);
}

/// Nobody does so, but whoever does must not put the digest beside the records.
#[test]
fn an_offer_that_is_made_and_taken_back_at_once_counts_once() {
    let mut world = World::open();
    let (operation, secret) = offer(&mut world, Role::Viewer);
    let mut both = one(Operation::OfferJoin(operation));
    both.extend(withdraw(&secret));
    world.commit(both).unwrap();
    let kept = world.view.join_offer_record(secret.key().device_id());
    assert!(kept.unwrap().withdrawn.is_some());
    assert_eq!(*world.view.digest(), digest_of(world.view.records()));
}
