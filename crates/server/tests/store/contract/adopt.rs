//! Chunks that a space takes over from the space it was made of.

use bytes::Bytes;
use futures::StreamExt;
use hythe_content::PackBuilder;
use hythe_model::{ChunkId, NodeId, SpaceId};
use hythe_server::files::{Denied, FilesError, ReadChunk};
use hythe_space::Draft;
use hythe_wire::chunk::ObjectName;

use super::chunks::tree_of;
use super::quotas::{second_space, used};
use crate::person::{Person, attached, name_of};
use crate::world::World;

async fn adopt(world: &World, ann: &Person, to: SpaceId, ids: &[ChunkId]) -> Vec<u32> {
    let files = &world.files;
    let adopted = files.adopt(&ann.principal, to, ann.space, ids).await;
    adopted.unwrap().missing
}

async fn sealed(world: &World, ann: &Person, space: SpaceId, names: &[ObjectName]) -> usize {
    let names = names.to_vec();
    let read = world.files.read_chunks(ann.principal.clone(), space, names);
    let read: Vec<_> = read.await.unwrap().map(Result::unwrap).collect().await;
    let is_sealed = |read: &&ReadChunk| matches!(read, ReadChunk::Sealed { .. });
    read.iter().filter(is_sealed).count()
}

pub async fn chunks_are_adopted_without_their_bytes(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let other = second_space(&world, &mut ann).await;
    let chunks: Vec<_> = (0..1100u32).map(|n| ann.chunk(&n.to_be_bytes())).collect();
    let tree = tree_of(&ann, &chunks);
    let mut builder = PackBuilder::new();
    chunks.iter().for_each(|chunk| builder.push(chunk));
    tree.nodes.iter().for_each(|node| builder.push_node(node));
    let pack = Bytes::from(builder.finish());
    let put = world.files.put_pack(&ann.principal, ann.space, pack, None);
    put.await.unwrap();
    let small = ann.chunk(b"small enough to wait in the database");
    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "small", vec![small.chunk.id]);
    ann.commit(&world, draft, vec![attached(&small)])
        .await
        .unwrap();
    let before = (used(&world, &ann).await, world.files.stats().await.unwrap());

    // The root of a tree stands for all of it.
    let unknown = ann.chunk(b"never stored").chunk.id;
    let asked = [tree.refs[0], unknown, small.chunk.id];
    assert_eq!(adopt(&world, &ann, other, &asked).await, [1]);
    assert_eq!(adopt(&world, &ann, other, &asked).await, [1], "C6");
    let names: Vec<ObjectName> = chunks.iter().chain([&small]).map(name_of).collect();
    assert_eq!(sealed(&world, &ann, other, &names).await, names.len());
    let after = world.files.stats().await.unwrap();
    assert_eq!(used(&world, &ann).await, before.0, "bytes count once");
    assert_eq!(after.packs, before.1.packs);
    // Each of the two small copies finds its own way into a pack.
    while world.files.drain_once().await.unwrap() > 0 {}
    for space in [ann.space, other] {
        assert_eq!(sealed(&world, &ann, space, &names).await, names.len());
    }
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn small_chunks_are_adopted_while_they_move_into_packs(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let other = second_space(&world, &mut ann).await;
    let mut names = Vec::new();
    for round in 0..20u32 {
        let chunks: Vec<_> = (0..30u32)
            .map(|n| ann.chunk(&(round * 100 + n).to_be_bytes()))
            .collect();
        let ids: Vec<ChunkId> = chunks.iter().map(|chunk| chunk.chunk.id).collect();
        let mut draft = Draft::new();
        ann.file(&mut draft, NodeId::ROOT, &format!("f{round}"), ids.clone());
        ann.commit(&world, draft, chunks.iter().map(attached).collect())
            .await
            .unwrap();
        names.extend(chunks.iter().map(name_of));
        let (missing, moved) =
            futures::join!(adopt(&world, &ann, other, &ids), world.files.drain_once());
        assert!(missing.is_empty());
        moved.unwrap();
    }
    while world.files.drain_once().await.unwrap() > 0 {}
    for space in [ann.space, other] {
        assert_eq!(sealed(&world, &ann, space, &names).await, names.len());
    }
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn r3_chunks_are_adopted_by_who_may_read_and_write_them(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let bob = Person::register(&world, "bob").await;
    let chunk = ann.chunk(b"Ann's own");
    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "f", vec![chunk.chunk.id]);
    ann.commit(&world, draft, vec![attached(&chunk)])
        .await
        .unwrap();
    for (to, from) in [(bob.space, ann.space), (ann.space, bob.space)] {
        let ids = [chunk.chunk.id];
        let refused = world.files.adopt(&bob.principal, to, from, &ids).await;
        assert!(
            matches!(refused, Err(FilesError::Denied(Denied::NotAMember))),
            "{refused:?}"
        );
    }
    assert_eq!(sealed(&world, &bob, bob.space, &[name_of(&chunk)]).await, 0);
}
