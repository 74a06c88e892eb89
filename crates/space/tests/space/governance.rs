//! Who may write what: roles, members, key epochs, and a restored server.

use hythe_model::{Cursor, Head, KeyEpoch, OperationId, Role, ServerEpoch};
use hythe_space::flow::{EpochPlan, Recipient, create_space, new_epoch, remove_device};
use hythe_space::governance::{Member, MemberWrap, NewEpoch, Restored, SealedSecret};
use hythe_space::{
    AccountKeys, Behalf, ChainFault, ChangeSet, Denied, MapView, Moment, Operation, Refusal, Stamp,
    View, fold,
};

use crate::world::*;

const MEMBERS: Refusal = Refusal::NotAllowed(Denied::Members);
const ROLE: Refusal = Refusal::NotAllowed(Denied::Role);

fn epoch(world: &mut World, number: u32, members: &[Recipient]) -> NewEpoch {
    let secret = world.secret.clone();
    let plan = EpochPlan {
        space: world.space,
        epoch: KeyEpoch(number),
        secret: &secret,
        members,
        previous: SealedSecret::new(*b"the secret before"),
    };
    new_epoch(plan, &mut world.entropy).unwrap()
}

fn member(
    account: hythe_model::AccountId,
    role: Option<Role>,
    wrap: Option<MemberWrap>,
) -> Operation {
    Operation::Member(Member {
        account,
        role,
        wrap,
    })
}

#[test]
fn a_new_space_has_its_owner_the_server_and_one_key() {
    let world = World::open();
    let space = world.view.space_record().unwrap();
    assert_eq!(space.server, Some(world.server.account.id()));
    assert_eq!(space.genesis.0, world.space.0);
    let role = |person: &Person| world.view.member_record(person.account.id())?.role;
    assert_eq!(role(&world.alice), Some(Role::Owner));
    assert_eq!(role(&world.server), Some(Role::Editor));
    assert_eq!(role(&world.bob), None);
    for person in [&world.alice, &world.server] {
        let wrap = world
            .view
            .member_record(person.account.id())
            .unwrap()
            .wrap
            .clone()
            .unwrap();
        let opened = person.made.keys.open_epoch(world.space, &wrap).unwrap();
        assert!(opened == world.secret);
        assert!(world.bob.made.keys.open_epoch(world.space, &wrap).is_err());
    }
}

#[test]
fn a30_a_sealed_space_has_no_server_among_its_members() {
    let mut entropy = hythe_space::Entropy::from_seed(&[1; 32]);
    let alice = Person::new(&mut entropy);
    let made = create_space(&alice.account, &alice.key, None, NOW, &mut entropy).unwrap();
    assert!(!made.view.space_record().unwrap().is_open());
    assert_eq!(made.view.members().unwrap().len(), 1);
}

#[test]
fn a_genesis_names_the_account_of_its_signer_and_starts_an_empty_log() {
    let mut world = World::open();
    let genesis = |world: &World, owner| {
        let genesis = hythe_space::governance::SpaceGenesis {
            nonce: [1; 32],
            owner,
            server: None,
        };
        let stamp = Stamp::genesis(OperationId([1; 16]), world.alice.account.head(), NOW);
        one(Operation::SpaceGenesis(genesis))
            .sign(stamp, &world.alice.key)
            .unwrap()
    };
    let for_bob = genesis(&world, world.bob.account.id());
    let judged = MapView::default().append(&world.devices, Moment::Replaying, &for_bob);
    assert_eq!(judged.unwrap_err().refusal(), Some(&ROLE));
    let second = genesis(&world, world.alice.account.id());
    assert_eq!(
        world.accept(second).unwrap_err(),
        Refusal::BadChain(ChainFault::Log)
    );
    let unknown = hythe_space::Accounts::default();
    let judged = MapView::default().append(&unknown, Moment::Replaying, &world.log[0].clone());
    let denied = Refusal::NotAllowed(Denied::UnknownDevice);
    assert_eq!(judged.unwrap_err().refusal(), Some(&denied));
}

#[test]
fn a_genesis_is_the_first_of_its_log() {
    let world = World::open();
    let (empty, later) = (MapView::default(), world.view.head());
    let judged = fold(
        &empty,
        &world.devices,
        Moment::Replaying,
        later,
        &world.log[0],
    );
    let log = Refusal::BadChain(ChainFault::Log);
    assert_eq!(judged.unwrap_err().refusal(), Some(&log));
    let judged = fold(
        &world.view,
        &world.devices,
        Moment::Replaying,
        Head::START,
        &world.log[0],
    );
    assert_eq!(judged.unwrap_err().refusal(), Some(&log));
}

#[test]
fn nothing_is_sealed_before_the_first_key_epoch() {
    let world = World::open();
    let mut view = MapView::default();
    view.append(&world.devices, Moment::Replaying, &world.log[0])
        .unwrap();
    let stamp = Stamp {
        seen: view.head(),
        counter: 2,
        previous: world.log[0].hash(),
        key_epoch: KeyEpoch(0),
        ..world.stamp(&world.alice)
    };
    let early = draft()
        .file(1, 0, "a")
        .done()
        .sign(stamp, &world.alice.key)
        .unwrap();
    let judged = view
        .append(&world.devices, Moment::Replaying, &early)
        .unwrap_err();
    assert_eq!(
        judged.refusal(),
        Some(&Refusal::WrongEpoch {
            current: KeyEpoch(0)
        })
    );
}

#[test]
fn e4_roles_decide_what_an_account_may_do() {
    let govern = |world: &World| {
        let account = world.bob.account.id();
        one(member(account, Some(Role::Owner), None))
    };
    for (role, writes) in [
        (Role::Owner, true),
        (Role::Editor, true),
        (Role::Viewer, false),
        (Role::Drop, false),
    ] {
        let mut world = World::open();
        let no_member = world.commit_as(|world| &world.bob, draft().file(1, 0, "a").done());
        assert_eq!(no_member.unwrap_err(), ROLE);
        world.admit_bob(role);
        let written = world.commit_as(|world| &world.bob, draft().file(1, 0, "a").done());
        assert_eq!(written.err(), (!writes).then_some(ROLE), "{role:?} writes");
        let governed = govern(&world);
        let governed = world.commit_as(|world| &world.bob, governed);
        assert_eq!(
            governed.err(),
            (role != Role::Owner).then_some(ROLE),
            "{role:?} governs"
        );
    }
}

#[test]
fn a_member_that_joins_gets_the_current_key() {
    let mut world = World::open();
    let bob = world.bob.account.id();
    let without = one(member(bob, Some(Role::Editor), None));
    assert_eq!(world.commit(without).unwrap_err(), MEMBERS);
    let stale = MemberWrap {
        epoch: KeyEpoch(2),
        ..world.wrap_for_bob()
    };
    let stale = one(member(bob, Some(Role::Editor), Some(stale)));
    assert_eq!(world.commit(stale).unwrap_err(), MEMBERS);
    world.admit_bob(Role::Viewer);
    let wrap = world.view.member_record(bob).unwrap().wrap.clone().unwrap();
    assert!(world.bob.made.keys.open_epoch(world.space, &wrap).unwrap() == world.secret);
    // A change of role keeps the key.
    world
        .commit(one(member(bob, Some(Role::Editor), None)))
        .unwrap();
    assert_eq!(world.view.member_record(bob).unwrap().wrap, Some(wrap));
}

#[test]
fn e7_who_leaves_has_no_key_of_the_next_epoch() {
    let mut world = World::open();
    world.admit_bob(Role::Editor);
    let bob = world.bob.account.id();
    assert_eq!(
        world.commit(one(member(bob, None, None))).unwrap_err(),
        MEMBERS
    );

    let [alice, server, gone] = [&world.alice, &world.server, &world.bob].map(Person::recipient);
    let with_bob = epoch(&mut world, 2, &[alice.clone(), server.clone(), gone]);
    let mut draft_with_bob = one(member(bob, None, None));
    draft_with_bob.push(Operation::NewEpoch(with_bob.clone()));
    assert_eq!(world.commit(draft_with_bob).unwrap_err(), MEMBERS);
    let mut wrong_order = one(Operation::NewEpoch(with_bob));
    wrong_order.push(member(bob, None, None));
    assert_eq!(world.commit(wrong_order).unwrap_err(), MEMBERS);
    let without_server = epoch(&mut world, 2, std::slice::from_ref(&alice));
    let mut left_out = one(member(bob, None, None));
    left_out.push(Operation::NewEpoch(without_server));
    assert_eq!(world.commit(left_out).unwrap_err(), MEMBERS);

    let rest = epoch(&mut world, 2, &[alice, server]);
    let mut leave = one(member(bob, None, None));
    leave.push(Operation::NewEpoch(rest));
    world.commit(leave).unwrap();
    let record = world.view.member_record(bob).unwrap();
    assert_eq!((record.role, &record.wrap), (None, &None));
    assert_eq!(world.view.space_record().unwrap().key_epoch, KeyEpoch(2));
    let written = world.commit_as(|world| &world.bob, draft().file(1, 0, "a").done());
    assert_eq!(written.unwrap_err(), ROLE);
    assert_eq!(
        world.commit(one(member(bob, None, None))).unwrap_err(),
        MEMBERS
    );
}

#[test]
fn a_space_always_has_an_owner() {
    let mut world = World::open();
    let alice = world.alice.account.id();
    let demoted = one(member(alice, Some(Role::Editor), None));
    assert_eq!(world.commit(demoted).unwrap_err(), MEMBERS);
    world.admit_bob(Role::Owner);
    world
        .commit(one(member(alice, Some(Role::Viewer), None)))
        .unwrap();
    let written = world.commit(draft().file(1, 0, "a").done());
    assert_eq!(written.unwrap_err(), ROLE);
}

#[test]
fn key_epochs_come_one_after_the_other_and_bind_what_is_sealed() {
    let mut world = World::open();
    let both = [world.alice.recipient(), world.server.recipient()];
    let current = Refusal::WrongEpoch { current: FIRST };
    for wrong in [0, 1, 3, u32::MAX] {
        let wrong = epoch(&mut world, wrong, &both);
        assert_eq!(
            world.commit(one(Operation::NewEpoch(wrong))).unwrap_err(),
            current
        );
    }
    let unlinked = NewEpoch {
        previous: None,
        ..epoch(&mut world, 2, &both)
    };
    assert_eq!(
        world
            .commit(one(Operation::NewEpoch(unlinked)))
            .unwrap_err(),
        MEMBERS
    );

    let stale = world.signed(draft().file(1, 0, "a").done());
    let second = epoch(&mut world, 2, &both);
    world.commit(one(Operation::NewEpoch(second))).unwrap();
    // The author's chain has gone on as well, so the draft is signed again, with the old epoch.
    let stamp = Stamp {
        key_epoch: FIRST,
        ..world.stamp(&world.alice)
    };
    let again = draft()
        .file(1, 0, "a")
        .done()
        .sign(stamp, &world.alice.key)
        .unwrap();
    assert_ne!(again.hash(), stale.hash());
    assert_eq!(
        world.judge(&again).unwrap_err(),
        Refusal::WrongEpoch {
            current: KeyEpoch(2)
        }
    );
    world.commit(draft().file(1, 0, "a").done()).unwrap();
    assert_eq!(
        world.view.node_record(node(1)).unwrap().place.epoch,
        KeyEpoch(2)
    );
}

#[test]
fn a_device_that_was_removed_writes_no_more() {
    let mut world = World::open();
    world.admit_bob(Role::Editor);
    // Bob gets a second device, which removes the first.
    let (second, removal) = second_device_removes_first(&mut world);
    let before = world.stamp(&world.bob);
    let late = draft()
        .file(1, 0, "a")
        .done()
        .sign(before, &world.bob.key)
        .unwrap();

    // A server that is about to accept it knows of the removal; the log itself does not yet.
    let mut account = world.bob.account.clone();
    account.append(Moment::Replaying, &removal).unwrap();
    world.devices.insert(account.clone());
    let accepting = Moment::Accepting { now_ms: NOW };
    let judged = fold(
        &world.view,
        &world.devices,
        accepting,
        world.view.head(),
        &late,
    );
    let removed = Refusal::NotAllowed(Denied::RemovedDevice);
    assert_eq!(judged.unwrap_err().refusal(), Some(&removed));
    world.judge(&late).unwrap();

    // Once anything of Bob's names the removal, the removed device cannot claim not to know.
    let stamp = Stamp {
        account_seen: account.head(),
        ..Stamp::next(
            world.space,
            None,
            world.view.head(),
            account.head(),
            FIRST,
            OperationId([3; 16]),
            NOW,
        )
    };
    let told = draft().file(2, 0, "b").done().sign(stamp, &second).unwrap();
    world.accept(told).unwrap();
    let seen = world.view.member_record(account.id()).unwrap().account_seen;
    assert_eq!(seen, account.head());
    assert_eq!(world.judge(&late).unwrap_err(), removed);
}

/// Returns Bob's second device's key, and the removal of his first. `world.bob.account` knows the
/// second device, not the removal.
fn second_device_removes_first(world: &mut World) -> (hythe_space::SigningKey, ChangeSet) {
    use hythe_space::flow::{add_device_offer, enrol_with_offer};
    let World { bob, entropy, .. } = world;
    let offer = add_device_offer(&bob.account, &bob.key, &bob.made.keys, NOW, entropy).unwrap();
    bob.account
        .append(Moment::Replaying, &offer.change_set)
        .unwrap();
    let second = enrol_with_offer(&bob.account, &offer.secret, NOW, entropy).unwrap();
    bob.account
        .append(Moment::Replaying, &second.change_set)
        .unwrap();
    let first = bob.key.device_id();
    let removal =
        remove_device(&bob.account, &second.key, &second.keys, first, NOW, entropy).unwrap();
    world.devices.insert(world.bob.account.clone());
    (second.key, removal)
}

#[test]
fn a_reader_that_lacks_a_part_of_an_account_is_told_which() {
    let mut world = World::open();
    world.admit_bob(Role::Editor);
    let early = world.bob.account.clone();
    second_device_removes_first(&mut world);
    let stamp = world.stamp(&world.bob);
    let written = draft()
        .file(1, 0, "a")
        .done()
        .sign(stamp, &world.bob.key)
        .unwrap();
    world.devices.insert(early.clone());
    let behind = Denied::AccountBehind {
        account: early.id(),
        needs: Cursor(4),
    };
    assert_eq!(
        world.judge(&written).unwrap_err(),
        Refusal::NotAllowed(behind)
    );
    world.devices.insert(world.bob.account.clone());
    world.accept(written).unwrap();
}

#[test]
fn another_history_of_the_account_is_found() {
    let world = World::open();
    let mut stamp = world.stamp(&world.alice);
    stamp.account_seen.chain.0[0] ^= 1;
    let forked = draft()
        .file(1, 0, "a")
        .done()
        .sign(stamp, &world.alice.key)
        .unwrap();
    assert_eq!(
        world.judge(&forked).unwrap_err(),
        Refusal::BadChain(ChainFault::AccountSeen)
    );
    // Before its own genesis a device belongs to no account.
    let stamp = Stamp {
        account_seen: Head::START,
        ..world.stamp(&world.alice)
    };
    let early = draft()
        .file(1, 0, "a")
        .done()
        .sign(stamp, &world.alice.key)
        .unwrap();
    assert_eq!(
        world.judge(&early).unwrap_err(),
        Refusal::NotAllowed(Denied::UnknownDevice)
    );
}

#[test]
fn the_server_writes_on_behalf_of_members_that_may_write() {
    let mut world = World::open();
    let session = OperationId([5; 16]);
    let behalf = |account| Behalf { account, session };
    let (alice, bob) = (world.alice.account.id(), world.bob.account.id());
    let denied = Refusal::NotAllowed(Denied::Behalf);
    let file = || draft().file(1, 0, "a").done();
    let for_bob = world.behalf(&world.server, behalf(bob), file());
    assert_eq!(world.judge(&for_bob).unwrap_err(), denied);
    world.admit_bob(Role::Viewer);
    let for_bob = world.behalf(&world.server, behalf(bob), file());
    assert_eq!(world.judge(&for_bob).unwrap_err(), denied);
    let for_alice = world.behalf(&world.server, behalf(alice), file());
    world.accept(for_alice).unwrap();
    assert_eq!(
        world.log.last().unwrap().header().behalf,
        Some(behalf(alice))
    );
    // Members and keys are never changed on behalf of somebody.
    let promote = one(member(bob, Some(Role::Editor), None));
    let promote = world.behalf(&world.alice, behalf(alice), promote);
    assert_eq!(world.judge(&promote).unwrap_err(), denied);
}

#[test]
fn what_a_member_put_that_may_do_nothing_else_is_a_file_and_nothing_else() {
    let mut world = World::open();
    let session = OperationId([0; 16]);
    let account = world.bob.account.id();
    let behalf = Behalf { account, session };
    world.admit_bob(Role::Drop);
    let denied = Refusal::NotAllowed(Denied::Behalf);
    for draft in [
        draft().dir(1, 0, "a").done(),
        draft().file(1, 0, "a").dir(2, 0, "b").done(),
    ] {
        let more = world.behalf(&world.alice, behalf, draft);
        assert_eq!(world.judge(&more).unwrap_err(), denied);
    }
    let file = world.behalf(&world.alice, behalf, draft().file(1, 0, "a").done());
    world.accept(file).unwrap();
    let edit = draft().edited(1, 1, 2).done();
    let edit = world.behalf(&world.alice, behalf, edit);
    assert_eq!(world.judge(&edit).unwrap_err(), denied);
    // By itself it writes nothing.
    let own = draft().file(2, 0, "b").done();
    let refused = world.commit_as(|world| &world.bob, own).unwrap_err();
    assert_eq!(refused, Refusal::NotAllowed(Denied::Role));
}

fn restored(at: Head) -> Operation {
    Operation::Restored(Restored {
        at,
        epoch: ServerEpoch([8; 16]),
    })
}

#[test]
fn d4_a_restored_server_names_its_head_and_ends_the_abandoned_tail() {
    let mut world = World::open();
    world.commit(draft().file(1, 0, "kept").done()).unwrap();
    let copy = world.view.clone();
    world.commit(draft().file(2, 0, "lost").done()).unwrap();
    let tail = world.signed(draft().file(3, 0, "after the tail").done());

    world.view = copy;
    let elsewhere = Head {
        cursor: Cursor(2),
        ..world.view.head()
    };
    let wrong = world.commit_as(|world| &world.server, one(restored(elsewhere)));
    assert_eq!(wrong.unwrap_err(), Refusal::BadChain(ChainFault::Seen));
    let at = world.view.head();
    world
        .commit_as(|world| &world.server, one(restored(at)))
        .unwrap();
    let record = world.view.space_record().unwrap().restored.unwrap();
    assert_eq!((record.at, record.epoch), (at, ServerEpoch([8; 16])));
    // Its position exists again by now, but with another history.
    assert_eq!(tail.header().seen.cursor, world.view.head().cursor);
    assert_eq!(
        world.judge(&tail).unwrap_err(),
        Refusal::BadChain(ChainFault::Seen)
    );
    // The author goes on from where the restored log has it.
    world.commit(draft().file(2, 0, "lost").done()).unwrap();
}

#[test]
fn only_the_server_of_the_space_or_an_owner_says_that_it_was_restored() {
    let mut world = World::open();
    world.admit_bob(Role::Editor);
    let at = world.view.head();
    let by_bob = world.commit_as(|world| &world.bob, one(restored(at)));
    assert_eq!(by_bob.unwrap_err(), ROLE);
    let mut more = one(restored(at));
    more.push(member(world.server.account.id(), Some(Role::Owner), None));
    let by_server = world.commit_as(|world| &world.server, more);
    assert_eq!(by_server.unwrap_err(), ROLE);
    world.commit(one(restored(at))).unwrap();
}

#[test]
fn needs_name_what_a_fold_reads() {
    let mut world = World::open();
    let written = world.signed(
        draft()
            .file(1, 0, "a")
            .moved(2, 2, 3, 4, "b")
            .dropped(5, 5, None)
            .back(6, 6, 7, 8, "c")
            .done(),
    );
    let needs = hythe_space::needs(&written);
    let nodes: Vec<_> = needs.nodes.into_iter().collect();
    assert_eq!(nodes, [1, 2, 4, 5, 6, 8].map(node));
    assert_eq!(needs.tags.len(), 3);
    assert!(needs.tags.contains(&(ROOT, tag("a"))) && needs.tags.contains(&(node(4), tag("b"))));
    assert_eq!(needs.emptied.into_iter().collect::<Vec<_>>(), [node(5)]);
    assert!(!needs.all_members);
    let wrap = world.wrap_for_bob();
    let bob = world.bob.account.id();
    let joined = world.signed(one(member(bob, Some(Role::Editor), Some(wrap))));
    let needs = hythe_space::needs(&joined);
    assert!(needs.all_members && needs.members.contains(&bob));
}

#[test]
fn keys_open_every_generation_that_was_before() {
    let mut world = World::open();
    let (second, removal) = second_device_removes_first(&mut world);
    let mut account = world.bob.account.clone();
    let old = account.generation();
    account.append(Moment::Replaying, &removal).unwrap();
    assert_eq!(account.generation(), old + 1);
    let removed = world.bob.key.device_id();
    assert!(AccountKeys::open(&account, removed, &world.bob.made.device_kem).is_err());
    assert!(account.is_active(second.device_id()) && !account.is_active(removed));
}
