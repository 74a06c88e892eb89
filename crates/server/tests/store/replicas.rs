//! Two servers over one PostgreSQL: what one does, the other knows at once.

use std::time::Duration;

use hythe_model::NodeId;
use hythe_server::files::{Denied, Files, FilesError};
use hythe_server::notify::Notice;
use hythe_space::{Draft, flow};
use tokio::time::timeout;

use crate::person::{Person, client_now_ms};
use crate::world::World;

/// What a lost right or a removed device may take to end everywhere (D6).
const SOON: Duration = Duration::from_secs(5);

/// A second replica: the same database and master key, a folder of its own.
pub async fn replica_of(world: &World) -> Files {
    let mut options = world.options.clone();
    options.data = world.beside("replica");
    options.key_file = Some(world.options.data.join("keys/master"));
    options.witness = None;
    Files::open(options).await.unwrap()
}

pub async fn replicas_hear_of_each_other(world: World) {
    let other = replica_of(&world).await;
    assert_eq!(
        (other.account(), other.epoch()),
        (world.files.account(), world.files.epoch())
    );
    let mut ann = Person::register(&world, "ann").await;
    let second = ann.second_device(&world).await;
    let elsewhere = other.authenticate(&second.token, None).await.unwrap();

    let mut heard = other.subscribe();
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    let committed = ann.commit(&world, draft, vec![]).await.unwrap();
    timeout(SOON, async {
        loop {
            match heard.recv().await.unwrap() {
                Notice::Changed { head, .. } if head == committed.head => break,
                _ => {}
            }
        }
    })
    .await
    .unwrap();
    let standing = other
        .standing(&elsewhere, ann.space, committed.head)
        .await
        .unwrap();
    assert_eq!((standing.agrees, standing.digest), (true, committed.digest));

    // SC-151: removed here, cut off there, although it was let in before.
    let device = second.key.device_id();
    let remove = flow::remove_device(
        &ann.account,
        &ann.key,
        &ann.keys,
        device,
        client_now_ms(),
        &mut ann.entropy,
    );
    ann.append(&world, &remove.unwrap(), None).await.unwrap();
    timeout(SOON, async {
        loop {
            match heard.recv().await.unwrap() {
                Notice::DeviceRemoved { device: gone, .. } if gone == device => break,
                _ => {}
            }
        }
    })
    .await
    .unwrap();
    assert!(other.still_valid(&elsewhere).await.is_err());
    let refused = other.authenticate(&second.token, None).await;
    assert!(matches!(
        refused,
        Err(FilesError::Denied(Denied::DeviceRemoved))
    ));
    other.close().await;
}
