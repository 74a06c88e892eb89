//! What an account's owner decides: app passwords, and the account's end.

use std::time::Duration;

use hythe_model::{Role, SpaceId};
use hythe_server::files::{
    Actor, DELETION_WAIT, Denied, FilesError, LoginDenied, Principal, Refused,
};
use hythe_space::flow;
use hythe_wire::app_password::{AppPassword, CreateAppPassword, RemoveAppPassword};
use hythe_wire::chunk::ObjectName;

use super::administration::{account, add_member, audited, denied, is_clean};
use super::passkeys::Holder;
use crate::person::{Person, client_now_ms, server_account};
use crate::world::World;

/// An app password of somebody's, made by their device.
async fn make(
    world: &World,
    person: &Person,
    seed: u8,
    read_only: bool,
    spaces: Vec<SpaceId>,
) -> Result<AppPassword, FilesError> {
    let password = AppPassword::new([seed; 20]);
    let new = CreateAppPassword {
        name: format!("program {seed}"),
        hash: password.hash(),
        read_only,
        spaces,
    };
    let files = &world.files;
    files
        .create_app_password(&person.principal, new.clone())
        .await?;
    // A repetition changes nothing (C6).
    files.create_app_password(&person.principal, new).await?;
    Ok(password)
}

async fn enter(world: &World, login: &str, password: &AppPassword) -> Principal {
    world.files.authenticate_app(login, password).await.unwrap()
}

/// A sealed space of somebody's.
async fn sealed(world: &World, person: &mut Person) -> SpaceId {
    let now = client_now_ms();
    let new = flow::create_space(&person.account, &person.key, None, now, &mut person.entropy);
    let new = new.unwrap();
    let log: Vec<_> = new.log.iter().map(crate::person::bytes_of).collect();
    world
        .files
        .create_space(&person.principal, &log)
        .await
        .unwrap();
    new.space
}

async fn uploads(world: &World, principal: &Principal, space: SpaceId) -> Result<(), FilesError> {
    let objects: Vec<ObjectName> = Vec::new();
    world
        .files
        .missing(principal, space, &objects)
        .await
        .map(drop)
}

pub async fn r3_an_app_password_reaches_what_it_was_made_for(world: World) {
    let files = &world.files;
    let mut ann = Person::register(&world, "ann").await;
    let bob = Person::register(&world, "bob").await;
    let secret = sealed(&world, &mut ann).await;
    let refused = make(&world, &ann, 1, false, vec![secret]).await;
    assert!(matches!(refused, Err(FilesError::Invalid(_))));
    assert_eq!(
        denied(make(&world, &ann, 1, false, vec![bob.space]).await),
        Denied::NotAMember
    );

    let all = make(&world, &ann, 2, false, vec![]).await.unwrap();
    let reader = make(&world, &ann, 3, true, vec![ann.space]).await.unwrap();
    let other = sealed(&world, &mut ann).await;
    let all = enter(&world, "ann", &all).await;
    files.may_read(&all, ann.space).await.unwrap();
    uploads(&world, &all, ann.space).await.unwrap();
    for space in [secret, other, bob.space] {
        assert_eq!(
            denied(files.may_read(&all, space).await),
            Denied::NotAMember
        );
    }
    let shown = files.spaces(&all).await.unwrap();
    assert_eq!(
        shown.iter().map(|one| one.id).collect::<Vec<_>>(),
        [ann.space]
    );
    assert_eq!(files.spaces(&ann.principal).await.unwrap().len(), 3);

    let reader = enter(&world, "ann", &reader).await;
    files.may_read(&reader, ann.space).await.unwrap();
    assert_eq!(
        denied(uploads(&world, &reader, ann.space).await),
        Denied::Role
    );
    let left = files.answer_invitation(&all, ann.space, false).await;
    assert!(left.is_err());
    // Whoever administers does it with a device.
    files.set_role(Actor::Machine, "ann", true).await.unwrap();
    assert_eq!(denied(files.as_admin(&all).await), Denied::Role);
    assert_eq!(denied(files.as_admin(&bob.principal).await), Denied::Role);
    let actor = files.as_admin(&ann.principal).await.unwrap();
    assert_eq!(actor, Actor::Account(ann.account.id()));
    let told = files.app_passwords(&ann.principal).await.unwrap();
    assert!(told.iter().all(|one| one.used_ms.is_some()) && told.len() == 2);
}

pub async fn an_app_password_ends_with_whatever_it_hangs_on(world: World) {
    let files = &world.files;
    let mut ann = Person::register(&world, "ann").await;
    let second = ann.second_device(&world).await;
    let mine = make(&world, &ann, 1, false, vec![]).await.unwrap();
    let wrong = files.authenticate_app("bob", &mine).await;
    assert_eq!(denied(wrong), Denied::TokenUnknown);
    let wrong = files
        .authenticate_app("ann", &AppPassword::new([9; 20]))
        .await;
    assert_eq!(denied(wrong), Denied::TokenUnknown);
    let entered = enter(&world, "ann", &mine).await;
    // What was remembered for one name is not another's (R5).
    assert!(files.authenticate_app("bob", &mine).await.is_err());

    files.suspend(Actor::Machine, "ann").await.unwrap();
    assert_eq!(
        denied(files.authenticate_app("ann", &mine).await),
        Denied::Suspended
    );
    assert_eq!(denied(files.still_valid(&entered).await), Denied::Suspended);
    files.resume(Actor::Machine, "ann").await.unwrap();
    files.still_valid(&entered).await.unwrap();

    let name = "program 1".to_owned();
    let remove = RemoveAppPassword { name };
    files
        .remove_app_password(&ann.principal, remove.clone())
        .await
        .unwrap();
    assert_eq!(
        denied(files.still_valid(&entered).await),
        Denied::TokenUnknown
    );
    assert_eq!(
        denied(files.authenticate_app("ann", &mine).await),
        Denied::TokenUnknown
    );
    let again = files.remove_app_password(&ann.principal, remove).await;
    assert!(matches!(again, Err(FilesError::NotFound(_))));

    let of_second = make(&world, &second, 4, false, vec![]).await.unwrap();
    enter(&world, "ann", &of_second).await;
    let (account, now) = (&ann.account, client_now_ms());
    let device = second.key.device_id();
    let removal = flow::remove_device(account, &ann.key, &ann.keys, device, now, &mut ann.entropy);
    ann.append(&world, &removal.unwrap(), None).await.unwrap();
    let gone = files.authenticate_app("ann", &of_second).await;
    assert_eq!(denied(gone), Denied::TokenUnknown);
}

pub async fn an_account_is_deleted_by_its_owner_after_a_time(world: World) {
    let files = &world.files;
    let ann = Person::register(&world, "ann").await;
    let removal = async || account(&world, "ann").await.unwrap().removal_ms;
    let nothing = files.keep_own(&ann.principal).await;
    assert!(matches!(nothing, Err(FilesError::NotFound(_))));

    let at = files
        .delete_own(&ann.principal, None, DELETION_WAIT)
        .await
        .unwrap();
    assert_eq!(removal().await, Some(at));
    // Asked again, it does not wait longer; meanwhile everything works.
    let again = files
        .delete_own(&ann.principal, None, DELETION_WAIT)
        .await
        .unwrap();
    assert_eq!(again, at);
    assert_eq!(files.remove_due().await.unwrap(), 0);
    files.still_valid(&ann.principal).await.unwrap();
    assert_eq!(
        files.profile(&ann.principal).await.unwrap().removal_ms,
        Some(at)
    );
    files.keep_own(&ann.principal).await.unwrap();
    assert_eq!(removal().await, None);

    // What an administrator removes, its owner does not keep.
    files
        .remove_account(Actor::Machine, "ann", DELETION_WAIT)
        .await
        .unwrap();
    assert_eq!(
        denied(files.keep_own(&ann.principal).await),
        Denied::Suspended
    );
    files.resume(Actor::Machine, "ann").await.unwrap();

    files
        .delete_own(&ann.principal, None, Duration::ZERO)
        .await
        .unwrap();
    assert!(account(&world, "ann").await.is_none());
    let actions: Vec<String> = audited(&world).await.into_iter().map(|one| one.0).collect();
    let own: Vec<&str> = actions.iter().map(String::as_str).collect();
    assert_eq!(own[own.len() - 2..], ["delete-own", "account-removed"]);
    assert!(own.contains(&"keep-own"));
    is_clean(&world).await;
}

pub async fn where_there_is_a_password_deletion_takes_it_and_a_login_takes_it_back(world: World) {
    let files = &world.files;
    let ann = Holder::register(&world, "ann").await;
    let principal = &ann.person.principal;
    let bare = files.delete_own(principal, None, DELETION_WAIT).await;
    assert_eq!(denied(bare), Denied::Login(LoginDenied::ProofNeeded));
    let bob = Holder::register(&world, "bob").await;
    let of_bob = bob.recovery_token();
    let other = files
        .delete_own(principal, Some(&of_bob), DELETION_WAIT)
        .await;
    assert_eq!(denied(other), Denied::Login(LoginDenied::ProofNeeded));

    let own = ann.recovery_token();
    files
        .delete_own(principal, Some(&own), DELETION_WAIT)
        .await
        .unwrap();
    assert!(account(&world, "ann").await.unwrap().removal_ms.is_some());
    let login = ann.knows_the_password(&world).await;
    files.finish_login(login, None).await.unwrap();
    assert_eq!(account(&world, "ann").await.unwrap().removal_ms, None);
    let last = files.audit(1).await.unwrap().remove(0);
    assert_eq!(
        (last.action.as_str(), last.detail.as_str()),
        ("keep-own", "by logging in")
    );
}

pub async fn the_only_owner_of_a_shared_space_is_told_before_it_goes(world: World) {
    let files = &world.files;
    let ann = Person::register(&world, "ann").await;
    let mut bob = Person::register(&world, "bob").await;
    server_account(&world).await;
    add_member(&world, &mut bob, &ann, Role::Editor).await;
    let wait = DELETION_WAIT;
    // Who was only invited does not take part.
    files.delete_own(&bob.principal, None, wait).await.unwrap();
    files.keep_own(&bob.principal).await.unwrap();
    files
        .answer_invitation(&ann.principal, bob.space, true)
        .await
        .unwrap();
    match files.delete_own(&bob.principal, None, wait).await {
        Err(FilesError::Refused(Refused::LastOwner(spaces))) => assert_eq!(spaces, [bob.space]),
        other => panic!("{other:?}"),
    }
    assert_eq!(account(&world, "bob").await.unwrap().removal_ms, None);
    // An editor may go, and so may the owner once there is another.
    files.delete_own(&ann.principal, None, wait).await.unwrap();
    files.keep_own(&ann.principal).await.unwrap();
    add_member(&world, &mut bob, &ann, Role::Owner).await;
    files.delete_own(&bob.principal, None, wait).await.unwrap();
}
