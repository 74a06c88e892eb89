//! The keys of spaces after a device was removed.

use std::net::SocketAddr;
use std::time::Duration;

use hythe_client::daemon::{self, Daemon, Options};
use hythe_client::enrol;
use hythe_client::home::Home;
use hythe_client::replica::Replica;
use hythe_content::{Field, SpaceKeys, open_field};
use hythe_control::{Caller, Octets, Place, Reply, Request, Status};
use hythe_model::{Cursor, KeyEpoch};
use hythe_space::{ChangeSet, Operation};
use hythe_wire::Message;

use crate::proxy::Proxy;
use crate::rig::{Device, find, list, names, now_ms, put, start, start_on};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(60);

async fn run(device: &Device) -> Daemon {
    let home = Home::open(device.home.path()).unwrap().lock().unwrap();
    daemon::start(home, Options::default()).await.unwrap()
}

async fn run_folders(device: &Device) -> Daemon {
    let home = Home::open(device.home.path()).unwrap().lock().unwrap();
    let options = Options {
        folders: true,
        ..Options::default()
    };
    daemon::start(home, options).await.unwrap()
}

async fn ask(daemon: &Daemon, request: Request) -> Reply {
    let mut caller = Caller::within(daemon.service()).unwrap();
    caller.call(&request, None, |_| ()).await.unwrap()
}

async fn status(daemon: &Daemon) -> Status {
    match ask(daemon, Request::Status).await {
        Reply::Status(status) => status,
        other => panic!("{other:?}"),
    }
}

async fn until(daemon: &Daemon, wanted: impl Fn(&Status) -> bool) {
    let asking = async {
        while !wanted(&status(daemon).await) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap();
}

async fn epoch(replica: &Replica) -> KeyEpoch {
    replica.transfer().await.unwrap().keys.epoch()
}

/// What the server has of the last change set of a space.
async fn last_change(device: &Device, replica: &Replica) -> ChangeSet {
    let before = Cursor(replica.head().await.cursor.0 - 1);
    let api = &device.common.api;
    let mut reader = api.changes(replica.space(), before).await.unwrap();
    let page = reader.next_page().await.unwrap().unwrap();
    ChangeSet::decode(&page.entries.last().unwrap().change_set).unwrap()
}

/// Whether keys open the name that a change set's first operation gives.
fn opens(keys: &SpaceKeys, change_set: &ChangeSet) -> bool {
    let write = change_set.writes().next().unwrap();
    let Operation::Create(create) = write.operation else {
        panic!("no create")
    };
    let name = write.parts.name.unwrap().bytes.unwrap();
    open_field(keys, create.node, Field::Name, create.place_version, name).is_ok()
}

#[tokio::test]
async fn e7_removing_a_device_leaves_it_nothing_that_opens_what_is_written_later() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    put(&home, "before", b"old".to_vec()).await.unwrap();
    let (second, third) = (first.add().await, first.add().await);
    let there = second.home().await;
    let stolen = third.home().await.transfer().await.unwrap().keys;
    assert!(opens(&stolen, &last_change(&first, &home).await));

    // A home has one user at a time: this test, or its daemon.
    drop(home);
    let daemon = run(&first).await;
    let device = third.keys.device.to_string();
    let reply = ask(
        &daemon,
        Request::DevicesRemove {
            device,
            wipe: false,
        },
    )
    .await;
    let Reply::Removed(removed) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(removed.keys_pending, None);
    daemon.stop().await;

    // The other device goes on, under the new key.
    let _ = there.catch_up().await.unwrap();
    assert_eq!(epoch(&there).await, stolen.epoch().next());
    put(&there, "after", b"new".to_vec()).await.unwrap();
    let home = first.home().await;
    assert_eq!(
        names(&list(&first, &home, hythe_model::NodeId::ROOT)),
        ["after", "before"]
    );
    assert_eq!(home.digest().await, there.digest().await);
    let hash = find(&first, &home, "after").hash.unwrap();
    assert_eq!(hash.0, *blake3::hash(b"new").as_bytes());

    let written = last_change(&first, &home).await;
    let kept = there.transfer().await.unwrap().keys;
    assert!(opens(&kept, &written) && !opens(&stolen, &written));
}

#[tokio::test]
async fn e7_a_renewal_that_could_not_be_done_is_shown_and_done_when_it_can_be() {
    let rig = start().await;
    let listen: SocketAddr = rig.server.addr();
    let first = rig.account("ada").await;
    let (second, third) = (first.add().await, first.add().await);
    let (home, there) = (first.home().await, second.home().await);
    let old = epoch(&there).await;
    // Once, so that the spaces are known without the server.
    let daemon = run(&first).await;
    until(&daemon, |status| status.server.connected).await;
    daemon.stop().await;
    // The device that removes another goes away before it renews anything.
    enrol::remove_device(&first.common.api, &first.keys, third.keys.device, now_ms())
        .await
        .unwrap();
    first
        .common
        .accounts
        .refresh(first.keys.account)
        .await
        .unwrap();
    assert!(home.keys_are_due().unwrap());
    drop(home);
    rig.server.stop().await;

    let daemon = run(&first).await;
    until(&daemon, |status| status.keys_pending.is_some()).await;
    let server = start_on(&rig.data, listen).await;
    until(&daemon, |status| status.keys_pending.is_none()).await;
    let _ = there.catch_up().await.unwrap();
    assert_eq!(epoch(&there).await, old.next());
    daemon.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn e7_of_devices_that_see_a_removal_at_once_one_renews_the_keys() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let (second, third) = (first.add().await, first.add().await);
    let (home, there) = (first.home().await, second.home().await);
    let old = epoch(&there).await;
    enrol::remove_device(&first.common.api, &first.keys, third.keys.device, now_ms())
        .await
        .unwrap();
    for device in [&first, &second] {
        let account = device.keys.account;
        device.common.accounts.refresh(account).await.unwrap();
    }
    let (one, other) = tokio::join!(home.renew_keys_if_due(), there.renew_keys_if_due());
    let _ = (one.unwrap(), other.unwrap());
    for replica in [&home, &there] {
        let _ = replica.catch_up().await.unwrap();
        assert_eq!(epoch(replica).await, old.next());
        assert!(!replica.keys_are_due().unwrap());
    }
    let _ = home.renew_keys_if_due().await.unwrap();
    assert_eq!(epoch(&home).await, old.next(), "once is enough");
}

/// Whether a daemon by way of the liar was told of its removal and asked about its copies.
async fn heard(device: &Device, proxy: &Proxy) -> Status {
    let home = Home::open(device.home.path()).unwrap().lock().unwrap();
    let options = Options {
        folders: true,
        server_url: Some(proxy.url().to_string()),
        ..Options::default()
    };
    let daemon = daemon::start(home, options).await.unwrap();
    until(&daemon, |now| {
        let reason = now.server.reason.as_deref().unwrap_or_default();
        reason.contains("removed from the account")
    })
    .await;
    let told = status(&daemon).await;
    daemon.stop().await;
    told
}

#[tokio::test]
async fn a_server_that_makes_up_a_wipe_deletes_nothing() {
    let proxy = Proxy::start().await;
    let first = proxy.account("ada").await;
    let (second, third) = (first.add().await, first.add().await);
    let home = first.home().await;
    put(&home, "kept", b"kept".to_vec()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let daemon = run_folders(&second).await;
    let sync = Request::FolderAdd {
        dir: Octets(dir.as_bytes().to_vec()),
        place: Place::Space {
            space: String::new(),
            path: Octets(Vec::new()),
        },
    };
    assert!(matches!(ask(&daemon, sync).await, Reply::Folder(_)));
    until(&daemon, |_| folder.path().join("kept").exists()).await;
    daemon.stop().await;

    // A true request, but of another device; this one is removed without any.
    let (api, keys) = (&first.common.api, &first.keys);
    enrol::wipe_device(api, keys, third.keys.device, now_ms())
        .await
        .unwrap();
    let asks = third.common.api.farewell().await.unwrap().unwrap();
    enrol::remove_device(api, keys, second.keys.device, now_ms())
        .await
        .unwrap();
    assert!(second.common.api.farewell().await.unwrap().is_none());
    // Nor may it be put into a signed change set: the device's id in place of the other's.
    let (theirs, own) = (third.keys.device, second.keys.device);
    let mut forged = asks.clone();
    for bytes in &mut forged.log {
        let at = bytes.windows(32).position(|part| part == theirs.as_bytes());
        if let Some(at) = at {
            bytes[at..at + 32].copy_from_slice(own.as_bytes());
        }
    }
    for lie in [asks, forged] {
        let lie = lie.to_cbor();
        proxy.record();
        proxy.invent(move |asked| asked.ends_with("/devices/farewell").then(|| lie.clone()));
        let told = heard(&second, &proxy).await;
        assert!(
            proxy
                .recorded()
                .iter()
                .any(|one| one.path.ends_with("/devices/farewell"))
        );
        let reason = told.server.reason.unwrap();
        assert!(!reason.contains("deleted"), "{reason}");
        assert_eq!(std::fs::read(folder.path().join("kept")).unwrap(), b"kept");
    }
}
