//! What an administrator does: who may come in, who is cut off, who goes, and what is written down.

use std::time::Duration;

use hythe_model::{NodeId, Role, Secret32};
use hythe_server::files::{
    AccountView, Actor, AuditEntry, Denied, Enrolment, FilesError, InviteTerms, QuotaName, Refused,
};
use hythe_server::notify::Notice;
use hythe_space::flow::{self, EpochPlan, Recipient, new_epoch};
use hythe_space::governance::{Member, SealedSecret};
use hythe_space::{Draft, Operation};
use hythe_wire::Token;
use hythe_wire::server::RegistrationPolicy;

use crate::person::{Person, bytes_of, client_now_ms, info, prepare, server_account};
use crate::world::World;

const MACHINE: Actor = Actor::Machine;

pub(super) fn denied<T>(result: Result<T, FilesError>) -> Denied {
    match result {
        Err(FilesError::Denied(denied)) => denied,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was done"),
    }
}

pub(super) async fn account(world: &World, login: &str) -> Option<AccountView> {
    let accounts = world.files.accounts().await.unwrap();
    accounts.into_iter().find(|view| view.login == login)
}

/// What was administered, as action and outcome.
pub(super) async fn audited(world: &World) -> Vec<(String, String, String)> {
    let entries = world.files.audit(1000).await.unwrap();
    let short = |entry: AuditEntry| (entry.action, entry.subject, entry.outcome);
    entries.into_iter().map(short).collect()
}

pub(super) async fn is_clean(world: &World) {
    let report = world.files.check().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

pub async fn the_policy_says_who_may_register(world: World) {
    let files = &world.files;
    let ann = prepare(&world, "ann").await.registration;
    assert_eq!(files.policy().await.unwrap(), RegistrationPolicy::Invite);
    assert_eq!(
        denied(files.register(None, ann.clone()).await),
        Denied::TokenUnknown
    );

    let before = world.invite().await;
    files
        .set_policy(MACHINE, RegistrationPolicy::Closed)
        .await
        .unwrap();
    assert_eq!(
        denied(files.register(None, ann.clone()).await),
        Denied::RegistrationClosed
    );
    let invited = files.register(Some(&before), ann.clone()).await;
    assert_eq!(denied(invited), Denied::RegistrationClosed);
    let invite = files.create_invite(Duration::from_secs(60), false).await;
    assert_eq!(denied(invite), Denied::RegistrationClosed);

    files
        .set_policy(MACHINE, RegistrationPolicy::Open)
        .await
        .unwrap();
    let first = files.register(None, ann.clone()).await.unwrap();
    assert_eq!(
        files.register(None, ann.clone()).await.unwrap(),
        first,
        "C6"
    );
    let mut other = ann.clone();
    other.token = Token(Secret32::new([8; 32]));
    assert_eq!(
        denied(files.register(None, other).await),
        Denied::TokenSpent
    );
    let mut same_name = prepare(&world, "bob").await.registration;
    same_name.login = "ann".into();
    let taken = files.register(None, same_name).await;
    assert!(matches!(
        taken,
        Err(FilesError::Refused(Refused::LoginTaken))
    ));
    assert!(!account(&world, "ann").await.unwrap().admin);

    let said = audited(&world).await;
    let outcomes: Vec<&str> = said
        .iter()
        .map(|(_, _, outcome)| outcome.as_str())
        .collect();
    assert_eq!(
        outcomes,
        [
            "done",
            "done",
            "refused: the server takes no new accounts",
            "done"
        ]
    );
    is_clean(&world).await;
}

pub async fn an_invite_is_bound_to_name_role_and_quota(world: World) {
    let files = &world.files;
    files
        .set_quota(MACHINE, QuotaName::Default, Some(1000))
        .await
        .unwrap();
    let terms = |login: &str, admin, limit| InviteTerms {
        lifetime: Duration::from_secs(60),
        admin,
        login: Some(login.into()),
        limit,
    };
    let invite = files
        .invite(MACHINE, terms("ann", true, Some(Some(77))))
        .await
        .unwrap();
    let bob = prepare(&world, "bob").await.registration;
    let wrong = files.register(Some(&invite.token), bob.clone()).await;
    assert!(matches!(wrong, Err(FilesError::Invalid(_))), "{wrong:?}");
    let ann = prepare(&world, "ann").await.registration;
    files.register(Some(&invite.token), ann).await.unwrap();
    let ann = account(&world, "ann").await.unwrap();
    assert_eq!(
        (ann.admin, ann.limit_bytes, ann.devices),
        (true, Some(77), 1)
    );

    let invite = files
        .invite(MACHINE, terms("bob", false, Some(None)))
        .await
        .unwrap();
    files.register(Some(&invite.token), bob).await.unwrap();
    let bob = account(&world, "bob").await.unwrap();
    assert_eq!((bob.admin, bob.limit_bytes), (false, None));
    let invite = files
        .invite(MACHINE, terms("cid", false, None))
        .await
        .unwrap();
    let cid = prepare(&world, "cid").await.registration;
    files.register(Some(&invite.token), cid).await.unwrap();
    assert_eq!(
        account(&world, "cid").await.unwrap().limit_bytes,
        Some(1000)
    );
    let bad = files
        .invite(MACHINE, terms(" ", false, None))
        .await
        .err()
        .unwrap();
    assert!(matches!(bad, FilesError::Invalid(_)));

    // Nothing that lets anybody in is written down.
    let entries = serde_json::to_string(&files.audit(100).await.unwrap()).unwrap();
    assert!(entries.contains("\"ann\"") && entries.contains("role admin, limit 77 bytes"));
    assert!(!entries.contains(&invite.token.to_hex()));
}

/// A third device of an account that only has to be let in, and its one-time token.
async fn third_device(world: &World, ann: &mut Person) -> (Token, Enrolment) {
    let offer = flow::add_device_offer(
        &ann.account,
        &ann.key,
        &ann.keys,
        client_now_ms(),
        &mut ann.entropy,
    )
    .unwrap();
    let one_time = Token(Secret32::new(offer.secret.token()));
    ann.append(world, &offer.change_set, Some(one_time.clone()))
        .await
        .unwrap();
    let mut entropy = hythe_space::Entropy::from_seed(&[9; 32]);
    let added =
        flow::enrol_with_offer(&ann.account, &offer.secret, client_now_ms(), &mut entropy).unwrap();
    let enrolment = Enrolment {
        device: info("third"),
        token: Token(entropy.secret()),
        change_set: bytes_of(&added.change_set),
        address: None,
    };
    (one_time, enrolment)
}

pub async fn d6_a_suspended_account_is_cut_off_with_all_its_devices(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut second = ann.second_device(&world).await;
    let bob = Person::register(&world, "bob").await;
    let (one_time, enrolment) = third_device(&world, &mut ann).await;
    let files = &world.files;
    let mut heard = files.subscribe();
    for device in [&ann, &second] {
        files.still_valid(&device.principal).await.unwrap();
    }

    files.suspend(MACHINE, "ann").await.unwrap();
    // Cut off at once, also where it had been let in before.
    for device in [&ann, &second] {
        assert_eq!(
            denied(files.still_valid(&device.principal).await),
            Denied::Suspended
        );
        assert_eq!(
            denied(files.authenticate(&device.token, None).await),
            Denied::Suspended
        );
        assert_eq!(
            denied(files.spaces(&device.principal).await),
            Denied::Suspended
        );
    }
    let mut draft = Draft::new();
    second.directory(&mut draft, NodeId::ROOT, "late");
    let late = second.sign(draft);
    assert_eq!(
        denied(second.send(&world, &late, vec![]).await),
        Denied::Suspended
    );
    let enrolled = files.enrol(&one_time, enrolment.clone()).await;
    assert_eq!(denied(enrolled), Denied::Suspended);
    files.still_valid(&bob.principal).await.unwrap();
    let told = loop {
        if let Notice::Standing { account } = heard.recv().await.unwrap() {
            break account;
        }
    };
    assert_eq!(told, ann.account.id());
    assert!(account(&world, "ann").await.unwrap().suspended_ms.is_some());

    // Resumed, everything is as it was.
    files
        .resume(MACHINE, &ann.account.id().to_string())
        .await
        .unwrap();
    for device in [&ann, &second] {
        files.still_valid(&device.principal).await.unwrap();
        files.authenticate(&device.token, None).await.unwrap();
    }
    second.send(&world, &late, vec![]).await.unwrap();
    files.enrol(&one_time, enrolment).await.unwrap();
    let unknown = files.suspend(MACHINE, "nobody").await;
    assert!(matches!(unknown, Err(FilesError::NotFound(_))));
    files.set_role(MACHINE, "ann", true).await.unwrap();
    assert!(account(&world, "ann").await.unwrap().admin);

    let said = audited(&world).await;
    let expected = [
        "invite", "invite", "suspend", "resume", "suspend", "set-role",
    ];
    let actions: Vec<&str> = said.iter().map(|(action, _, _)| action.as_str()).collect();
    assert_eq!(actions, expected);
    assert_eq!(said[4].2, "refused: there is no such account here");
    is_clean(&world).await;
}

/// Adds an account to a person's space, under new keys.
pub(super) async fn add_member(world: &World, owner: &mut Person, member: &Person, role: Role) {
    owner.accounts.insert(member.account.clone());
    let server = server_account(world).await;
    let recipients = [&owner.account, &member.account, &server];
    let recipients = recipients.map(|account| Recipient::of(account).unwrap());
    let epoch = owner.fold.space_record().unwrap().key_epoch.next();
    let secret = owner.entropy.secret();
    let plan = EpochPlan {
        space: owner.space,
        epoch,
        secret: &secret,
        members: &recipients,
        previous: SealedSecret::new(*b"the secret before"),
    };
    let plan = new_epoch(plan, &mut owner.entropy).unwrap();
    let mut draft = Draft::new();
    draft.push(Operation::Member(Member {
        account: member.account.id(),
        role: Some(role),
        wrap: None,
    }));
    draft.push(Operation::NewEpoch(plan));
    owner.commit(world, draft, vec![]).await.unwrap();
}

/// A space that bob makes, and of which ann is an owner too.
async fn share_a_space(world: &World, bob: &mut Person, ann: &mut Person) {
    let server = server_account(world).await;
    let recipient = Recipient::of(&server).unwrap();
    let now = client_now_ms();
    let new = flow::create_space(
        &bob.account,
        &bob.key,
        Some(&recipient),
        now,
        &mut bob.entropy,
    );
    let new = new.unwrap();
    let log: Vec<_> = new.log.iter().map(bytes_of).collect();
    world
        .files
        .create_space(&bob.principal, &log)
        .await
        .unwrap();
    (bob.space, bob.fold) = (new.space, new.view);
    add_member(world, bob, ann, Role::Owner).await;
}

async fn a_waiting_time_can_be_undone(world: &World, bob: &Person) {
    let days = Duration::from_secs(14 * 24 * 60 * 60);
    world
        .files
        .remove_account(MACHINE, "bob", days)
        .await
        .unwrap();
    assert_eq!(world.files.remove_due().await.unwrap(), 0);
    let view = account(world, "bob").await.unwrap();
    assert!(view.removal_ms.is_some() && view.suspended_ms.is_some());
    assert_eq!(
        denied(world.files.still_valid(&bob.principal).await),
        Denied::Suspended
    );
    world.files.resume(MACHINE, "bob").await.unwrap();
    assert_eq!(account(world, "bob").await.unwrap().removal_ms, None);
    world.files.still_valid(&bob.principal).await.unwrap();
}

pub async fn a_removed_account_leaves_others_their_spaces(mut world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut bob = Person::register(&world, "bob").await;
    let alone = bob.space;
    share_a_space(&world, &mut bob, &mut ann).await;
    let shared = bob.space;
    world
        .files
        .set_quota(MACHINE, QuotaName::Of("ann".into()), Some(1 << 30))
        .await
        .unwrap();

    a_waiting_time_can_be_undone(&world, &bob).await;

    let before = world.files.stats().await.unwrap();
    world
        .files
        .remove_account(MACHINE, "bob", Duration::ZERO)
        .await
        .unwrap();
    assert!(account(&world, "bob").await.is_none());
    assert_eq!(
        denied(world.files.authenticate(&bob.token, None).await),
        Denied::DeviceRemoved
    );
    let after = world.files.stats().await.unwrap();
    assert_eq!(
        (after.spaces, after.accounts),
        (before.spaces - 1, before.accounts - 1)
    );
    assert_eq!(after.change_sets, before.change_sets, "positions count on");
    let report = world.files.quotas(Some("ann".into())).await.unwrap();
    assert!(
        report.spaces.iter().any(|s| s.space == shared),
        "it counts for ann now"
    );
    assert!(report.spaces.iter().all(|s| s.space != alone));
    is_clean(&world).await;

    // Who stays reads what bob signed, and writes.
    (ann.space, ann.fold) = (shared, bob.fold.clone());
    ann.accounts.insert(bob.account.clone());
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "afterwards");
    ann.commit(&world, draft, vec![]).await.unwrap();

    // The login name is free.
    let mut newcomer = prepare(&world, "newcomer").await.registration;
    newcomer.login = "bob".into();
    let invite = world.invite().await;
    world.files.register(Some(&invite), newcomer).await.unwrap();
    let said = audited(&world).await;
    let removed = said.iter().find(|(action, ..)| action == "account-removed");
    assert_eq!(removed.map(|(_, subject, _)| subject.as_str()), Some("bob"));

    // The data does not look like an older copy of itself (D4).
    let epoch = world.files.epoch();
    world.restart().await;
    assert_eq!(world.files.epoch(), epoch);
    is_clean(&world).await;
}
