//! What the server sees of lengths in a sealed space (A31, E1).

use std::collections::BTreeSet;

use hythe_client::commit::found_space;
use hythe_client::replica::Replica;
use hythe_client::transfer::Transfer;
use hythe_content::{CHUNK_OVERHEAD, SEALED_OVERHEAD};
use hythe_model::{Cursor, NodeId, SpaceName};
use hythe_space::{ChangeSet, Operation};

use crate::rig::{Device, find, list, put, start};

async fn made(device: &Device, sealed: bool) -> Replica {
    let name = SpaceName::new("photos").unwrap();
    let space = found_space(&device.common, &name, sealed, None)
        .await
        .unwrap();
    let replica = Replica::open(device.common.clone(), space).await.unwrap();
    let _ = replica.catch_up().await.unwrap();
    replica
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// What the server sees of a new file: the lengths of its sealed parts, and of its chunks.
async fn shape(device: &Device, replica: &Replica, called: &str, length: usize) -> [u64; 4] {
    put(replica, called, noise(length)).await.unwrap();
    let before = Cursor(replica.head().await.cursor.0 - 1);
    let changes = device.common.api.changes(replica.space(), before).await;
    let page = changes.unwrap().next_page().await.unwrap().unwrap();
    let written = ChangeSet::decode(&page.entries.last().unwrap().change_set).unwrap();
    let write = written.writes().next().unwrap();
    let Operation::Create(create) = write.operation else {
        panic!("no create")
    };
    let parts = [write.parts.name, write.parts.attributes, write.parts.body];
    let [name, attributes, body] = parts.map(|part| part.unwrap().bytes.unwrap().len() as u64);
    [name, attributes, body, create.body.as_ref().unwrap().size]
}

#[tokio::test]
async fn a31_e1_names_and_contents_of_about_one_length_look_alike_in_a_sealed_space() {
    let rig = start().await;
    let ann = rig.account("ann").await;
    let files = [
        ("a", 1000),
        ("a longer name", 1009),
        ("a name as long as fits, 31 byte", 1020),
    ];
    for sealed in [false, true] {
        let replica = made(&ann, sealed).await;
        let mut shapes = BTreeSet::new();
        for (name, length) in files {
            shapes.insert(shape(&ann, &replica, name, length).await);
        }
        assert_eq!(shapes.len(), if sealed { 1 } else { 3 }, "{shapes:?}");
        let [name, _, _, content] = *shapes.first().unwrap();
        if sealed {
            assert_eq!((name, content), (SEALED_OVERHEAD as u64 + 32, 1088));
        } else {
            let overhead = CHUNK_OVERHEAD as u64;
            assert_eq!(
                (name, content),
                (SEALED_OVERHEAD as u64 + 1, 1000 + overhead)
            );
        }
        // It opens, here and on a device that comes new.
        let second = ann.add().await;
        let there = Replica::open(second.common.clone(), replica.space())
            .await
            .unwrap();
        let _ = there.catch_up().await.unwrap();
        assert_eq!(list(&second, &there, NodeId::ROOT).len(), files.len());
        let node = find(&second, &there, "a");
        assert_eq!(node.size, 1000);
        let _: Transfer = there.transfer().await.unwrap();
    }
}
