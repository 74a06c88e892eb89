//! Connections that come and go.

use std::time::{Duration, Instant};

use hythe_client::net::{ApiError, Retry};
use hythe_model::NodeId;
use hythe_wire::event::EventsRequest;

use crate::rig::{find, put, start, start_on};

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
