//! Members that came by a link.

use hythe_client::commit::{CommitError, found_space};
use hythe_client::replica::Replica;
use hythe_content::{Field, open_field};
use hythe_model::{NodeId, Role, SpaceId, SpaceName};
use hythe_space::Operation;

use crate::rig::{Device, list, names, put, start};

async fn follow(device: &Device, space: SpaceId) -> Replica {
    let replica = Replica::open(device.common.clone(), space).await.unwrap();
    let _ = replica.catch_up().await.unwrap();
    replica
}

async fn made(device: &Device, sealed: bool) -> Replica {
    let name = SpaceName::new("photos").unwrap();
    let space = found_space(&device.common, &name, sealed, None)
        .await
        .unwrap();
    follow(device, space).await
}

#[tokio::test]
async fn who_has_a_link_becomes_a_member_once_and_reads_what_was_before() {
    let rig = start().await;
    let (ann, bob) = (rig.account("ann").await, rig.account("bob").await);
    let eve = rig.account("eve").await;
    for sealed in [false, true] {
        let hers = made(&ann, sealed).await;
        put(&hers, "before", b"old".to_vec()).await.unwrap();
        let (_, secret, _) = hers.offer_join(Role::Editor).await.unwrap();
        assert_eq!(hers.join_offers().unwrap().len(), 1);
        put(&hers, "after", b"newer".to_vec()).await.unwrap();

        let his = Replica::open(bob.common.clone(), hers.space())
            .await
            .unwrap();
        let _ = his.join(&secret).await.unwrap();
        assert_eq!(names(&list(&bob, &his, NodeId::ROOT)), ["after", "before"]);
        assert_eq!(his.standing().unwrap().role, Some(Role::Editor));
        assert_eq!(his.standing().unwrap().open, !sealed);
        put(&his, "of bob", b"his".to_vec()).await.unwrap();
        let _ = hers.catch_up().await.unwrap();
        assert_eq!(his.digest().await, hers.digest().await);
        assert!(hers.join_offers().unwrap().is_empty());

        // It lets nobody else in.
        let its = Replica::open(eve.common.clone(), hers.space())
            .await
            .unwrap();
        assert!(its.join(&secret).await.is_err());
        assert!(its.catch_up().await.is_err());
    }
}

#[tokio::test]
async fn who_left_joins_again_with_the_same_device() {
    let rig = start().await;
    let (ann, bob) = (rig.account("ann").await, rig.account("bob").await);
    let hers = made(&ann, false).await;
    let _ = hers.share(bob.keys.account, Role::Editor).await.unwrap();
    let his = follow(&bob, hers.space()).await;
    put(&his, "first", b"1".to_vec()).await.unwrap();
    let _ = his.leave().await.unwrap();
    let _ = hers.catch_up().await.unwrap();
    let _ = hers.renew_keys_if_due().await.unwrap();
    let (_, secret, _) = hers.offer_join(Role::Editor).await.unwrap();
    let _ = his.join(&secret).await.unwrap();
    put(&his, "again", b"2".to_vec()).await.unwrap();
    let _ = hers.catch_up().await.unwrap();
    assert_eq!(names(&list(&ann, &hers, NodeId::ROOT)), ["again", "first"]);
}

#[tokio::test]
async fn e7_a_link_that_was_taken_back_is_worth_nothing() {
    let rig = start().await;
    let (ann, bob) = (rig.account("ann").await, rig.account("bob").await);
    for sealed in [false, true] {
        let hers = made(&ann, sealed).await;
        let (_, secret, _) = hers.offer_join(Role::Viewer).await.unwrap();
        let (_, other, _) = hers.offer_join(Role::Viewer).await.unwrap();
        let before = hers.transfer().await.unwrap().keys;
        let (_, done) = hers.withdraw_join(secret.key().device_id()).await.unwrap();
        assert!(done);
        let (_, again) = hers.withdraw_join(secret.key().device_id()).await.unwrap();
        assert!(!again);
        let his = Replica::open(bob.common.clone(), hers.space())
            .await
            .unwrap();
        let refused = his.join(&secret).await;
        assert!(
            matches!(refused, Err(CommitError::Replica(_))),
            "{refused:?}"
        );

        // Where the server may not read, what it kept of the link opens nothing that comes later.
        let name = hythe_model::EntryName::new("later").unwrap();
        put(&hers, name.as_str().unwrap(), b"x".to_vec())
            .await
            .unwrap();
        let node = crate::rig::find(&ann, &hers, "later");
        let head = hers.head().await.cursor.0 - 1;
        let mut reader = ann
            .common
            .api
            .changes(hers.space(), hythe_model::Cursor(head))
            .await
            .unwrap();
        let page = reader.next_page().await.unwrap().unwrap();
        let bytes = &page.entries.last().unwrap().change_set;
        let written = hythe_space::ChangeSet::decode(bytes).unwrap();
        let write = written.writes().next().unwrap();
        let Operation::Create(create) = write.operation else {
            panic!("no create")
        };
        let part = write.parts.name.unwrap().bytes.unwrap();
        let opened = open_field(&before, node.id, Field::Name, create.place_version, part);
        assert_eq!(opened.is_err(), sealed);
        // So other links of a sealed space end with it.
        assert_eq!(hers.join_offers().unwrap().is_empty(), sealed);
        assert_eq!(his.join(&other).await.is_err(), sealed);
    }
}

#[tokio::test]
async fn a_link_of_another_space_or_secret_opens_nothing() {
    let rig = start().await;
    let (ann, bob) = (rig.account("ann").await, rig.account("bob").await);
    let hers = made(&ann, false).await;
    let others = made(&ann, false).await;
    let (_, secret, _) = hers.offer_join(Role::Viewer).await.unwrap();
    let his = Replica::open(bob.common.clone(), others.space())
        .await
        .unwrap();
    assert!(his.join(&secret).await.is_err());
    let his = Replica::open(bob.common.clone(), hers.space())
        .await
        .unwrap();
    let _ = his.join(&secret).await.unwrap();
}

#[tokio::test]
async fn every_member_sees_when_a_space_ends() {
    let rig = start().await;
    let (ann, bob) = (rig.account("ann").await, rig.account("bob").await);
    let hers = made(&ann, true).await;
    let _ = hers.share(bob.keys.account, Role::Viewer).await.unwrap();
    let his = follow(&bob, hers.space()).await;
    let at = crate::rig::now_ms() + hythe_space::limits::ENDING_MIN_MS + 60_000;
    assert!(his.end(Some(at)).await.is_err(), "only an owner may");
    let _ = hers.end(Some(at)).await.unwrap();
    let _ = his.catch_up().await.unwrap();
    assert_eq!(his.standing().unwrap().ends_ms, Some(at));
    let _ = hers.end(None).await.unwrap();
    let _ = his.catch_up().await.unwrap();
    assert_eq!(his.standing().unwrap().ends_ms, None);
}
