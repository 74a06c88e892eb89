//! Accounts that are made for somebody else, and lists of users.

use hythe_server::files::{AccountForOther, Actor, FilesError, Refused};
use hythe_server::roster::{ListedClient, ListedUser};
use hythe_space::account::operation::Slot;
use hythe_space::flow::{self, KeyholderSecret};
use hythe_space::{Entropy, Moment};
use hythe_wire::Token;

use crate::person::{Person, bytes_of, client_now_ms, prepare};
use crate::world::World;

fn client(path: &str) -> ListedClient {
    ListedClient {
        ip: Some("192.0.2.9".into()),
        port: Some(9),
        path: path.into(),
        files: vec!["x".into(), "y".into()],
    }
}

/// An account with a recovery code as its only way in.
async fn other(world: &World, login: &str, clients: Vec<ListedClient>) -> AccountForOther {
    let mut made = prepare(world, login).await;
    let mut entropy = Entropy::from_seed(&[7; 32]);
    let secret = KeyholderSecret::of_recovery(&[3; 20]);
    let set = flow::set_keyholders(
        &made.made.state,
        &made.made.key,
        &made.made.keys,
        &[(Slot::Recovery, Some(&secret))],
        client_now_ms(),
        &mut entropy,
    )
    .unwrap();
    made.made.state.append(Moment::Replaying, &set).unwrap();
    let removal =
        flow::remove_all_devices(&made.made.state, &secret, client_now_ms(), &mut entropy).unwrap();
    let mut account = made.registration.account;
    account.push(bytes_of(&set));
    AccountForOther {
        user: ListedUser {
            user_name: login.into(),
            clients,
        },
        account,
        space: made.registration.space,
        removal: bytes_of(&removal),
        password: None,
        recovery: Some(Token(hythe_model::Secret32::new(secret.token()))),
    }
}

pub async fn an_account_is_made_for_somebody_else(world: World) {
    let files = &world.files;
    let ann = Person::register(&world, "ann").await;
    let bob = other(&world, "bob", vec![client("/home/bob")]).await;
    files
        .make_for_other(Actor::Machine, bob.clone())
        .await
        .unwrap();
    let view = files.accounts().await.unwrap().remove(1);
    assert_eq!((view.login.as_str(), view.devices), ("bob", 0));
    assert_eq!(view.to_enrol, [client("/home/bob")]);
    let token = bob.recovery.clone().unwrap();
    assert_eq!(files.recovery_account(&token).await.unwrap(), view.account);

    let again = files.make_for_other(Actor::Machine, bob).await;
    assert!(matches!(
        again,
        Err(FilesError::Refused(Refused::LoginTaken))
    ));
    let listed = files.roster().await.unwrap();
    let of_ann = ListedClient {
        ip: Some("192.0.2.7".into()),
        port: Some(5000),
        ..ListedClient::default()
    };
    assert_eq!(listed[0].user_name, "ann");
    assert_eq!(listed[0].clients, [of_ann]);
    assert_eq!(listed[1].clients, [client("/home/bob")]);
    drop(ann);

    // With a device, or with no way in, it would be another's account, or nobody's.
    let mut kept = other(&world, "cid", Vec::new()).await;
    kept.removal = kept.account.pop().unwrap();
    assert!(files.make_for_other(Actor::Machine, kept).await.is_err());
    let mut lost = other(&world, "cid", Vec::new()).await;
    lost.recovery = None;
    assert!(files.make_for_other(Actor::Machine, lost).await.is_err());
    assert_eq!(files.accounts().await.unwrap().len(), 2);
    let last = files.audit(1).await.unwrap().remove(0);
    assert!(last.outcome.starts_with("refused: "), "{last:?}");
    assert!(files.check().await.unwrap().is_clean());
}
