//! How a new device of a sealed space begins.

use hythe_client::commit::{Edit, found_space};
use hythe_client::replica::Replica;
use hythe_model::{NodeId, NodeKind, SpaceName};
use hythe_space::limits::CHECKPOINT_INTERVAL;

use crate::rig::{create, list, put, start};

fn directory(n: u64) -> Vec<Edit> {
    let name = format!("directory {n}");
    vec![create(NodeId::ROOT, &name, NodeKind::Directory, None)]
}

#[tokio::test]
async fn a15_a_new_device_of_a_sealed_space_begins_at_its_own_accounts_word() {
    let rig = start().await;
    let ann = rig.account("ann").await;
    let name = SpaceName::new("diary").unwrap();
    let space = found_space(&ann.common, &name, true, None).await.unwrap();
    let hers = Replica::open(ann.common.clone(), space).await.unwrap();
    let _ = hers.catch_up().await.unwrap();
    for n in 0..=CHECKPOINT_INTERVAL {
        hers.commit(directory(n), Vec::new()).await.unwrap();
    }
    // The server's word counts for nothing in a sealed space: the log is read from its beginning.
    let second = ann.add().await;
    let there = Replica::open(second.common.clone(), space).await.unwrap();
    assert!(!there.catch_up().await.unwrap().anew);
    assert_eq!(there.digest().await, hers.digest().await);

    hers.vouch().await;
    let third = ann.add().await;
    let there = Replica::open(third.common.clone(), space).await.unwrap();
    assert!(
        there.catch_up().await.unwrap().anew,
        "the snapshot was used"
    );
    assert_eq!(there.digest().await, hers.digest().await);
    assert_eq!(
        list(&third, &there, NodeId::ROOT),
        list(&ann, &hers, NodeId::ROOT)
    );
    put(&there, "written by it", b"x".to_vec()).await.unwrap();
    let _ = hers.catch_up().await.unwrap();
    assert_eq!(there.digest().await, hers.digest().await);

    // Nobody else's word counts: who was let in reads all of it.
    let bob = rig.account("bob").await;
    let role = hythe_model::Role::Viewer;
    let _ = hers.share(bob.keys.account, role).await.unwrap();
    hers.vouch().await;
    let his = Replica::open(bob.common.clone(), space).await.unwrap();
    assert!(!his.catch_up().await.unwrap().anew);
    assert_eq!(his.digest().await, hers.digest().await);
}
