//! Accounts, devices and spaces.

use hythe_model::NodeId;
use hythe_server::files::{Denied, FilesError, Principal, Refused};
use hythe_server::notify::Notice;
use hythe_space::{Draft, flow};
use hythe_wire::Token;
use hythe_wire::device::{DeviceFolder, DevicePatch};

use crate::person::{Person, address, bytes_of, client_now_ms, info, prepare, server_account};
use crate::world::World;

pub async fn registering_happens_once(world: World) {
    let first = prepare(&world, "ann").await;
    let invite = world.invite().await;
    let registered = world
        .files
        .register(Some(&invite), first.registration.clone())
        .await
        .unwrap();
    let again = world
        .files
        .register(Some(&invite), first.registration.clone())
        .await
        .unwrap();
    assert_eq!(again, registered, "C6: the reply was lost");
    assert_eq!(world.files.accounts().await.unwrap().len(), 1);
    let mut other_token = first.registration.clone();
    other_token.token = Token(hythe_model::Secret32::new([8; 32]));
    let spent = world.files.register(Some(&invite), other_token).await;
    let is_spent = matches!(spent, Err(FilesError::Denied(Denied::TokenSpent)));
    assert!(is_spent, "a second use, no repetition");

    let other = prepare(&world, "bob").await;
    let spent = world
        .files
        .register(Some(&invite), other.registration.clone())
        .await;
    assert!(matches!(spent, Err(FilesError::Denied(Denied::TokenSpent))));
    let nobody = Token(hythe_model::Secret32::new([7; 32]));
    let unknown = world
        .files
        .register(Some(&nobody), other.registration.clone())
        .await;
    assert!(matches!(
        unknown,
        Err(FilesError::Denied(Denied::TokenUnknown))
    ));
    let mut same_name = other.registration.clone();
    same_name.login = "ann".into();
    let invite = world.invite().await;
    let taken = world.files.register(Some(&invite), same_name).await;
    assert!(matches!(
        taken,
        Err(FilesError::Refused(Refused::LoginTaken))
    ));
    // A refused registration does not use the invite up.
    world
        .files
        .register(Some(&invite), other.registration)
        .await
        .unwrap();

    let expired = world
        .files
        .create_invite(std::time::Duration::ZERO, false)
        .await
        .unwrap();
    let late = prepare(&world, "cid").await.registration;
    let spent = world.files.register(Some(&expired.token), late).await;
    assert!(matches!(spent, Err(FilesError::Denied(Denied::TokenSpent))));
}

pub async fn a_bad_registration_leaves_nothing(world: World) {
    let good = prepare(&world, "ann").await.registration;
    let before = world.files.stats().await.unwrap();
    let other = prepare(&world, "bob").await.registration;
    let invite = world.invite().await;
    let mut foreign_space = good.clone();
    foreign_space.space = other.space.clone();
    let mut no_space = good.clone();
    no_space.space.truncate(0);
    let mut no_genesis = good.clone();
    no_genesis.account.remove(0);
    let mut no_name = good.clone();
    no_name.login = " ".into();
    for bad in [foreign_space, no_space, no_genesis, no_name] {
        let refused = world.files.register(Some(&invite), bad).await;
        assert!(
            matches!(
                refused,
                Err(FilesError::Invalid(_) | FilesError::Refused(_))
            ),
            "{refused:?}"
        );
    }
    assert_eq!(world.files.stats().await.unwrap(), before);
    world.files.register(Some(&invite), good).await.unwrap();
}

pub async fn devices_come_and_go(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut second = ann.second_device(&world).await;
    let mut draft = Draft::new();
    second.directory(&mut draft, NodeId::ROOT, "by the second");
    second.commit(&world, draft, vec![]).await.unwrap();

    let mut heard = world.files.subscribe();
    let streaming: Principal = second.principal.clone();
    world.files.still_valid(&streaming).await.unwrap();
    let remove = flow::remove_device(
        &ann.account,
        &ann.key,
        &ann.keys,
        second.key.device_id(),
        client_now_ms(),
        &mut ann.entropy,
    )
    .unwrap();
    ann.append(&world, &remove, None).await.unwrap();

    // Cut off at once, also where it had been let in before.
    let gone = world.files.still_valid(&streaming).await;
    assert!(matches!(
        gone,
        Err(FilesError::Denied(Denied::DeviceRemoved))
    ));
    let gone = world.files.authenticate(&second.token, None).await;
    assert!(matches!(
        gone,
        Err(FilesError::Denied(Denied::DeviceRemoved))
    ));
    let mut draft = Draft::new();
    second.directory(&mut draft, NodeId::ROOT, "too late");
    let late = second.commit(&world, draft, vec![]).await;
    assert!(matches!(
        late,
        Err(FilesError::Denied(Denied::DeviceRemoved))
    ));
    world.files.still_valid(&ann.principal).await.unwrap();

    let removed = second.key.device_id();
    let told = loop {
        if let Notice::DeviceRemoved { device, .. } = heard.recv().await.unwrap() {
            break device;
        }
    };
    assert_eq!(told, removed);
    assert_eq!(world.files.devices(&ann.principal).await.unwrap().len(), 1);

    // A spent or unknown one-time token lets nobody in.
    let unknown = world.files.one_time_account(&second.token).await;
    assert!(matches!(
        unknown,
        Err(FilesError::Denied(Denied::TokenUnknown))
    ));
    let behind = ann.append(&world, &remove, None).await.unwrap();
    assert!(behind.repeated, "C6");
}

pub async fn devices_are_described(world: World) {
    let ann = Person::register(&world, "ann").await;
    let folders = vec![DeviceFolder {
        path: "/home/ann/Hythe".into(),
        space: ann.space,
    }];
    let patch = DevicePatch {
        name: Some("desk".into()),
        folders: Some(folders.clone()),
    };
    world
        .files
        .describe_device(&ann.principal, patch)
        .await
        .unwrap();
    let devices = world.files.devices(&ann.principal).await.unwrap();
    let [device] = &devices[..] else {
        panic!("{devices:?}")
    };
    assert_eq!((device.name.as_str(), &device.folders), ("desk", &folders));
    assert_eq!(device.platform, info("first").platform);
    // An IPv4 address that came through an IPv6 socket is shown as what it is.
    assert_eq!(device.address.as_deref(), Some("192.0.2.7"));
    assert_eq!(device.port, Some(address().port()));
    assert!(device.current && device.last_seen_ms.is_some());
    let long = DevicePatch {
        name: Some("x".repeat(300)),
        folders: None,
    };
    let refused = world.files.describe_device(&ann.principal, long).await;
    assert!(matches!(refused, Err(FilesError::Invalid(_))));
}

pub async fn more_spaces_are_created(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let server = server_account(&world).await;
    let recipient = flow::Recipient::of(&server).unwrap();
    let now = client_now_ms();
    let new = flow::create_space(
        &ann.account,
        &ann.key,
        Some(&recipient),
        now,
        &mut ann.entropy,
    );
    let new = new.unwrap();
    let log: Vec<_> = new.log.iter().map(bytes_of).collect();
    let (space, made) = world
        .files
        .create_space(&ann.principal, &log)
        .await
        .unwrap();
    assert_eq!((space, made.head), (new.space, new.view.head()));
    let (_, again) = world
        .files
        .create_space(&ann.principal, &log)
        .await
        .unwrap();
    assert!(again.repeated, "C6");
    assert_eq!(again.head, made.head);
    let spaces = world.files.spaces(&ann.principal).await.unwrap();
    assert_eq!(spaces.len(), 2);
    assert!(spaces[0].personal && !spaces[1].personal);
    // An account's log takes no change set of a space, and the other way round.
    let refused = ann.append(&world, &new.log[1], None).await;
    assert!(
        matches!(refused, Err(FilesError::Invalid(_))),
        "{refused:?}"
    );
}
