//! Enrolling, letting in, cutting off.

use std::time::Duration;

use hythe_client::enrol::{self, EnrolError};
use hythe_client::keys::{KeyStore, ServerPin};
use hythe_client::net::{Api, ApiError};
use hythe_model::NodeId;
use hythe_wire::event::{Event, EventsRequest, Goodbye};

use crate::proxy::Proxy;
use crate::rig::{Device, info, list, names, now_ms, put, start};

#[tokio::test]
async fn an_invite_makes_an_account_once() {
    let rig = start().await;
    let url = rig.invite().await;
    let device = Device::connect(&url, "ada").await;
    let listed = device.common.api.devices().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].current && listed[0].id == device.keys.device);

    let other = tempfile::tempdir().unwrap();
    let store = KeyStore::open(other.path()).unwrap();
    let refused = enrol::connect(&store, &url, info("x"), "x", now_ms()).await;
    assert!(matches!(
        refused,
        Err(EnrolError::Api(ApiError::Unauthorised(_)))
    ));
    assert!(store.device().unwrap().is_none() && store.enrolling().unwrap().is_none());
}

/// Connects while the reply to one path is lost, then again: both try the same.
async fn connect_twice(proxy: &Proxy, url: &str, path: &'static str) -> Device {
    let home = tempfile::tempdir().unwrap();
    let store = KeyStore::open(home.path().join("keys")).unwrap();
    proxy.lie(move |asked, bytes| {
        if asked.ends_with(path) {
            Vec::new()
        } else {
            bytes
        }
    });
    let lost = enrol::connect(&store, url, info("b"), "bob", now_ms()).await;
    assert!(matches!(lost, Err(EnrolError::Api(ApiError::Malformed(_)))));
    assert!(store.device().unwrap().is_none());
    let begun = store.enrolling().unwrap().unwrap().names();
    proxy.be_honest();
    let keys = enrol::connect(&store, url, info("b"), "bob", now_ms())
        .await
        .unwrap();
    assert_eq!((keys.account, keys.device), begun);
    assert!(store.enrolling().unwrap().is_none());
    let again = enrol::connect(&store, url, info("b"), "bob", now_ms()).await;
    assert!(matches!(again, Err(EnrolError::Connected)));
    Device::open(home, keys)
}

#[tokio::test]
async fn c6_an_enrolment_whose_reply_was_lost_has_its_effect_once() {
    let proxy = Proxy::start().await;
    let invite = proxy.invite().await;
    let first = connect_twice(&proxy, &invite, "/accounts").await;
    assert_eq!(first.common.api.devices().await.unwrap().len(), 1);

    let offer = enrol::offer_device(&first.common.api, &first.keys, None, now_ms())
        .await
        .unwrap();
    let second = connect_twice(&proxy, &offer.url.to_string(), "/devices/enrol").await;
    assert_eq!(second.keys.account, first.keys.account);
    assert_eq!(second.common.api.devices().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_second_device_comes_in_by_url_with_nobody_else_online() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let offer = enrol::offer_device(&first.common.api, &first.keys, None, now_ms())
        .await
        .unwrap();
    assert!(offer.expires_ms > now_ms());
    let url = offer.url.to_string();
    drop(first);
    let second = Device::connect(&url, "second").await;
    let mut listed = second.common.api.devices().await.unwrap();
    listed.retain(|device| device.current);
    assert_eq!(listed[0].id, second.keys.device);

    let other = tempfile::tempdir().unwrap();
    let store = KeyStore::open(other.path()).unwrap();
    let spent = enrol::connect(&store, &url, info("x"), "x", now_ms())
        .await
        .err()
        .unwrap();
    assert!(spent.is_spent(), "{spent}");
}

#[tokio::test]
async fn d6_a_removed_device_is_cut_off_at_once_event_stream_included() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let second = first.add().await;
    let account = second
        .common
        .accounts
        .get(second.keys.account)
        .await
        .unwrap();
    let from = EventsRequest {
        epoch: None,
        account: account.head(),
        spaces: Vec::new(),
    };
    let mut events = second.common.api.events(&from).await.unwrap();
    assert!(matches!(
        events.next().await.unwrap(),
        Event::Welcome { .. }
    ));

    enrol::remove_device(&first.common.api, &first.keys, second.keys.device, now_ms())
        .await
        .unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(6), async {
        loop {
            match events.next().await {
                Ok(Event::Goodbye {
                    reason: Goodbye::Unauthenticated,
                })
                | Err(_) => break,
                Ok(_) => {}
            }
        }
    });
    ended.await.unwrap();
    let refused = second.common.api.spaces().await.err().unwrap();
    assert!(matches!(refused, ApiError::Unauthorised(_)), "{refused}");
    assert_eq!(first.common.api.devices().await.unwrap().len(), 1);
    // Removing it again changes nothing and is no error.
    enrol::remove_device(&first.common.api, &first.keys, second.keys.device, now_ms())
        .await
        .unwrap();
}

#[tokio::test]
async fn sc120_a_server_with_another_identity_is_not_talked_to() {
    let rig = start().await;
    let device = rig.account("ada").await;
    let mut pin: ServerPin = device.keys.server.clone();
    pin.identity[0] ^= 1;
    let api = Api::new(&pin, &device.keys.token).unwrap();
    let error = api.spaces().await.err().unwrap();
    assert!(matches!(error, ApiError::WrongServer(_)), "{error}");
}

#[tokio::test]
async fn the_second_device_opens_the_keys_of_the_account_after_a_removal() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let (second, third) = (first.add().await, first.add().await);
    enrol::remove_device(&first.common.api, &first.keys, third.keys.device, now_ms())
        .await
        .unwrap();
    // Wrapped to the first generation of the account's key, which the second device reaches through
    // the new one.
    let home = second.home().await;
    assert!(home.transfer().await.is_some());
}

#[tokio::test]
async fn e7_a_renewed_key_leaves_old_content_readable_and_new_devices_get_both() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    put(&home, "before", b"old".to_vec()).await.unwrap();
    let second = first.add().await;
    enrol::remove_device(&first.common.api, &first.keys, second.keys.device, now_ms())
        .await
        .unwrap();
    let old = home.transfer().await.unwrap().keys.epoch();
    let _ = home.renew_keys().await.unwrap();
    assert_eq!(home.transfer().await.unwrap().keys.epoch(), old.next());
    put(&home, "after", b"new".to_vec()).await.unwrap();
    let _ = home.renew_keys().await.unwrap();

    let third = first.add().await;
    let there = third.home().await;
    let nodes = list(&third, &there, NodeId::ROOT);
    assert_eq!(names(&nodes), ["after", "before"]);
    assert_eq!(nodes[1].hash.unwrap().0, *blake3::hash(b"old").as_bytes());
    assert_eq!(there.digest().await, home.digest().await);
}
