//! Which nodes of a layout tree have to be fetched before its body can be read.

use std::collections::HashSet;

use hythe_model::{ChunkId, ChunkRef};

use super::body::{Place, Stored};
use super::error::BodyError;
use super::node::{Node, open_node};

/// The nodes of a body's tree that are needed and not at hand, as far as those at hand tell: each
/// once, in the order of the file, at most `limit`. So a tree that is fetched in such batches costs
/// one batch a level. When there are none, [`load_body`](crate::load_body) asks for nothing else;
/// a flat layout and a link never need any.
///
/// `at_hand` gives the stored bytes of a node that was fetched.
///
/// # Errors
/// When the field, or an inner node at hand, is not what it has to be. Leaves are not opened here.
/// No node is opened twice, so work is bounded by the nodes at hand; depth by the height, which
/// falls by one each time.
pub fn lacking_nodes<'n>(
    field: &[u8],
    limit: usize,
    at_hand: &mut dyn FnMut(&ChunkRef) -> Option<&'n [u8]>,
) -> Result<Vec<ChunkRef>, BodyError> {
    let mut search = Search {
        limit,
        at_hand,
        opened: HashSet::new(),
        named: HashSet::new(),
        lacking: Vec::new(),
    };
    if let Stored::Tree(tree) = Stored::decode(field)? {
        search.visit(&tree.root())?;
    }
    Ok(search.lacking)
}

struct Search<'s, 'n> {
    limit: usize,
    at_hand: &'s mut dyn FnMut(&ChunkRef) -> Option<&'n [u8]>,
    /// With the height they were opened at: at another one they are somebody's lie, to be found.
    opened: HashSet<(ChunkId, u8)>,
    named: HashSet<ChunkId>,
    lacking: Vec<ChunkRef>,
}

impl Search<'_, '_> {
    fn visit(&mut self, place: &Place<'_>) -> Result<(), BodyError> {
        if self.lacking.len() >= self.limit {
            return Ok(());
        }
        let node = place.node();
        match (self.at_hand)(node) {
            None => {
                if self.named.insert(node.id) {
                    self.lacking.push(node.clone());
                }
                Ok(())
            }
            Some(stored) if place.height > 0 && self.opened.insert((node.id, place.height)) => {
                self.visit_below(&open_node(place, stored)?)
            }
            Some(_) => Ok(()),
        }
    }

    fn visit_below(&mut self, node: &Node) -> Result<(), BodyError> {
        let Node::Inner(height, children) = node else {
            return Ok(());
        };
        children.iter().try_for_each(|child| {
            self.visit(&Place {
                height: height - 1,
                child,
            })
        })
    }
}
