//! Connections that come and go.

use std::time::{Duration, Instant};

use hythe_client::net::{ApiError, Retry};
use hythe_client::replica::ReplicaError;
use hythe_model::NodeId;
use hythe_wire::event::EventsRequest;

use crate::restored::copy;
use crate::rig::{find, list, names, put, start, start_on};

#[tokio::test]
async fn sc085_a_server_that_was_stopped_and_started_is_met_again_by_kept_connections() {
    let rig = start().await;
    let device = rig.account("ada").await;
    let home = device.home().await;
    // Both kinds of connection are kept now.
    put(&home, "f", vec![1; 3 << 20]).await.unwrap();
    let listen = rig.server.addr();
    rig.server.stop().await;
    let offline = device.common.api.spaces().await.unwrap_err();
    assert!(matches!(offline, ApiError::Offline(_)), "{offline}");
    assert_eq!(offline.retry(), Retry::Later(None));

    let server = start_on(&rig.data, listen).await;
    assert_eq!(device.common.api.spaces().await.unwrap().spaces.len(), 1);
    put(&home, "g", vec![2; 3 << 20]).await.unwrap();
    assert_eq!(find(&device, &home, "g").size, 3 << 20);
    assert_eq!(find(&device, &home, "g").parent, NodeId::ROOT);
    server.stop().await;
}

#[tokio::test]
async fn the_end_of_a_server_ends_the_event_stream_at_once() {
    let rig = start().await;
    let device = rig.account("ada").await;
    let account = device
        .common
        .accounts
        .get(device.keys.account)
        .await
        .unwrap();
    let from = EventsRequest {
        epoch: None,
        account: account.head(),
        spaces: Vec::new(),
    };
    let mut events = device.common.api.events(&from).await.unwrap();
    let began = Instant::now();
    let (ended, ()) = tokio::join!(
        async {
            loop {
                if let Err(error) = events.next().await {
                    break error;
                }
            }
        },
        rig.server.stop()
    );
    assert!(matches!(ended, ApiError::Offline(_)), "{ended}");
    assert!(
        began.elapsed() < Duration::from_secs(29),
        "noticed by the end, not by silence"
    );
}

#[tokio::test]
async fn sc123_a_restored_server_is_a_new_life_and_no_attack() {
    let rig = start().await;
    let device = rig.account("ada").await;
    let home = device.home().await;
    put(&home, "kept", b"a".to_vec()).await.unwrap();
    let listen = rig.server.addr();
    let (live, backup) = (
        rig.data.path().join("server"),
        rig.data.path().join("backup"),
    );
    rig.server.stop().await;
    copy(&live, &backup);
    let server = start_on(&rig.data, listen).await;
    put(&home, "lost", b"b".to_vec()).await.unwrap();
    // The account's log loses its end as well.
    device.add().await;
    device
        .common
        .accounts
        .refresh(device.keys.account)
        .await
        .unwrap();
    server.stop().await;
    copy(&backup, &live);
    let server = start_on(&rig.data, listen).await;

    let noticed = home.catch_up().await.unwrap_err();
    assert!(matches!(noticed, ReplicaError::EpochChanged), "{noticed}");
    let epoch = device.common.api.spaces().await.unwrap().epoch;
    let applied = home.start_over(epoch).await.unwrap();
    assert!(applied.anew);
    assert_eq!(names(&list(&device, &home, NodeId::ROOT)), ["kept"]);
    // Content comes back as a new change set of this device.
    put(&home, "lost", b"b".to_vec()).await.unwrap();
    let second = device.add().await;
    let there = second.home().await;
    assert_eq!(
        names(&list(&second, &there, NodeId::ROOT)),
        ["kept", "lost"]
    );
    assert_eq!(there.digest().await, home.digest().await);
    server.stop().await;
}
