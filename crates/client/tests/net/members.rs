//! Members of spaces: what they can read, and from when on not.

use hythe_client::commit::{Shared, found_space};
use hythe_client::replica::Replica;
use hythe_content::{Field, SpaceKeys, open_field};
use hythe_model::{Cursor, NodeId, Role, SpaceId, SpaceName};
use hythe_space::{ChangeSet, Operation};

use crate::rig::{Device, list, names, put, start};

async fn space(device: &Device, sealed: bool) -> Replica {
    let name = SpaceName::new("photos").unwrap();
    let space = found_space(&device.common, &name, sealed, None)
        .await
        .unwrap();
    follow(device, space).await
}

async fn follow(device: &Device, space: SpaceId) -> Replica {
    let replica = Replica::open(device.common.clone(), space).await.unwrap();
    let _ = replica.catch_up().await.unwrap();
    replica
}

/// The last change set of a space, as whoever may read gets it.
async fn last(device: &Device, replica: &Replica) -> ChangeSet {
    let before = Cursor(replica.head().await.cursor.0 - 1);
    let mut reader = device
        .common
        .api
        .changes(replica.space(), before)
        .await
        .unwrap();
    let page = reader.next_page().await.unwrap().unwrap();
    ChangeSet::decode(&page.entries.last().unwrap().change_set).unwrap()
}

fn opens(keys: &SpaceKeys, change_set: &ChangeSet) -> bool {
    let write = change_set.writes().next().unwrap();
    let Operation::Create(create) = write.operation else {
        panic!("no create")
    };
    let name = write.parts.name.unwrap().bytes.unwrap();
    open_field(keys, create.node, Field::Name, create.place_version, name).is_ok()
}

#[tokio::test]
async fn who_joins_reads_what_was_written_before() {
    let rig = start().await;
    let (ann, bob) = (rig.account("ann").await, rig.account("bob").await);
    for sealed in [false, true] {
        let hers = space(&ann, sealed).await;
        put(&hers, "before", b"old".to_vec()).await.unwrap();
        let _ = hers.renew_keys().await.unwrap();
        put(&hers, "later", b"newer".to_vec()).await.unwrap();
        let (_, outcome) = hers.share(bob.keys.account, Role::Viewer).await.unwrap();
        assert_eq!(outcome, Shared::Invited);
        put(&hers, "after", b"newest".to_vec()).await.unwrap();
        let his = follow(&bob, hers.space()).await;
        let listed = names(&list(&bob, &his, NodeId::ROOT));
        assert_eq!(listed, ["after", "before", "later"], "sealed: {sealed}");
        assert_eq!(his.digest().await, hers.digest().await);
        assert_eq!(his.standing().unwrap().role, Some(Role::Viewer));
        assert_eq!(his.standing().unwrap().open, !sealed);
    }
}

#[tokio::test]
async fn e7_who_is_sent_away_opens_nothing_that_is_written_later() {
    let rig = start().await;
    let (ann, bob) = (rig.account("ann").await, rig.account("bob").await);
    let hers = space(&ann, true).await;
    let _ = hers.share(bob.keys.account, Role::Editor).await.unwrap();
    let his = follow(&bob, hers.space()).await;
    put(&his, "of bob", b"1".to_vec()).await.unwrap();
    let stolen = his.transfer().await.unwrap().keys;
    let _ = hers.catch_up().await.unwrap();
    assert!(opens(&stolen, &last(&ann, &hers).await));

    let (_, was) = hers.remove_member(bob.keys.account).await.unwrap();
    assert!(was);
    put(&hers, "after", b"2".to_vec()).await.unwrap();
    let written = last(&ann, &hers).await;
    let kept = hers.transfer().await.unwrap().keys;
    assert!(opens(&kept, &written) && !opens(&stolen, &written));
    assert!(
        his.catch_up().await.is_err(),
        "the server gives him nothing more"
    );
    let (_, again) = hers.remove_member(bob.keys.account).await.unwrap();
    assert!(!again);
    // Asked in once more, he reads what was written meanwhile.
    let _ = hers.share(bob.keys.account, Role::Viewer).await.unwrap();
    let _ = his.catch_up().await.unwrap();
    assert_eq!(names(&list(&bob, &his, NodeId::ROOT)), ["after", "of bob"]);
}

#[tokio::test]
async fn e7_when_a_member_leaves_an_owner_renews_the_key() {
    let rig = start().await;
    let (ann, bob) = (rig.account("ann").await, rig.account("bob").await);
    let hers = space(&ann, false).await;
    let _ = hers.share(bob.keys.account, Role::Editor).await.unwrap();
    let his = follow(&bob, hers.space()).await;
    let stolen = his.transfer().await.unwrap().keys;
    let _ = his.leave().await.unwrap();
    assert_eq!(his.standing().unwrap().role, None);
    let _ = hers.catch_up().await.unwrap();
    assert!(hers.keys_are_due().unwrap());
    let _ = hers.renew_keys_if_due().await.unwrap();
    assert!(!hers.keys_are_due().unwrap());
    put(&hers, "after", b"2".to_vec()).await.unwrap();
    assert!(!opens(&stolen, &last(&ann, &hers).await));
}

#[tokio::test]
async fn an_invitation_wraps_one_key_whatever_the_space_holds() {
    let rig = start().await;
    let (ann, bob) = (rig.account("ann").await, rig.account("bob").await);
    let hers = space(&ann, false).await;
    for n in 0..50 {
        put(&hers, &format!("file {n}"), vec![n; 100])
            .await
            .unwrap();
    }
    let _ = hers.share(bob.keys.account, Role::Editor).await.unwrap();
    let invited = last(&ann, &hers).await;
    assert_eq!(invited.operations().len(), 1);
    assert!(
        invited.encoded().len() < 2000,
        "{}",
        invited.encoded().len()
    );
    // Another role wraps none.
    let (_, outcome) = hers.share(bob.keys.account, Role::Viewer).await.unwrap();
    assert_eq!(outcome, Shared::Changed);
    assert!(last(&ann, &hers).await.encoded().len() < 600);
}
