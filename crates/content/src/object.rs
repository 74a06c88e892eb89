//! What anybody can see of a sealed object without a key.

use hythe_model::ChunkId;

use crate::layout::node_refs;
use crate::seal::{Kind, OVERHEAD, OpenError};

/// The kinds of object a server stores for a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// A chunk: refers to nothing.
    Chunk,
    /// A node of a layout tree, and what it refers to.
    LayoutNode(Vec<ChunkId>),
}

impl Object {
    /// What it refers to: for the collector and for checks that all of it is there.
    pub fn refs(&self) -> &[ChunkId] {
        match self {
            Self::Chunk => &[],
            Self::LayoutNode(refs) => refs,
        }
    }
}

/// Tells what a sealed object is by its clear part. Says nothing about whether it opens.
///
/// # Errors
/// When it is neither a chunk nor a layout node, or of an unknown suite.
pub fn inspect(sealed: &[u8]) -> Result<Object, OpenError> {
    match Kind::Chunk.strip(sealed) {
        Ok(_) if sealed.len() > OVERHEAD => Ok(Object::Chunk),
        Ok(_) => Err(OpenError::Length),
        Err(OpenError::Kind) => Ok(Object::LayoutNode(node_refs(sealed)?)),
        Err(error) => Err(error),
    }
}
