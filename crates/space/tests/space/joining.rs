//! Names, leaving, and becoming a member by a link.

use hythe_model::{KeyEpoch, Role, Secret32};
use hythe_space::flow::{EpochPlan, JoinSecret, JoinTerms, new_epoch, offer_join, take_up};
use hythe_space::governance::{Member, NameSpace, SealedSecret};
use hythe_space::join::{Join, OfferJoin};
use hythe_space::limits::JOIN_LIFETIME_MS;
use hythe_space::{ChangeSet, Denied, Draft, Moment, Operation, Refusal, StructureError, fold};

use crate::world::*;

const MEMBERS: Refusal = Refusal::NotAllowed(Denied::Members);
const ROLE: Refusal = Refusal::NotAllowed(Denied::Role);
/// How a join or an offer that does not hold is refused.
const OFFER: Refusal = MEMBERS;

fn leave(who: &Person) -> Draft {
    one(Operation::Member(Member {
        account: who.account.id(),
        role: None,
        wrap: None,
    }))
}

pub fn name(text: &str) -> Draft {
    one(Operation::NameSpace(NameSpace {
        name: SealedSecret::new(text.as_bytes()).unwrap(),
    }))
}

/// An offer of the world's space, and what is shown to who may take it up.
pub fn offer(world: &mut World, role: Role) -> (OfferJoin, JoinSecret) {
    let epoch = world.view.space_record().unwrap().key_epoch;
    let secret = world.secret.clone();
    offer_join(world.space, (epoch, &secret), role, NOW, &mut world.entropy).unwrap()
}

/// What Bob sends to take up an offer.
pub fn join(world: &mut World, secret: &JoinSecret) -> Join {
    let record = world.view.join_offer_record(secret.key().device_id());
    let record = record.unwrap().clone();
    let terms = JoinTerms {
        space: world.space,
        epoch: record.epoch,
        wrapped: &record.wrapped,
    };
    take_up(&terms, secret, &world.bob.account, &mut world.entropy).unwrap()
}

fn signed_by_bob(world: &World, draft: Draft) -> ChangeSet {
    draft.sign(world.stamp(&world.bob), &world.bob.key).unwrap()
}

fn renew(world: &mut World) {
    let role = |who: &&Person| world.view.member_record(who.account.id())?.role;
    let everybody = [&world.alice, &world.bob, &world.server].into_iter();
    let recipients: Vec<_> = everybody
        .filter(|who| role(who).is_some())
        .map(Person::recipient)
        .collect();
    let current = world.view.space_record().unwrap().key_epoch;
    let secret = Secret32::new([3; 32]);
    let plan = EpochPlan {
        space: world.space,
        epoch: current.next(),
        secret: &secret,
        members: &recipients,
        previous: SealedSecret::new(*b"the secret before"),
    };
    let operation = new_epoch(plan, &mut world.entropy).unwrap();
    world.commit(one(Operation::NewEpoch(operation))).unwrap();
    world.secret = secret;
}

#[test]
fn only_an_owner_names_a_space() {
    let mut world = World::open();
    assert_eq!(world.view.space_record().unwrap().name, None);
    world.admit_bob(Role::Editor);
    let by_bob = world.commit_as(|world| &world.bob, name("bob's"));
    assert_eq!(by_bob.unwrap_err(), ROLE);
    let by_server = world.commit_as(|world| &world.server, name("server's"));
    assert_eq!(by_server.unwrap_err(), ROLE);
    world.commit(name("photos")).unwrap();
    world.commit(name("pictures")).unwrap();
    let kept = world.view.space_record().unwrap().name.unwrap();
    assert_eq!(
        (kept.epoch, kept.sealed.as_bytes()),
        (FIRST, b"pictures".as_slice())
    );
    // It stays readable by the epoch that it was sealed under.
    renew(&mut world);
    assert_eq!(
        world.view.space_record().unwrap().name.unwrap().epoch,
        FIRST
    );
}

#[test]
fn e7_a_member_leaves_by_itself_and_a_new_key_is_due() {
    let mut world = World::open();
    world.admit_bob(Role::Viewer);
    assert_eq!(world.view.space_record().unwrap().renewal_due, None);
    // Nothing else may stand beside it, and nobody else can be sent away so.
    let mut more = leave(&world.bob);
    more.push(Operation::Member(Member {
        account: world.server.account.id(),
        role: None,
        wrap: None,
    }));
    assert_eq!(world.commit_as(|world| &world.bob, more).unwrap_err(), ROLE);
    let other = leave(&world.alice);
    assert_eq!(
        world.commit_as(|world| &world.bob, other).unwrap_err(),
        ROLE
    );

    let gone = leave(&world.bob);
    world.commit_as(|world| &world.bob, gone).unwrap();
    let bob = world.view.member_record(world.bob.account.id()).unwrap();
    assert_eq!((bob.role, &bob.wrap), (None, &None));
    let due = world.view.space_record().unwrap().renewal_due;
    assert_eq!(due, Some(world.log.last().unwrap().hash()));
    let again = leave(&world.bob);
    assert_eq!(
        world.commit_as(|world| &world.bob, again).unwrap_err(),
        ROLE
    );
    renew(&mut world);
    assert_eq!(world.view.space_record().unwrap().renewal_due, None);
}

#[test]
fn the_last_owner_cannot_leave_and_a_former_one_can() {
    let mut world = World::open();
    let alone = leave(&world.alice);
    assert_eq!(world.commit(alone).unwrap_err(), MEMBERS);
    world.admit_bob(Role::Owner);
    let gone = leave(&world.alice);
    world.commit(gone).unwrap();
    let written = world.commit(draft().file(1, 0, "a").done());
    assert_eq!(written.unwrap_err(), ROLE);
}

#[test]
fn a30_the_server_of_an_open_space_stays_what_it_was() {
    let mut world = World::open();
    let server = world.server.account.id();
    for role in [Some(Role::Owner), Some(Role::Viewer), None] {
        let operation = Operation::Member(Member {
            account: server,
            role,
            wrap: None,
        });
        assert_eq!(
            world.commit(one(operation)).unwrap_err(),
            MEMBERS,
            "{role:?}"
        );
    }
}

#[test]
fn an_offer_makes_one_account_a_member() {
    let mut world = World::open();
    let (operation, secret) = offer(&mut world, Role::Editor);
    world.commit(one(Operation::OfferJoin(operation))).unwrap();
    let joined = join(&mut world, &secret);
    let change_set = signed_by_bob(&world, one(Operation::Join(joined)));
    world.accept(change_set).unwrap();
    let (bob, account) = (&world.bob, world.bob.account.id());
    let member = world.view.member_record(account).unwrap();
    assert_eq!(member.role, Some(Role::Editor));
    let wrap = member.wrap.clone().unwrap();
    assert!(bob.made.keys.open_epoch(world.space, &wrap).unwrap() == world.secret);
    let taken = world.view.join_offer_record(secret.key().device_id());
    assert_eq!(taken.unwrap().taken, Some(account));
    world
        .commit_as(|world| &world.bob, draft().file(1, 0, "of bob").done())
        .unwrap();
}

#[test]
fn an_offer_that_has_ended_lets_nobody_in() {
    let mut world = World::open();
    let (operation, secret) = offer(&mut world, Role::Viewer);
    world.commit(one(Operation::OfferJoin(operation))).unwrap();
    let joined = join(&mut world, &secret);
    let joining =
        |world: &World, joined: &Join| signed_by_bob(world, one(Operation::Join(joined.clone())));

    // Somebody else took it up.
    let mut taken = World::open();
    let (operation, other) = offer(&mut taken, Role::Viewer);
    taken.commit(one(Operation::OfferJoin(operation))).unwrap();
    let first = join(&mut taken, &other);
    let change_set = joining(&taken, &first);
    taken.accept(change_set).unwrap();
    let gone = leave(&taken.bob);
    taken.commit_as(|world| &world.bob, gone).unwrap();
    let second = joining(&taken, &first);
    assert_eq!(taken.accept(second).unwrap_err(), OFFER);

    // It is too late, by the header's clock or by the server's.
    let late = NOW + JOIN_LIFETIME_MS + 1;
    let stamp = hythe_space::Stamp {
        time_ms: late,
        ..world.stamp(&world.bob)
    };
    let by_header = one(Operation::Join(joined.clone()))
        .sign(stamp, &world.bob.key)
        .unwrap();
    assert_eq!(world.judge(&by_header).unwrap_err(), OFFER);
    let on_time = joining(&world, &joined);
    let accepting = Moment::Accepting { now_ms: late };
    let judged = fold(
        &world.view,
        &world.devices,
        accepting,
        world.view.head(),
        &on_time,
    );
    assert_eq!(judged.unwrap_err().refusal(), Some(&OFFER));
    world.judge(&on_time).unwrap();

    // A new key epoch has begun, whose secret is not in it.
    renew(&mut world);
    let current = KeyEpoch(2);
    let outdated = joining(&world, &joined);
    assert_eq!(
        world.judge(&outdated).unwrap_err(),
        Refusal::WrongEpoch { current }
    );
    let mut newer = joined;
    newer.wrap.epoch = current;
    let newer = joining(&world, &newer);
    assert_eq!(world.judge(&newer).unwrap_err(), OFFER);
}

#[test]
fn a16_nobody_joins_without_the_one_time_keys_consent() {
    let mut world = World::open();
    let (operation, secret) = offer(&mut world, Role::Editor);
    let unknown = operation.clone();
    world.commit(one(Operation::OfferJoin(operation))).unwrap();
    let good = join(&mut world, &secret);
    // For another account.
    let server = world.server.account.id();
    let for_server = Join {
        consent: Join::consent(world.space, server, &secret.key()),
        ..good.clone()
    };
    // For another space.
    let elsewhere = Join {
        consent: Join::consent(
            hythe_model::SpaceId([4; 32]),
            world.bob.account.id(),
            &secret.key(),
        ),
        ..good.clone()
    };
    // By a key that nobody authorised.
    let own = JoinSecret::new(Secret32::new([1; 32])).key();
    let by_own_key = Join {
        key: own.public(),
        consent: Join::consent(world.space, world.bob.account.id(), &own),
        ..good.clone()
    };
    // As another account.
    let as_server = Join {
        account: server,
        ..for_server.clone()
    };
    for bad in [for_server, elsewhere, by_own_key, as_server] {
        let change_set = signed_by_bob(&world, one(Operation::Join(bad)));
        assert_eq!(world.judge(&change_set).unwrap_err(), OFFER);
    }
    // The same key is not offered twice, and not for longer than a week.
    assert_eq!(
        world
            .commit(one(Operation::OfferJoin(unknown.clone())))
            .unwrap_err(),
        OFFER
    );
    let (mut long, _) = offer(&mut world, Role::Viewer);
    long.expires_ms += 1;
    assert_eq!(
        world.commit(one(Operation::OfferJoin(long))).unwrap_err(),
        OFFER
    );
}

#[test]
fn offers_are_made_by_owners_and_taken_up_by_who_is_no_member() {
    let mut world = World::open();
    world.admit_bob(Role::Editor);
    let (operation, secret) = offer(&mut world, Role::Viewer);
    let by_bob = world.commit_as(
        |world| &world.bob,
        one(Operation::OfferJoin(operation.clone())),
    );
    assert_eq!(by_bob.unwrap_err(), ROLE);
    world.commit(one(Operation::OfferJoin(operation))).unwrap();
    let joined = join(&mut world, &secret);
    let change_set = signed_by_bob(&world, one(Operation::Join(joined.clone())));
    assert_eq!(world.accept(change_set).unwrap_err(), MEMBERS);
    // Nobody joins on behalf of somebody.
    let behalf = hythe_space::Behalf {
        account: world.alice.account.id(),
        session: hythe_model::OperationId([5; 16]),
    };
    let gone = leave(&world.bob);
    world.commit_as(|world| &world.bob, gone).unwrap();
    let for_alice = world.behalf(&world.bob, behalf, one(Operation::Join(joined)));
    assert_eq!(world.judge(&for_alice).unwrap_err(), ROLE);
}

#[test]
fn a_link_makes_no_owner_and_a_join_stands_alone() {
    let mut world = World::open();
    let (mut operation, _) = offer(&mut world, Role::Viewer);
    operation.role = Role::Owner;
    let refused = |world: &World, draft: Draft| {
        draft
            .sign(world.stamp(&world.alice), &world.alice.key)
            .err()
    };
    let is = |error: Option<hythe_space::DecodeError>, why: StructureError| matches!(error, Some(hythe_space::DecodeError::Structure(found)) if found == why);
    let owner = one(Operation::OfferJoin(operation));
    assert!(is(refused(&world, owner), StructureError::Order));
    let (operation, secret) = offer(&mut world, Role::Viewer);
    world.commit(one(Operation::OfferJoin(operation))).unwrap();
    let joined = join(&mut world, &secret);
    let mut two = one(Operation::Join(joined.clone()));
    two.push(Operation::Join(joined));
    assert!(is(refused(&world, two), StructureError::Mixed));
}
