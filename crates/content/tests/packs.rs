//! Packs: what goes in comes out, and nothing else passes.

mod samples;

use hythe_content::{Field, SealedChunk};
use hythe_content::{
    MAX_PACK_BYTES, Object, PACK_TARGET_BYTES, PackBuilder, PackError, Scratch, name_chunk,
    open_chunk, read_pack, seal_field, store_body,
};
use hythe_model::{Body, NodeId, VersionId};
use samples::{keys, long_layout, numbers, random, sealed, text};

fn pack_of(chunks: &[SealedChunk]) -> Vec<u8> {
    let mut pack = PackBuilder::new();
    chunks.iter().for_each(|chunk| pack.push(chunk));
    pack.finish()
}

fn small_pack() -> Vec<u8> {
    pack_of(&[
        sealed(&keys(), b"one"),
        sealed(&keys(), &text(1, 300)),
        sealed(&keys(), b"three"),
    ])
}

#[test]
fn chunks_and_nodes_come_out_as_they_went_in() {
    let (keys, mut scratch) = (keys(), Scratch::new());
    let plains = [random(1, 5000), text(2, 9000), vec![1]];
    let body = store_body(&keys, &Body::File(long_layout(1500))).expect("sound");
    let mut pack = PackBuilder::new();
    let mut chunks = vec![sealed(&keys, &plains[0]).chunk];
    pack.push(&sealed(&keys, &plains[0]));
    for plain in &plains[1..] {
        chunks.push(
            pack.seal(&name_chunk(&keys, plain), plain, &mut scratch)
                .expect("a chunk"),
        );
    }
    body.nodes.iter().for_each(|node| pack.push_node(node));
    let noted = pack.entries().to_vec();
    let bytes = pack.finish();
    let entries = read_pack(&bytes).expect("its own pack");
    assert_eq!(entries, noted);
    for ((chunk, plain), entry) in chunks.iter().zip(&plains).zip(&entries) {
        assert_eq!((entry.id, &entry.object), (chunk.id, &Object::Chunk));
        let opened = open_chunk(chunk, &bytes[entry.range()], &mut scratch);
        assert_eq!(opened.as_ref(), Ok(plain));
    }
    for (node, entry) in body.nodes.iter().zip(&entries[3..]) {
        assert_eq!(
            (entry.id, entry.object.refs()),
            (node.node.id, &node.refs[..])
        );
        assert_eq!(bytes[entry.range()], node.bytes);
    }
    assert_eq!(entries.len(), 3 + body.nodes.len());
}

#[test]
fn objects_can_be_packed_again_without_a_key() {
    let bytes = small_pack();
    let mut again = PackBuilder::new();
    for entry in read_pack(&bytes).expect("a pack") {
        again
            .push_sealed(entry.id, &bytes[entry.range()])
            .expect("an object");
    }
    assert_eq!(again.finish(), bytes);
    let field = seal_field(
        &keys(),
        NodeId([1; 16]),
        Field::Name,
        VersionId([2; 16]),
        b"name",
    );
    assert!(
        PackBuilder::new()
            .push_sealed(sealed(&keys(), b"x").chunk.id, &field)
            .is_err()
    );
}

#[test]
fn an_empty_pack_is_a_pack() {
    assert!(PackBuilder::new().is_empty());
    assert_eq!(read_pack(&PackBuilder::new().finish()).expect("a pack"), []);
}

#[test]
fn a_pack_fills_up_to_its_target_and_one_large_chunk_still_fits() {
    let chunk = sealed(&keys(), &random(3, 1 << 20));
    let mut pack = PackBuilder::new();
    let mut count = 0;
    while pack.has_room(chunk.bytes.len()) {
        pack.push(&chunk);
        count += 1;
    }
    assert_eq!(count, 7);
    assert!(pack.finish().len() <= PACK_TARGET_BYTES);
    let largest = sealed(&keys(), &random(4, 16 << 20));
    assert!(PackBuilder::new().has_room(largest.bytes.len()));
    let bytes = pack_of(&[largest]);
    assert!(bytes.len() <= MAX_PACK_BYTES && read_pack(&bytes).is_ok());
    let tiny = sealed(&keys(), b"tiny");
    let mut pack = PackBuilder::new();
    while pack.has_room(tiny.bytes.len()) {
        pack.push(&tiny);
    }
    assert_eq!(pack.entries().len(), 8192);
    assert!(read_pack(&pack.finish()).is_ok());
}

#[test]
fn a5_every_flipped_byte_of_a_pack_is_found() {
    let pack = small_pack();
    for place in 0..pack.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = pack.clone();
            bytes[place] ^= flip;
            assert!(read_pack(&bytes).is_err(), "byte {place} with {flip:#x}");
        }
    }
}

#[test]
fn a6_truncated_extended_and_spliced_packs_are_refused() {
    let (pack, other) = (small_pack(), pack_of(&[sealed(&keys(), b"another")]));
    for length in 0..pack.len() {
        assert!(read_pack(&pack[..length]).is_err(), "truncated to {length}");
        assert!(
            read_pack(&pack[length + 1..]).is_err(),
            "without its first {}",
            length + 1
        );
    }
    for extra in [&b"\0"[..], b"HYPK\x01", &pack, &other] {
        assert!(read_pack(&[&pack[..], extra].concat()).is_err());
        assert!(read_pack(&[extra, &pack[..]].concat()).is_err());
    }
    for (a, b) in numbers(5).zip(numbers(6)).take(500) {
        let spliced = [&pack[..a % pack.len()], &other[b % other.len()..]].concat();
        assert!(spliced == pack || read_pack(&spliced).is_err());
    }
}

#[test]
fn a_pack_over_the_limit_is_refused_unread() {
    let large = vec![0; MAX_PACK_BYTES + 1];
    assert!(matches!(read_pack(&large), Err(PackError::TooLarge)));
}

/// A pack with a sound trailer around any index.
fn pack_with(objects: &[u8], index: &[u8]) -> Vec<u8> {
    let header = b"HYPK\x01";
    let hash = blake3::hash(&[header, index].concat());
    let length = (index.len() as u32).to_be_bytes();
    [header, objects, index, &length, hash.as_bytes()].concat()
}

#[test]
fn hostile_indexes_are_refused() {
    let chunk = sealed(&keys(), b"one");
    let entry = |length: u32| {
        let mut bytes = vec![0x83];
        bytes.extend(minicbor::to_vec(chunk.chunk.id).expect("an id"));
        bytes.extend(minicbor::to_vec(chunk.chunk.seal).expect("a hash"));
        bytes.extend(minicbor::to_vec(length).expect("a number"));
        bytes
    };
    let length = chunk.bytes.len() as u32;
    let index = |count: u8, entries: &[Vec<u8>]| [vec![0x80 | count], entries.concat()].concat();
    let sound = pack_with(&chunk.bytes, &index(1, &[entry(length)]));
    assert_eq!(sound, pack_of(std::slice::from_ref(&chunk)));
    let huge_count = [&[0x9b], &u64::MAX.to_be_bytes()[..], &entry(length)].concat();
    let indefinite = [&[0x9f][..], &entry(length), &[0xff]].concat();
    let long_count = [&[0x98, 1][..], &entry(length)].concat();
    for bad in [
        long_count,
        index(0, &[]),
        index(1, &[entry(length - 1)]),
        index(1, &[entry(length + 1)]),
        index(1, &[entry(u32::MAX)]),
        index(2, &[entry(length), entry(length)]),
        index(2, &[entry(length)]),
        index(1, &[entry(length), vec![0]]),
        huge_count,
        indefinite,
        Vec::new(),
    ] {
        assert!(
            read_pack(&pack_with(&chunk.bytes, &bad)).is_err(),
            "{bad:02x?}"
        );
    }
}
