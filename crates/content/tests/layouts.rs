//! Layouts: flat and as trees, shared between versions, read in part, and refused when wrong.

mod samples;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use hythe_content::{
    BodyError, LoadError, MAX_FLAT_ENTRIES, Object, StoredBody, entries_in, field_refs, inspect,
    lacking_nodes, load_body, store_body,
};
use hythe_model::{Body, ChunkId, ChunkRef, ContentHash, Layout, LayoutEntry, LinkTarget};
use samples::{keys, layout, long_layout, numbers, reference};

/// The nodes of stored bodies, as a server keeps them.
#[derive(Default)]
struct Store(BTreeMap<ChunkId, Vec<u8>>, Cell<usize>);

impl Store {
    fn of(bodies: &[&StoredBody]) -> Self {
        let nodes = bodies.iter().flat_map(|body| &body.nodes);
        Self(
            nodes
                .map(|node| (node.node.id, node.bytes.clone()))
                .collect(),
            Cell::new(0),
        )
    }

    fn fetch(&self) -> impl FnMut(&ChunkRef) -> Result<Vec<u8>, ChunkId> + '_ {
        |node| {
            self.1.set(self.1.get() + 1);
            self.0.get(&node.id).cloned().ok_or(node.id)
        }
    }
}

fn nothing(_: &ChunkRef) -> Result<Vec<u8>, Infallible> {
    unreachable!("nothing is to be fetched")
}

fn store(layout: &Layout) -> StoredBody {
    store_body(&keys(), &Body::File(layout.clone())).expect("a sound layout")
}

#[test]
fn every_form_of_body_comes_back() {
    let hashed = Layout {
        hash: Some(ContentHash([9; 32])),
        ..long_layout(3)
    };
    let link = LinkTarget::new(*b"../over there").expect("a link text");
    let flat = MAX_FLAT_ENTRIES as u64;
    let bodies = [
        (Body::Link(link), false),
        (Body::File(layout(vec![])), false),
        (
            Body::File(layout(vec![LayoutEntry::Hole(u64::MAX / 2)])),
            false,
        ),
        (Body::File(hashed), false),
        (Body::File(long_layout(flat)), false),
        (Body::File(long_layout(flat + 1)), true),
        (Body::File(long_layout(20_000)), true),
    ];
    for (body, tree) in bodies {
        let stored = store_body(&keys(), &body).expect("a sound body");
        assert_eq!((stored.tree, stored.nodes.is_empty()), (tree, !tree));
        let loaded = load_body(&stored.field, &mut Store::of(&[&stored]).fetch());
        assert!(loaded.is_ok_and(|loaded| loaded == body));
        let refs = field_refs(&stored.field).expect("its own field");
        assert_eq!((refs.ids, refs.tree), (stored.refs, stored.tree));
    }
}

#[test]
fn refs_name_every_object_once_and_reach_everything() {
    let flat = layout(vec![
        LayoutEntry::Chunk(reference(2, 10)),
        LayoutEntry::Hole(5),
        LayoutEntry::Chunk(reference(1, 10)),
        LayoutEntry::Chunk(reference(2, 10)),
    ]);
    assert_eq!(
        store(&flat).refs,
        [reference(2, 10).id, reference(1, 10).id]
    );

    let long = long_layout(20_000);
    let stored = store(&long);
    let nodes: BTreeMap<_, _> = stored.nodes.iter().map(|n| (n.node.id, n)).collect();
    let (mut todo, mut chunks) = (stored.refs.clone(), BTreeSet::new());
    while let Some(id) = todo.pop() {
        match nodes.get(&id) {
            // What the server reads without a key is what the node refers to.
            Some(node) => {
                assert_eq!(
                    inspect(&node.bytes).ok(),
                    Some(Object::LayoutNode(node.refs.clone()))
                );
                todo.extend(&node.refs);
            }
            None => assert!(chunks.insert(id), "no chunk is named twice here"),
        }
    }
    let expected = long
        .entries
        .iter()
        .filter(|e| matches!(e, LayoutEntry::Chunk(_)))
        .count();
    assert_eq!(chunks.len(), expected);
}

#[test]
fn versions_share_the_nodes_an_edit_does_not_touch() {
    let before = long_layout(50_000);
    let old = store(&before);
    let known: BTreeSet<_> = old.nodes.iter().map(|n| n.node.id).collect();
    for place in [0, 49_999]
        .into_iter()
        .chain(numbers(1).take(10).map(|n| n % 50_000))
    {
        let mut entries = before.entries.to_vec();
        entries[place] = LayoutEntry::Chunk(reference(1_000_000, 12_345));
        let replaced = store(&layout(entries.clone()));
        entries.insert(place, LayoutEntry::Chunk(reference(2_000_000, 1)));
        let inserted = store(&layout(entries));
        for (what, new) in [("replacing", replaced), ("inserting", inserted)] {
            let sent = new
                .nodes
                .iter()
                .filter(|n| !known.contains(&n.node.id))
                .count();
            let bytes: usize = new
                .nodes
                .iter()
                .filter(|n| !known.contains(&n.node.id))
                .map(|n| n.bytes.len())
                .sum();
            assert!(
                (2..=8).contains(&sent),
                "{what} at {place}: {sent} of {}",
                new.nodes.len()
            );
            assert!(bytes < 700_000, "{what} at {place}: {bytes} bytes");
        }
    }
}

#[test]
fn a_range_yields_what_overlaps_it_and_fetches_only_the_way_there() {
    for long in [long_layout(300), long_layout(50_000)] {
        let stored = store(&long);
        let nodes = Store::of(&[&stored]);
        let mut offsets = vec![0];
        for entry in long.entries.iter() {
            offsets.push(offsets[offsets.len() - 1] + entry.length());
        }
        for place in numbers(2).take(50).map(|n| n as u64 % long.size) {
            for length in [0, 1, 2, 1 << 20] {
                nodes.1.set(0);
                let range = place..(place + length).min(long.size);
                let spans = entries_in(&stored.field, range.clone(), &mut nodes.fetch());
                let spans = spans.unwrap_or_else(|_| panic!("sound"));
                let overlaps = |i: &usize| {
                    length > 0 && offsets[*i] < range.end && offsets[i + 1] > range.start
                };
                let expected: Vec<_> = (0..long.entries.len()).filter(overlaps).collect();
                let found: Vec<_> = spans.iter().map(|span| span.offset).collect();
                assert_eq!(
                    found,
                    expected.iter().map(|i| offsets[*i]).collect::<Vec<_>>()
                );
                assert!(
                    spans
                        .iter()
                        .zip(&expected)
                        .all(|(s, i)| s.entry == long.entries[*i])
                );
                let way = if stored.tree {
                    3 * usize::from(length > 0) + 2
                } else {
                    0
                };
                assert!(
                    nodes.1.get() <= way,
                    "{} nodes for {length} bytes",
                    nodes.1.get()
                );
            }
        }
        let behind = entries_in(&stored.field, long.size..u64::MAX, &mut nodes.fetch());
        assert!(behind.is_ok_and(|spans| spans.is_empty()));
    }
    let link = Body::Link(LinkTarget::new(*b"x").expect("a link text"));
    let field = store_body(&keys(), &link).expect("a link").field;
    assert!(entries_in(&field, 0..9, &mut nothing).is_ok_and(|spans| spans.is_empty()));
}

#[test]
fn layouts_that_do_not_add_up_are_not_written() {
    let chunk = |length, sealed_length| {
        LayoutEntry::Chunk(ChunkRef {
            sealed_length,
            ..reference(1, length)
        })
    };
    let too_long = hythe_model::layout::MAX_CHUNK_BYTES + 1;
    for entry in [
        LayoutEntry::Hole(0),
        chunk(0, 31),
        chunk(too_long, too_long),
        chunk(10, 30),
        chunk(10, 257),
    ] {
        let result = store_body(&keys(), &Body::File(layout(vec![entry])));
        assert!(matches!(result, Err(BodyError::Run)));
    }
    for size in [0, 9, 11] {
        let wrong = Layout {
            size,
            ..layout(vec![LayoutEntry::Hole(10)])
        };
        assert!(matches!(
            store_body(&keys(), &Body::File(wrong)),
            Err(BodyError::Sum)
        ));
    }
    let overflow = Layout {
        entries: vec![LayoutEntry::Hole(u64::MAX), LayoutEntry::Hole(2)].into(),
        ..layout(vec![LayoutEntry::Hole(1)])
    };
    assert!(matches!(
        store_body(&keys(), &Body::File(overflow)),
        Err(BodyError::Sum)
    ));
}

/// Fetches what is lacking until nothing is, and says how many nodes each batch had.
fn fetch_in_batches(stored: &StoredBody, limit: usize) -> (Store, Vec<usize>) {
    let (all, mut at_hand) = (Store::of(&[stored]), Store::default());
    let mut batches = Vec::new();
    loop {
        let lacking = lacking_nodes(&stored.field, limit, &mut |node| {
            at_hand.0.get(&node.id).map(Vec::as_slice)
        });
        let lacking = lacking.expect("a sound tree");
        if lacking.is_empty() {
            return (at_hand, batches);
        }
        batches.push(lacking.len());
        for node in lacking {
            let before = at_hand.0.insert(node.id, all.0[&node.id].clone());
            assert!(before.is_none(), "asked for once");
        }
    }
}

#[test]
fn a_tree_is_fetched_in_one_batch_a_level() {
    for entries in [0, 1024, 1025, 20_000, 200_000] {
        let long = long_layout(entries);
        let stored = store(&long);
        let (at_hand, batches) = fetch_in_batches(&stored, usize::MAX);
        let levels = match entries {
            0..=1024 => 0,
            1025..=20_000 => 2,
            _ => 3,
        };
        assert_eq!(batches.len(), levels, "{entries}: {batches:?}");
        assert_eq!(at_hand.0.len(), stored.nodes.len(), "all of them");
        let loaded = load_body(&stored.field, &mut at_hand.fetch());
        assert!(loaded.is_ok_and(|loaded| loaded == Body::File(long)));
    }
}

#[test]
fn a_batch_of_lacking_nodes_has_its_limit_and_the_order_of_the_file() {
    let long = long_layout(20_000);
    let stored = store(&long);
    let (at_hand, batches) = fetch_in_batches(&stored, 7);
    assert!(batches.iter().all(|count| *count <= 7), "{batches:?}");
    assert_eq!(batches.iter().sum::<usize>(), stored.nodes.len());
    assert!(load_body(&stored.field, &mut at_hand.fetch()).is_ok());
    let root = Store::of(&[&stored]).0[&stored.refs[0]].clone();
    let lacking = lacking_nodes(&stored.field, 3, &mut |node| {
        (node.id == stored.refs[0]).then_some(root.as_slice())
    });
    let ids = lacking.map(|nodes| nodes.iter().map(|node| node.id).collect::<Vec<_>>());
    let leaves: Vec<_> = stored.nodes[..3].iter().map(|node| node.node.id).collect();
    assert_eq!(ids.ok(), Some(leaves), "nodes are written leaves first");
}

#[test]
fn a5_a_changed_inner_node_at_hand_is_an_error_and_not_a_question() {
    let stored = store(&long_layout(20_000));
    let mut root = Store::of(&[&stored]).0[&stored.refs[0]].clone();
    *root.last_mut().expect("bytes") ^= 1;
    let lacking = lacking_nodes(&stored.field, 10, &mut |_| Some(root.as_slice()));
    assert!(matches!(lacking, Err(BodyError::Node(_))));
    let nothing = lacking_nodes(b"no body", 10, &mut |_| None);
    assert!(matches!(nothing, Err(BodyError::Malformed(_))));
}

#[test]
fn a_missing_node_is_the_callers_error() {
    let stored = store(&long_layout(2000));
    let loaded = load_body(&stored.field, &mut Store::default().fetch());
    assert!(matches!(loaded, Err(LoadError::Fetch(id)) if id == stored.refs[0]));
}

#[test]
fn a6_nodes_in_each_others_place_are_refused() {
    let stored = store(&long_layout(2000));
    for put in &stored.nodes {
        for asked in stored
            .nodes
            .iter()
            .filter(|node| node.node.id != put.node.id)
        {
            let mut fetch = |node: &ChunkRef| {
                let found = if node.id == asked.node.id {
                    put
                } else {
                    stored
                        .nodes
                        .iter()
                        .find(|n| n.node.id == node.id)
                        .expect("a node of it")
                };
                Ok::<_, Infallible>(found.bytes.clone())
            };
            assert!(matches!(
                load_body(&stored.field, &mut fetch),
                Err(LoadError::Body(_))
            ));
        }
    }
}

#[test]
fn a5_no_byte_of_a_node_or_tree_field_can_change() {
    let stored = store(&long_layout(1025));
    let nodes = Store::of(&[&stored]);
    let leaf = &stored.nodes[0];
    // The seal hash refuses any change; what an author with the key could do is in `hostile.rs`.
    for place in numbers(3)
        .take(200)
        .map(|n| n % leaf.bytes.len())
        .chain([0, 1, 2, 3])
    {
        let mut fetch = |node: &ChunkRef| {
            let mut bytes = nodes.fetch()(node)?;
            if node.id == leaf.node.id {
                bytes[place] ^= 1;
            }
            Ok::<_, ChunkId>(bytes)
        };
        assert!(matches!(
            load_body(&stored.field, &mut fetch),
            Err(LoadError::Body(_))
        ));
    }
}
