//! Every decoder on thousands of damaged inputs: none may panic, take memory it was not given a
//! reason for, or accept sealed bytes that were changed. The damage is the same on every run; the
//! fuzz targets of `fuzz/` look further.

mod samples;

use hythe_content::{
    Field, PackBuilder, Purpose, Scratch, entries_in, field_refs, inspect, load_body, open_chunk,
    open_field, open_under, read_pack, seal_field, seal_hash, seal_under, store_body,
};
use hythe_model::{Body, ChunkRef, LayoutEntry, LinkTarget, NodeId, VersionId};
use samples::{keys, layout, long_layout, numbers, random, reference, sealed, secret, text};

const NODE: NodeId = NodeId([7; 16]);
const VERSION: VersionId = VersionId([8; 16]);
const PURPOSE: Purpose = Purpose::new("hythe 2026-11-22 content test: a purpose");
const ROUNDS: usize = 3000;

/// The original with one to three pieces of damage; `donor` is what splices come from.
fn damaged(original: &[u8], donor: &[u8], numbers: &mut impl Iterator<Item = usize>) -> Vec<u8> {
    let mut next = || numbers.next().unwrap_or(0);
    let mut bytes = original.to_vec();
    for _ in 0..next() % 3 + 1 {
        let place = next() % (bytes.len() + 1);
        let end = bytes.len().min(place + next() % 9);
        match next() % 7 {
            0 if place < bytes.len() => bytes[place] ^= 1 << (next() % 8),
            1 => bytes[place..end].fill([0, 0x7f, 0x80, 0xff][next() % 4]),
            2 => bytes.truncate(place),
            3 => drop(bytes.splice(place..place, random(next() as u64, next() % 40))),
            4 => drop(bytes.drain(place..end)),
            // Heads of CBOR items with huge lengths.
            5 => {
                let head = [0x1b, 0x3b, 0x5b, 0x7b, 0x9b, 0xbb, 0x9f, 0x5f][next() % 8];
                let length = (u64::MAX >> (next() % 64)).to_be_bytes();
                bytes.splice(place..end, [&[head], &length[..]].concat());
            }
            _ => {
                let from = next() % (donor.len() + 1);
                let to = donor.len().min(from + next() % 200);
                bytes.splice(place..end, donor[from..to].to_vec());
            }
        }
    }
    bytes
}

/// Feeds damaged forms of some originals to a decoder.
fn feed(seed: u64, originals: &[Vec<u8>], mut decoder: impl FnMut(usize, &[u8])) {
    let mut numbers = numbers(seed);
    for round in 0..ROUNDS {
        let which = round % originals.len();
        let donor = &originals[(round / 7) % originals.len()];
        let bytes = damaged(&originals[which], donor, &mut numbers);
        if bytes != originals[which] {
            decoder(which, &bytes);
        }
    }
}

fn renamed(chunk: &ChunkRef, bytes: &[u8]) -> ChunkRef {
    ChunkRef {
        sealed_length: bytes.len() as u32,
        seal: seal_hash(bytes),
        ..chunk.clone()
    }
}

#[test]
fn sealed_objects() {
    let keys = keys();
    let chunks = [
        sealed(&keys, &random(1, 200)),
        sealed(&keys, &text(2, 2000)),
    ];
    let field = seal_field(&keys, NODE, Field::Name, VERSION, b"a name");
    let wrapped = seal_under(&secret(1), PURPOSE, b"", &[5; 32]);
    let [one, two] = chunks.each_ref().map(|chunk| chunk.bytes.clone());
    let mut scratch = Scratch::new();
    feed(1, &[one, two, field, wrapped], |which, bytes| {
        let chunk = renamed(&chunks[which % 2].chunk, bytes);
        assert!(which > 1 || open_chunk(&chunk, bytes, &mut scratch).is_err());
        let opened = open_field(&keys, NODE, Field::Name, VERSION, bytes);
        assert!(which != 2 || opened.is_err());
        assert!(which != 3 || open_under(&secret(1), PURPOSE, b"", bytes).is_err());
        let _ = inspect(bytes);
    });
}

#[test]
fn packs() {
    let mut pack = PackBuilder::new();
    for plain in [random(1, 100), text(2, 900)] {
        pack.push(&sealed(&keys(), &plain));
    }
    let nodes = store_body(&keys(), &Body::File(long_layout(1100)))
        .expect("sound")
        .nodes;
    let mut with_node = PackBuilder::new();
    with_node.push_node(nodes.last().expect("a root"));
    feed(2, &[pack.finish(), with_node.finish()], |_, bytes| {
        assert!(read_pack(bytes).is_err())
    });
}

#[test]
fn nodes() {
    let body = store_body(&keys(), &Body::File(long_layout(1100))).expect("sound");
    let originals: Vec<Vec<u8>> = body.nodes.iter().map(|node| node.bytes.clone()).collect();
    feed(3, &originals, |which, bytes| {
        let mut fetch = |node: &ChunkRef| {
            let at = body
                .nodes
                .iter()
                .position(|n| n.node.id == node.id)
                .ok_or(())?;
            Ok::<_, ()>(if at == which {
                bytes.to_vec()
            } else {
                originals[at].clone()
            })
        };
        assert!(load_body(&body.field, &mut fetch).is_err());
        let _ = inspect(bytes);
    });
}

/// A body field is not sealed here, so damage may leave it a body: then it is another body, which
/// is written back as it was read.
#[test]
fn body_fields() {
    let flat = layout(vec![
        LayoutEntry::Chunk(reference(1, 70_000)),
        LayoutEntry::Hole(9),
        LayoutEntry::Chunk(reference(2, 1)),
    ]);
    let link = LinkTarget::new(*b"../haven").expect("a link text");
    let bodies = [
        Body::File(flat),
        Body::Link(link),
        Body::File(long_layout(1100)),
    ];
    let fields = bodies.map(|body| store_body(&keys(), &body).expect("sound").field);
    let mut read = 0;
    feed(4, &fields, |_, bytes| {
        let mut fetch = |_: &ChunkRef| Err(());
        let loaded = load_body(bytes, &mut fetch);
        let _ = entries_in(bytes, 0..u64::MAX, &mut fetch);
        if let Ok(body) = loaded {
            let again = store_body(&keys(), &body)
                .expect("what was read can be written")
                .field;
            assert!(load_body(&again, &mut fetch).is_ok_and(|loaded| loaded == body));
            assert_eq!(field_refs(bytes).ok(), field_refs(&again).ok());
            read += 1;
        }
    });
    assert!(read > 0, "some damage only changes an id");
}
