//! A server that says that it was restored from a copy, and a sealed space.

use hythe_client::commit::found_space;
use hythe_client::replica::{Replica, ReplicaError};
use hythe_model::{NodeId, SpaceName};

use crate::restored::copy;
use crate::rig::{Device, list, names, put, start, start_on};

#[tokio::test]
async fn e3_a_sealed_space_stops_at_a_claimed_restore_until_a_person_says_yes() {
    let rig = start().await;
    let ann = rig.account("ann").await;
    let name = SpaceName::new("diary").unwrap();
    let space = found_space(&ann.common, &name, true, None).await.unwrap();
    let diary = Replica::open(ann.common.clone(), space).await.unwrap();
    let home = ann.home().await;
    let epoch = ann.common.api.server().await.unwrap().epoch;
    for replica in [&diary, &home] {
        let _ = replica.catch_up().await.unwrap();
        replica.set_epoch(epoch).await.unwrap();
        put(replica, "before", b"1".to_vec()).await.unwrap();
    }
    // An honest restart is no claim.
    let (data, listen) = (rig.data, rig.server.addr());
    rig.server.stop().await;
    copy(&data.path().join("server"), &data.path().join("copy"));
    let server = start_on(&data, listen).await;
    let _ = diary.catch_up().await.unwrap();
    for replica in [&diary, &home] {
        put(replica, "after", b"2".to_vec()).await.unwrap();
    }
    let seen = diary.head().await;

    server.stop().await;
    copy(&data.path().join("copy"), &data.path().join("server"));
    let _server = start_on(&data, listen).await;
    let now = ann.common.api.server().await.unwrap().epoch;
    assert_ne!(now, epoch);
    let read = diary.catch_up().await;
    assert!(matches!(read, Err(ReplicaError::Unconfirmed)), "{read:?}");
    let read = diary.start_over(now).await;
    assert!(matches!(read, Err(ReplicaError::Unconfirmed)), "{read:?}");
    // Nothing that was known is forgotten, nor is it after a restart.
    assert_eq!(diary.head().await, seen);
    assert_eq!(
        names(&list(&ann, &diary, NodeId::ROOT)),
        ["after", "before"]
    );
    drop(diary);
    let diary = Replica::open(ann.common.clone(), space).await.unwrap();
    let read = diary.start_over(now).await;
    assert!(matches!(read, Err(ReplicaError::Unconfirmed)), "{read:?}");
    // An open space goes on by itself.
    let _ = home.start_over(now).await.unwrap();
    assert_eq!(names(&list(&ann, &home, NodeId::ROOT)), ["before"]);

    // A yes to another life is none to this one.
    diary.say_yes(epoch).await.unwrap();
    assert!(diary.start_over(now).await.is_err());
    diary.say_yes(now).await.unwrap();
    let _ = diary.start_over(now).await.unwrap();
    assert_eq!(names(&list(&ann, &diary, NodeId::ROOT)), ["before"]);
    put(&diary, "again", b"3".to_vec()).await.unwrap();
}

/// A space on a device, in the life of the server's data that it is in.
async fn opened(device: &Device, space: hythe_model::SpaceId) -> Replica {
    let replica = Replica::open(device.common.clone(), space).await.unwrap();
    let _ = replica.catch_up().await.unwrap();
    let epoch = device.common.api.server().await.unwrap().epoch;
    replica.set_epoch(epoch).await.unwrap();
    replica
}

/// An honest restore takes back what devices have told each other that they saw. That accuses nobody.
#[tokio::test]
async fn e3_d4_what_was_seen_before_a_restore_accuses_nobody() {
    let rig = start().await;
    let ann = rig.account("ann").await;
    let name = SpaceName::new("diary").unwrap();
    let sealed = found_space(&ann.common, &name, true, None).await.unwrap();
    let open = ann.personal().await;
    let second = ann.add().await;
    let mut pairs = Vec::new();
    for space in [open, sealed] {
        pairs.push((opened(&ann, space).await, opened(&second, space).await));
    }
    for (one, other) in &pairs {
        put(one, "before", b"1".to_vec()).await.unwrap();
        let _ = other.catch_up().await.unwrap();
    }
    let (data, listen) = (rig.data, rig.server.addr());
    rig.server.stop().await;
    copy(&data.path().join("server"), &data.path().join("copy"));
    let server = start_on(&data, listen).await;
    for (one, other) in &pairs {
        put(one, "lost", b"2".to_vec()).await.unwrap();
        for replica in [one, other, one] {
            let _ = replica.exchange_sightings().await.unwrap();
        }
        put(one, "lost too", b"3".to_vec()).await.unwrap();
        let _ = one.exchange_sightings().await.unwrap();
        assert!(one.confirmed().unwrap().is_some());
    }
    server.stop().await;
    copy(&data.path().join("copy"), &data.path().join("server"));
    let _server = start_on(&data, listen).await;
    let now = ann.common.api.server().await.unwrap().epoch;
    for ((one, other), sealed) in pairs.iter().zip([false, true]) {
        for replica in [one, other] {
            // It is the restore that is told of, not a fork.
            let told = replica.exchange_sightings().await;
            match sealed {
                true => assert!(matches!(told, Err(ReplicaError::Unconfirmed)), "{told:?}"),
                false => assert!(matches!(told, Err(ReplicaError::EpochChanged)), "{told:?}"),
            }
            if sealed {
                replica.say_yes(now).await.unwrap();
            }
            let _ = replica.start_over(now).await.unwrap();
        }
        put(one, "new", b"4".to_vec()).await.unwrap();
        for replica in [one, other, one] {
            let _ = replica.catch_up().await.unwrap();
            let _ = replica.exchange_sightings().await.unwrap();
        }
        assert_eq!(one.digest().await, other.digest().await);
        let last = one.confirmed().unwrap().unwrap();
        assert_eq!(last.at, one.head().await.cursor);
    }
}
