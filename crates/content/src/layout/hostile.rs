//! What a member who holds the keys could write, and what its readers do with it.

use std::convert::Infallible;
use std::sync::Arc;

use hythe_model::{
    Body, ChunkClass, ChunkRef, Chunker, KeyEpoch, Layout, LayoutEntry, Secret32, SpaceId,
};

use super::body::{MAX_HEIGHT, MAX_LAYOUT_ENTRIES, Stored, Tree};
use super::entry::Child;
use super::node::{Node, StoredNode, seal_node, seal_plain};
use super::{BodyError, LoadError, lacking_nodes, load_body};
use crate::cbor;
use crate::keys::{EpochSecret, SpaceKeys};
use crate::seal::OpenError;

fn keys() -> SpaceKeys {
    let secret = EpochSecret::new(Secret32::new([3; 32]));
    SpaceKeys::derive(&SpaceId([1; 32]), KeyEpoch::FIRST, &secret)
}

/// A field whose tree has this root, said to hold this much.
fn field(root: &StoredNode, height: u8, length: u64, entries: u64) -> Vec<u8> {
    let head = Layout {
        size: length,
        chunker: Chunker::Keyed,
        class: ChunkClass(18),
        hash: None,
        entries: Arc::new([]),
    };
    let root = Child {
        length,
        entries,
        node: root.node.clone(),
    };
    Stored::Tree(Tree { head, height, root }).encode()
}

fn load(field: &[u8], nodes: &[&StoredNode]) -> Result<Body, BodyError> {
    let mut fetch = |node: &ChunkRef| {
        let found = nodes
            .iter()
            .find(|stored| stored.node.id == node.id)
            .expect("a known node");
        Ok::<_, Infallible>(found.bytes.clone())
    };
    load_body(field, &mut fetch).map_err(|error| match error {
        LoadError::Body(error) => error,
        LoadError::Fetch(never) => match never {},
    })
}

fn leaf() -> StoredNode {
    seal_node(
        &keys(),
        &Node::Leaf(vec![LayoutEntry::Hole(10), LayoutEntry::Hole(20)]),
    )
}

fn inner(height: u8, children: &[(&StoredNode, u64, u64)]) -> StoredNode {
    let child = |(stored, length, entries): &(&StoredNode, u64, u64)| Child {
        length: *length,
        entries: *entries,
        node: stored.node.clone(),
    };
    seal_node(
        &keys(),
        &Node::Inner(height, children.iter().map(child).collect()),
    )
}

#[test]
fn a_tree_that_adds_up_is_read() {
    let leaf = leaf();
    let root = inner(1, &[(&leaf, 30, 2), (&leaf, 30, 2)]);
    let Ok(Body::File(layout)) = load(&field(&root, 1, 60, 4), &[&root, &leaf]) else {
        panic!("a sound tree");
    };
    let lengths: Vec<u64> = layout.entries.iter().map(LayoutEntry::length).collect();
    assert_eq!(lengths, [10, 20, 10, 20]);
}

#[test]
fn sums_are_checked_at_every_level() {
    let leaf = leaf();
    for (length, entries) in [(29, 2), (31, 2), (30, 1), (30, 3)] {
        let error = load(&field(&leaf, 0, length, entries), &[&leaf]);
        assert!(
            matches!(error, Err(BodyError::Sum)),
            "the root, {length} and {entries}"
        );
        let root = inner(1, &[(&leaf, length, entries)]);
        let error = load(&field(&root, 1, length, entries), &[&root, &leaf]);
        assert!(
            matches!(error, Err(BodyError::Sum)),
            "below it, {length} and {entries}"
        );
    }
    let root = inner(1, &[(&leaf, u64::MAX, 2), (&leaf, 31, 2)]);
    let error = load(&field(&root, 1, 30, 4), &[&root, &leaf]);
    assert!(matches!(error, Err(BodyError::Sum)), "an overflow");
}

#[test]
fn heights_fall_by_one_so_that_no_tree_is_deep_or_endless() {
    let leaf = leaf();
    let low = inner(1, &[(&leaf, 30, 2)]);
    for (root, height) in [(&leaf, 1), (&low, 0), (&low, 2)] {
        let error = load(&field(root, height, 30, 2), &[&leaf, &low]);
        assert!(matches!(error, Err(BodyError::Height)));
    }
    let skips = inner(3, &[(&low, 30, 2)]);
    let error = load(&field(&skips, 3, 30, 2), &[&skips, &low, &leaf]);
    assert!(matches!(error, Err(BodyError::Height)));
    let error = load(&field(&low, MAX_HEIGHT + 1, 30, 2), &[]);
    assert!(
        matches!(error, Err(BodyError::Height)),
        "before anything is fetched"
    );
}

#[test]
fn a29_a_small_tree_that_unfolds_into_a_huge_one_is_refused_before_it_does() {
    let leaf = seal_node(&keys(), &Node::Leaf(vec![LayoutEntry::Hole(1); 1024]));
    let low = inner(1, &vec![(&leaf, 1 << 10, 1 << 10); 1024]);
    let mid = inner(2, &vec![(&low, 1 << 20, 1 << 20); 1024]);
    let error = load(&field(&mid, 2, 1 << 30, 1 << 30), &[]);
    assert!(matches!(error, Err(BodyError::TooMany)));
    let lie = load(
        &field(&mid, 2, MAX_LAYOUT_ENTRIES, MAX_LAYOUT_ENTRIES),
        &[&mid],
    );
    assert!(matches!(lie, Err(BodyError::Sum)));
}

/// What is lacking while these are at hand, and how often bytes of a node were asked for.
fn lacking(field: &[u8], nodes: &[&StoredNode]) -> (Result<usize, BodyError>, usize) {
    let mut asked = 0;
    let found = lacking_nodes(field, 10_000, &mut |node| {
        asked += 1;
        let found = nodes.iter().find(|stored| stored.node.id == node.id);
        found.map(|stored| stored.bytes.as_slice())
    });
    (found.map(|lacking| lacking.len()), asked)
}

#[test]
fn a29_a_node_that_is_repeated_is_named_and_opened_once() {
    let leaf = seal_node(&keys(), &Node::Leaf(vec![LayoutEntry::Hole(1); 4]));
    let low = inner(1, &vec![(&leaf, 4, 4); 1024]);
    let root = inner(2, &vec![(&low, 4096, 4096); 1024]);
    let field = field(&root, 2, 1 << 22, 1 << 22);
    assert_eq!(lacking(&field, &[]).0.ok(), Some(1));
    assert_eq!(lacking(&field, &[&root]).0.ok(), Some(1));
    let (found, asked) = lacking(&field, &[&root, &low]);
    // The root, its children and, once, the children of the one node that they all are.
    assert_eq!((found.ok(), asked), (Some(1), 1 + 1024 + 1024));
    assert_eq!(lacking(&field, &[&root, &low, &leaf]).0.ok(), Some(0));
}

#[test]
fn a29_lies_about_height_and_sums_are_found_before_more_is_fetched() {
    let leaf = leaf();
    let low = inner(1, &[(&leaf, 30, 2)]);
    let skips = inner(3, &[(&low, 30, 2)]);
    let (found, _) = lacking(&field(&skips, 3, 30, 2), &[&skips, &low]);
    assert!(matches!(found, Err(BodyError::Height)));
    let (found, _) = lacking(&field(&low, MAX_HEIGHT + 1, 30, 2), &[]);
    assert!(matches!(found, Err(BodyError::Height)));
    let (found, _) = lacking(&field(&low, 1, 31, 2), &[&low]);
    assert!(matches!(found, Err(BodyError::Sum)));
    // The same node at two heights: the second one is not taken for seen.
    let twice = inner(2, &[(&low, 30, 2), (&leaf, 30, 2)]);
    let (found, _) = lacking(&field(&twice, 2, 60, 4), &[&twice, &low, &leaf]);
    assert!(matches!(found, Err(BodyError::Height)));
}

#[test]
fn clear_references_have_to_be_those_of_the_sealed_part() {
    let leaf = leaf();
    let root = inner(1, &[(&leaf, 30, 2)]);
    // An author may seal any clear list with its node; the collector would then miss the leaf.
    let mut bytes = root.bytes.clone();
    bytes.splice(2..4 + 32, [0, 0]);
    let forged = reseal(&root, &bytes);
    let error = load(&field(&forged, 1, 30, 2), &[&forged, &leaf]);
    assert!(
        matches!(error, Err(BodyError::Node(OpenError::Refused))),
        "the list is authenticated"
    );
    let honest = reseal(&root, &root.bytes);
    assert!(load(&field(&honest, 1, 30, 2), &[&honest, &leaf]).is_ok());
    let lone = Node::Leaf(vec![LayoutEntry::Hole(30)]);
    let forged = seal_plain(&keys(), &lone.encode(), vec![root.node.id]);
    let error = load(&field(&forged, 0, 30, 1), &[&forged]);
    assert!(matches!(error, Err(BodyError::Node(OpenError::References))));
}

/// The same reference for other bytes.
fn reseal(node: &StoredNode, bytes: &[u8]) -> StoredNode {
    let mut node = node.clone();
    node.bytes = bytes.to_vec();
    node.node.seal = crate::seal_hash(bytes);
    node.node.sealed_length = bytes.len() as u32;
    node
}

#[test]
fn r16_counts_are_checked_before_memory_is_taken() {
    // The head of an array of 2^60 entries, with a few behind it.
    let mut bytes = Vec::from([0x86, 0, 10, 1, 18, 0xf6, 0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([5, 5]);
    assert!(matches!(
        Stored::decode(&bytes),
        Err(BodyError::Malformed(_))
    ));
    // The head of one of 1,024, which is allowed, with one behind it.
    let listed = cbor::read(&[0x99, 0x04, 0x00, 1], |d| cbor::list(d, 1024, |d| d.u8()));
    assert!(listed.is_err());
}

#[test]
fn one_body_has_one_spelling() {
    // A length of 3 and an array of one hole of 3; then the hole in two bytes where one does.
    let short = [0x86, 0, 3, 1, 18, 0xf6, 0x81, 3];
    let long = [0x86, 0, 3, 1, 18, 0xf6, 0x81, 0x18, 3];
    assert!(Stored::decode(&short).is_ok());
    assert!(matches!(Stored::decode(&long), Err(BodyError::Spelling)));
    let node = |plain: &[u8]| seal_plain(&keys(), plain, Vec::new());
    let (short, long) = (node(&[0x82, 0, 0x81, 3]), node(&[0x82, 0, 0x81, 0x18, 3]));
    assert!(load(&field(&short, 0, 3, 1), &[&short]).is_ok());
    assert!(matches!(
        load(&field(&long, 0, 3, 1), &[&long]),
        Err(BodyError::Spelling)
    ));
}

#[test]
fn trailing_bytes_unknown_forms_and_long_lists_are_refused() {
    let flat = |count: u64| {
        cbor::write(|writer| {
            writer
                .array(6)?
                .u8(0)?
                .u64(count)?
                .u8(1)?
                .u8(18)?
                .null()?
                .array(count)?;
            (0..count).try_for_each(|_| writer.u8(1)?.ok())
        })
    };
    assert!(Stored::decode(&flat(1024)).is_ok());
    assert!(Stored::decode(&flat(1025)).is_err());
    assert!(Stored::decode(&[&flat(3)[..], &[0]].concat()).is_err());
    for bytes in [
        &[0x82, 3, 0x41, 1][..],
        &[0x82, 2, 0x40],
        &[0x82, 2, 0x41, 0],
        &[0x83, 2, 0x41, 1, 0],
        &[0x9f, 2, 0x41, 1, 0xff],
        &[0x86, 0, 0, 9, 18, 0xf6, 0x80],
        &[0x86, 0, 0, 1, 18, 0xf6, 0x9f, 0xff],
        &[],
    ] {
        assert!(Stored::decode(bytes).is_err(), "{bytes:02x?}");
    }
    assert!(Stored::decode(&[0x82, 2, 0x41, b'x']).is_ok());
}
