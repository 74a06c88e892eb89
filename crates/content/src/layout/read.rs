//! Reading a body back, whole or only where a byte range needs it.

use std::ops::Range;

use hythe_model::{Body, ChunkRef, Layout, LayoutEntry};

use super::body::{Place, Stored};
use super::entry::{Child, Entry};
use super::error::LoadError;
use super::node::{Node, open_node};

/// Fetches the stored bytes of a layout node; they are checked afterwards.
type Fetch<'a, E> = &'a mut dyn FnMut(&ChunkRef) -> Result<Vec<u8>, E>;

/// A run of a file and where it begins.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    /// Offset of the run's first byte in the file.
    pub offset: u64,
    /// The run.
    pub entry: LayoutEntry,
}

/// Reads a body from the plaintext of its field, fetching all nodes of its tree if it has one.
///
/// # Errors
/// When `fetch` fails, or field or nodes are not what they have to be. Work and memory are
/// bounded by the number of entries the field declares, at most
/// [`MAX_LAYOUT_ENTRIES`](crate::MAX_LAYOUT_ENTRIES).
pub fn load_body<E>(field: &[u8], fetch: Fetch<'_, E>) -> Result<Body, LoadError<E>> {
    match Stored::decode(field)? {
        Stored::Flat(layout) => Ok(Body::File(layout)),
        Stored::Link(target) => Ok(Body::Link(target)),
        Stored::Tree(tree) => {
            let mut entries = Vec::new();
            let everything = 0..tree.head.size;
            descend(&tree.root(), 0, &everything, fetch, &mut |span| {
                entries.push(span.entry)
            })?;
            Ok(Body::File(Layout {
                entries: entries.into(),
                ..tree.head
            }))
        }
    }
}

/// Yields, in order, the runs of a file that share bytes with a range of it. Of a tree it fetches
/// only the nodes that lead there: O(log n) for one offset. A link has no runs.
///
/// # Errors
/// As [`load_body`].
pub fn entries_in<E>(
    field: &[u8],
    range: Range<u64>,
    fetch: Fetch<'_, E>,
) -> Result<Vec<Span>, LoadError<E>> {
    let stored = Stored::decode(field)?;
    let mut spans = Vec::new();
    if range.is_empty() {
        return Ok(spans);
    }
    match stored {
        Stored::Link(_) => {}
        Stored::Flat(layout) => {
            let runs = overlapping(&layout.entries, 0, &range);
            spans.extend(runs.map(|(offset, entry)| Span {
                offset,
                entry: entry.clone(),
            }));
        }
        Stored::Tree(tree) if range.start < tree.head.size => {
            descend(&tree.root(), 0, &range, fetch, &mut |span| spans.push(span))?;
        }
        Stored::Tree(_) => {}
    }
    Ok(spans)
}

/// Visits the runs below one node. The depth is bounded by the height, which falls by one each
/// time; the number of visits by the sums, which every node has to meet.
fn descend<E>(
    place: &Place<'_>,
    offset: u64,
    range: &Range<u64>,
    fetch: Fetch<'_, E>,
    visit: &mut dyn FnMut(Span),
) -> Result<(), LoadError<E>> {
    let stored = fetch(place.node()).map_err(LoadError::Fetch)?;
    match open_node(place, &stored)? {
        Node::Leaf(entries) => {
            for (offset, entry) in overlapping(&entries, offset, range) {
                visit(Span {
                    offset,
                    entry: entry.clone(),
                });
            }
        }
        Node::Inner(height, children) => {
            for (offset, child) in overlapping::<Child>(&children, offset, range) {
                descend(
                    &Place {
                        height: height - 1,
                        child,
                    },
                    offset,
                    range,
                    fetch,
                    visit,
                )?;
            }
        }
    }
    Ok(())
}

/// The entries that overlap a range, with their offsets. The sums were checked, so none overflows.
fn overlapping<'a, T: Entry>(
    entries: &'a [T],
    start: u64,
    range: &'a Range<u64>,
) -> impl Iterator<Item = (u64, &'a T)> {
    let placed = entries.iter().scan(start, |next, entry| {
        let offset = *next;
        *next = offset.saturating_add(entry.length());
        Some((offset, entry))
    });
    placed.filter(|(offset, entry)| {
        *offset < range.end && range.start < offset.saturating_add(entry.length())
    })
}
