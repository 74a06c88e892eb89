//! Bytes that every version of Hythe has to write and read as they are in `tests/golden/`.
//!
//! `HYTHE_BLESS=1` writes the files anew: only for a new suite, never to make a test pass. What
//! zstd makes of a chunk is not part of the format, so that file is only ever read.

#![allow(clippy::disallowed_methods, reason = "golden files are files")]

mod samples;

use std::fmt::Write;
use std::path::PathBuf;

use hythe_content::{EpochSecret, name_chunk};
use hythe_content::{
    Field, PackBuilder, Purpose, Scratch, SealedChunk, SpaceKeys, StoredBody, TagKey, load_body,
    open_chunk, open_field, open_under, read_pack, seal_field, seal_under, store_body,
};
use hythe_model::{
    Body, ChunkRef, Chunker, ContentHash, EntryName, Layout, LayoutEntry, LinkTarget, NodeId,
    VersionId,
};
use samples::{CLASS, SMALL, SPACE, keys, layout, random, reference, sealed, secret, text};

const NODE: NodeId = NodeId([7; 16]);
const VERSION: VersionId = VersionId([8; 16]);
const PURPOSE: Purpose = Purpose::new("hythe 2026-11-22 content test: a purpose");

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn blessing() -> bool {
    std::env::var_os("HYTHE_BLESS").is_some()
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect(name)
}

/// Compares bytes with a golden file.
fn golden(name: &str, bytes: &[u8]) {
    if blessing() {
        std::fs::write(path(name), bytes).expect("the golden folder is writable");
    }
    assert!(
        read(name) == bytes,
        "{name} is not what this version writes"
    );
}

#[test]
fn cuts() {
    let mut lines = String::new();
    for (chunker, class) in [
        (Chunker::Keyed, SMALL),
        (Chunker::Keyed, CLASS),
        (Chunker::Fixed, CLASS),
    ] {
        for (what, data) in [("random", random(1, 1 << 20)), ("text", text(2, 1 << 20))] {
            let ends = keys().cutter(chunker, class).split(&data);
            writeln!(lines, "{chunker:?} {} {what} {ends:?}", class.0).expect("a String");
        }
    }
    golden("cuts.txt", lines.as_bytes());
}

#[test]
fn names_and_tags() {
    let mut lines = String::new();
    for plain in [&b"x"[..], &random(3, 5000), &text(4, 5000)] {
        let name = name_chunk(&keys(), plain);
        let key = blake3::Hash::from(*name.key.expose());
        writeln!(lines, "chunk {} key {key}", name.id).expect("a String");
    }
    let tags = TagKey::derive(&SPACE, &EpochSecret::new(secret(1)));
    for name in ["a", "A", "haven.txt"] {
        let tag = tags.tag(NODE, &EntryName::new(name).expect("a name"));
        writeln!(lines, "tag {name} {tag}").expect("a String");
    }
    golden("names.txt", lines.as_bytes());
}

/// A compressed chunk, as this run sealed it or as the golden file has it.
fn compressed_chunk(keys: &SpaceKeys, plain: &[u8]) -> SealedChunk {
    let chunk = sealed(keys, plain);
    if blessing() {
        std::fs::write(path("chunk-zstd.bin"), &chunk.bytes).expect("writable");
    }
    let bytes = read("chunk-zstd.bin");
    let sealed_length = bytes.len() as u32;
    let seal = hythe_content::seal_hash(&bytes);
    SealedChunk {
        chunk: ChunkRef {
            sealed_length,
            seal,
            ..chunk.chunk
        },
        bytes,
    }
}

#[test]
fn chunks() {
    let (plain, compressible) = (random(5, 300), text(6, 3000));
    let chunk = sealed(&keys(), &plain);
    golden("chunk-plain.bin", &chunk.bytes);
    assert_eq!(
        open_chunk(&chunk.chunk, &chunk.bytes, &mut Scratch::new()),
        Ok(plain)
    );
    let chunk = compressed_chunk(&keys(), &compressible);
    assert!(chunk.bytes.len() < 2000);
    assert_eq!(
        open_chunk(&chunk.chunk, &chunk.bytes, &mut Scratch::new()),
        Ok(compressible)
    );
}

#[test]
fn fields_and_wrapped_secrets() {
    for (name, field) in [
        ("field-name.bin", Field::Name),
        ("field-attributes.bin", Field::Attributes),
        ("field-body.bin", Field::Body),
    ] {
        golden(
            name,
            &seal_field(&keys(), NODE, field, VERSION, b"plaintext"),
        );
        let opened = open_field(&keys(), NODE, field, VERSION, &read(name));
        assert_eq!(opened, Ok(b"plaintext".to_vec()));
    }
    golden(
        "wrapped.bin",
        &seal_under(&secret(1), PURPOSE, b"which", &[5; 32]),
    );
    let opened = open_under(&secret(1), PURPOSE, b"which", &read("wrapped.bin"));
    assert_eq!(opened, Ok(vec![5; 32]));
}

/// A few chunks among more than a thousand holes: a tree with small leaves.
fn tree() -> Layout {
    let entry = |i: u64| match i % 40 {
        0 => LayoutEntry::Chunk(reference(i, 100_000)),
        _ => LayoutEntry::Hole(4096 + i),
    };
    layout((0..1100).map(entry).collect())
}

fn stored(name: &str, body: &Body) -> StoredBody {
    let stored = store_body(&keys(), body).expect("a sound body");
    golden(name, &stored.field);
    stored
}

#[test]
fn bodies() {
    let flat = Layout {
        hash: Some(ContentHash([9; 32])),
        ..layout(vec![
            LayoutEntry::Chunk(reference(1, 70_000)),
            LayoutEntry::Hole(1 << 33),
            LayoutEntry::Chunk(reference(2, 1)),
        ])
    };
    let link = LinkTarget::new(*b"../haven").expect("a link text");
    stored("body-empty.cbor", &Body::File(layout(vec![])));
    stored("body-flat.cbor", &Body::File(flat));
    stored("body-link.cbor", &Body::Link(link));

    let body = Body::File(tree());
    let stored = stored("body-tree.cbor", &body);
    let names: Vec<String> = (0..stored.nodes.len())
        .map(|i| format!("node-{i}.bin"))
        .collect();
    for (name, node) in names.iter().zip(&stored.nodes) {
        golden(name, &node.bytes);
    }
    let mut fetch = |node: &ChunkRef| {
        let at = stored
            .nodes
            .iter()
            .position(|n| n.node.id == node.id)
            .ok_or(())?;
        Ok(read(&names[at]))
    };
    let loaded = load_body::<()>(&read("body-tree.cbor"), &mut fetch);
    assert!(loaded.is_ok_and(|loaded| loaded == body));
}

#[test]
fn packs() {
    let mut pack = PackBuilder::new();
    pack.push(&sealed(&keys(), &random(5, 300)));
    pack.push(&compressed_chunk(&keys(), &text(6, 3000)));
    let nodes = store_body(&keys(), &Body::File(tree()))
        .expect("a sound body")
        .nodes;
    pack.push_node(nodes.last().expect("a root"));
    let entries = pack.entries().to_vec();
    golden("pack.bin", &pack.finish());
    assert_eq!(read_pack(&read("pack.bin")).expect("a pack"), entries);
}

/// What is sealed in a sealed space: filled up.
#[test]
fn a31_padded_chunks_and_fields() {
    let keys = keys().padded();
    let chunk = sealed(&keys, &random(5, 300));
    golden("chunk-plain-padded.bin", &chunk.bytes);
    assert_eq!(chunk.bytes.len(), 336, "filled up from 335");
    let opened = open_chunk(&chunk.chunk, &chunk.bytes, &mut Scratch::new());
    assert_eq!(opened, Ok(random(5, 300)));
    // Whoever has only a layout opens it, and so do keys that do not fill up.
    for (field, file, plain, length) in [
        (Field::Name, "field-name-padded.bin", &b"haven.txt"[..], 62),
        (
            Field::Attributes,
            "field-attributes-padded.bin",
            &[7; 20],
            62,
        ),
        (
            Field::Body,
            "field-body-padded.bin",
            &random(9, 300),
            30 + 304,
        ),
    ] {
        let bytes = seal_field(&keys, NODE, field, VERSION, plain);
        golden(file, &bytes);
        assert_eq!(bytes.len(), length, "{file}");
        for keys in [&keys, &samples::keys()] {
            let opened = open_field(keys, NODE, field, VERSION, &bytes);
            assert_eq!(opened.as_deref(), Ok(plain), "{file}");
        }
        let other = match field {
            Field::Name => Field::Attributes,
            _ => Field::Name,
        };
        assert!(open_field(&keys, NODE, other, VERSION, &bytes).is_err());
    }
}

/// What was written before there was padding opens with keys that fill up.
#[test]
fn what_is_not_padded_opens_in_a_sealed_space_too() {
    let keys = keys().padded();
    let bytes = read("field-name.bin");
    let plain = open_field(&samples::keys(), NODE, Field::Name, VERSION, &bytes);
    assert_eq!(open_field(&keys, NODE, Field::Name, VERSION, &bytes), plain);
    assert!(plain.is_ok());
}
