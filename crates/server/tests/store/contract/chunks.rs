//! Chunks: stored once, read verified, there before they are named.

use bytes::Bytes;
use futures::StreamExt;
use hythe_content::{PackBuilder, SealedChunk, StoredBody, store_body};
use hythe_model::{Body, ChunkClass, ChunkId, Chunker, Layout, LayoutEntry, NodeId, NodeKind};
use hythe_server::files::{Attached, FilesError, ReadChunk};
use hythe_space::Draft;
use hythe_wire::chunk::ObjectName;

use crate::person::{Person, attached, name_of};
use crate::world::World;

async fn read_all(world: &World, person: &Person, names: Vec<ObjectName>) -> Vec<ReadChunk> {
    let stream = world
        .files
        .read_chunks(person.principal.clone(), person.space, names)
        .await
        .unwrap();
    stream.map(Result::unwrap).collect().await
}

async fn missing(world: &World, person: &Person, names: &[ObjectName]) -> Vec<u32> {
    let files = &world.files;
    let missing = files.missing(&person.principal, person.space, names).await;
    missing.unwrap().indices
}

async fn put(world: &World, person: &Person, pack: impl Into<Bytes>) -> (u32, u32) {
    let files = &world.files;
    let put = files.put_pack(&person.principal, person.space, pack.into(), None);
    let stored = put.await.unwrap();
    (stored.stored, stored.known)
}

pub async fn chunks_are_stored_once(world: World) {
    let ann = Person::register(&world, "ann").await;
    let chunks: Vec<_> = (0..50).map(|n| ann.chunk(&[n; 1200])).collect();
    let names: Vec<ObjectName> = chunks.iter().map(name_of).collect();
    let all: Vec<u32> = (0..50).collect();
    assert_eq!(missing(&world, &ann, &names).await, all);

    let mut builder = PackBuilder::new();
    chunks[..30].iter().for_each(|chunk| builder.push(chunk));
    // Twice in one pack is still one chunk.
    builder.push(&chunks[0]);
    let pack = Bytes::from(builder.finish());
    assert_eq!(put(&world, &ann, pack.clone()).await, (30, 1));
    assert_eq!(put(&world, &ann, pack).await, (0, 31));
    let mut builder = PackBuilder::new();
    chunks[20..40].iter().for_each(|chunk| builder.push(chunk));
    assert_eq!(put(&world, &ann, builder.finish()).await, (10, 10));
    assert_eq!(missing(&world, &ann, &names).await, all[40..]);

    // Another sealed form of the same chunk is another object.
    let other_form = ObjectName {
        seal: names[1].seal,
        ..names[0]
    };
    assert_eq!(missing(&world, &ann, &[other_form]).await, [0]);
    let stats = world.files.stats().await.unwrap();
    let sum: usize = chunks[..40].iter().map(|chunk| chunk.bytes.len()).sum();
    assert_eq!((stats.stored_bytes, stats.packs), (sum as u64, 2));
}

pub async fn chunks_are_read_in_the_order_asked(world: World) {
    let ann = Person::register(&world, "ann").await;
    let chunks: Vec<_> = (0..50).map(|n| ann.chunk(&[n; 1200])).collect();
    for pack in [&chunks[..25], &chunks[25..40]] {
        let mut builder = PackBuilder::new();
        pack.iter().for_each(|chunk| builder.push(chunk));
        put(&world, &ann, builder.finish()).await;
    }
    let mut order: Vec<usize> = (0..45).rev().collect();
    order.extend([3, 3, 44, 7]);
    let asked = order.iter().map(|at| name_of(&chunks[*at])).collect();
    let read = read_all(&world, &ann, asked).await;
    assert_eq!(read.len(), order.len());
    for (index, (at, read)) in order.iter().zip(read).enumerate() {
        let index = index as u32;
        if *at < 40 {
            let bytes = chunks[*at].bytes.clone().into();
            assert_eq!(read, ReadChunk::Sealed { index, bytes });
        } else {
            assert_eq!(read, ReadChunk::Missing { index });
        }
    }
}

pub async fn a_commit_without_its_chunks_is_refused(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let (here, there) = (ann.chunk(b"attached"), ann.chunk(b"not sent"));
    let mut draft = Draft::new();
    ann.file(
        &mut draft,
        NodeId::ROOT,
        "f",
        vec![here.chunk.id, there.chunk.id],
    );
    let change_set = ann.sign(draft);
    match ann.send(&world, &change_set, vec![attached(&here)]).await {
        Err(FilesError::ChunksMissing(missing)) => assert_eq!(missing, [there.chunk.id]),
        other => panic!("{other:?}"),
    }
    // Refused whole: the chunk that was attached is not there either.
    let name = [name_of(&here)];
    let missing = world
        .files
        .missing(&ann.principal, ann.space, &name)
        .await
        .unwrap();
    assert_eq!(missing.indices, [0]);
    // SC-085: the very same commit goes through once everything is there.
    let both = vec![attached(&here), attached(&there)];
    ann.send(&world, &change_set, both).await.unwrap();
    ann.pull(&world).await;

    // What was damaged on its way is refused, named, and not stored.
    let chunk = ann.chunk(b"to be damaged");
    let mut damaged = attached(&chunk);
    let mut bytes = damaged.sealed.to_vec();
    bytes[20] ^= 1;
    damaged.sealed = bytes.into();
    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "g", vec![chunk.chunk.id]);
    let refused = ann.commit(&world, draft, vec![damaged]).await.unwrap_err();
    assert!(
        refused.to_string().contains(&chunk.chunk.id.to_string()),
        "{refused}"
    );
}

pub async fn small_chunks_move_into_packs_unnoticed(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let chunks: Vec<_> = (0..5u8).map(|n| ann.chunk(&[n; 1000])).collect();
    for (index, chunk) in chunks.iter().enumerate() {
        let mut draft = Draft::new();
        ann.file(
            &mut draft,
            NodeId::ROOT,
            &format!("f{index}"),
            vec![chunk.chunk.id],
        );
        ann.commit(&world, draft, vec![attached(chunk)])
            .await
            .unwrap();
    }
    let names: Vec<ObjectName> = chunks.iter().map(name_of).collect();
    let before = read_all(&world, &ann, names.clone()).await;
    assert_eq!(world.files.stats().await.unwrap().waiting_chunks, 5);
    assert_eq!(world.files.drain_once().await.unwrap(), 5);
    assert_eq!(world.files.drain_once().await.unwrap(), 0);
    let stats = world.files.stats().await.unwrap();
    assert_eq!((stats.waiting_chunks, stats.packs), (0, 1));
    assert_eq!(read_all(&world, &ann, names).await, before);
    let sealed = before
        .iter()
        .filter(|read| matches!(read, ReadChunk::Sealed { .. }))
        .count();
    assert_eq!(sealed, 5);

    // Above 64 KiB together they go straight into a pack.
    let mut noise = vec![0; 90_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    let large = ann.chunk(&noise);
    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "large", vec![large.chunk.id]);
    ann.commit(&world, draft, vec![attached(&large)])
        .await
        .unwrap();
    let stats = world.files.stats().await.unwrap();
    assert_eq!((stats.waiting_chunks, stats.packs), (0, 2));
    let read = read_all(&world, &ann, vec![name_of(&large)]).await;
    assert_eq!(
        read,
        [ReadChunk::Sealed {
            index: 0,
            bytes: large.bytes.into()
        }]
    );
    assert!(world.files.check().await.unwrap().is_clean());
}

/// The layout tree of a file with these chunks.
pub fn tree_of(ann: &Person, chunks: &[SealedChunk]) -> StoredBody {
    let entries: Vec<LayoutEntry> = chunks
        .iter()
        .map(|chunk| LayoutEntry::Chunk(chunk.chunk.clone()))
        .collect();
    let layout = Layout {
        size: entries.iter().map(LayoutEntry::length).sum(),
        chunker: Chunker::Keyed,
        class: ChunkClass(18),
        hash: None,
        entries: entries.into(),
    };
    let stored = store_body(&ann.space_keys, &Body::File(layout)).unwrap();
    assert!(stored.tree && stored.nodes.len() > 2);
    stored
}

fn file_with_tree(ann: &mut Person, name: &str, root: ChunkId) -> Draft {
    let mut draft = Draft::new();
    let body = Some(ann.body(vec![root], true));
    ann.create(&mut draft, NodeId::ROOT, name, NodeKind::File, body);
    draft
}

pub async fn trees_are_shown_complete_before_they_are_named(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let chunks: Vec<_> = (0..1500u32)
        .map(|n| ann.chunk(&n.to_be_bytes().repeat(8)))
        .collect();
    let (last, others) = chunks.split_last().unwrap();
    let tree = tree_of(&ann, &chunks);
    let root = tree.refs[0];

    // Layout nodes first, from the root down, and all chunks but one: the worst order there is.
    let mut builder = PackBuilder::new();
    let nodes = tree.nodes.iter().rev();
    nodes.for_each(|node| builder.push_node(node));
    others.iter().for_each(|chunk| builder.push(chunk));
    put(&world, &ann, builder.finish()).await;
    let draft = file_with_tree(&mut ann, "huge", root);
    let change_set = ann.sign(draft);
    match ann.send(&world, &change_set, vec![]).await {
        Err(FilesError::ChunksMissing(missing)) => {
            assert!(missing.contains(&last.chunk.id), "{missing:?}");
        }
        other => panic!("{other:?}"),
    }
    // The missing chunk comes with the commit itself.
    let sent = ann.send(&world, &change_set, vec![attached(last)]).await;
    sent.unwrap();
    ann.pull(&world).await;
    // The next commit of the same tree needs nothing more.
    let draft = file_with_tree(&mut ann, "again", root);
    ann.commit(&world, draft, vec![]).await.unwrap();
    // A plain chunk is no root.
    let draft = file_with_tree(&mut ann, "no tree", last.chunk.id);
    let refused = ann.commit(&world, draft, vec![]).await;
    assert!(matches!(refused, Err(FilesError::ChunksMissing(_))));
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn a_small_tree_comes_with_its_commit(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let chunks: Vec<_> = (0..1100u32).map(|n| ann.chunk(&n.to_be_bytes())).collect();
    let tree = tree_of(&ann, &chunks);
    let mut builder = PackBuilder::new();
    chunks.iter().for_each(|chunk| builder.push(chunk));
    put(&world, &ann, builder.finish()).await;
    let nodes = tree.nodes.iter().map(|node| Attached {
        id: node.node.id,
        seal: node.node.seal,
        sealed: node.bytes.clone().into(),
    });
    let mut nodes: Vec<Attached> = nodes.collect();
    let draft = file_with_tree(&mut ann, "tree", tree.refs[0]);
    let change_set = ann.sign(draft);
    let leaf = nodes.remove(0);
    match ann.send(&world, &change_set, nodes.clone()).await {
        Err(FilesError::ChunksMissing(missing)) => assert!(missing.contains(&leaf.id)),
        other => panic!("{other:?}"),
    }
    nodes.push(leaf);
    ann.send(&world, &change_set, nodes).await.unwrap();
    assert!(world.files.check().await.unwrap().is_clean());
}
