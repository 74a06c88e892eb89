//! Why a body cannot be written or read.

use crate::seal::OpenError;

/// Why bytes are not a body, or a body cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// Not the CBOR this format prescribes, or over one of its limits.
    #[error("the layout is malformed")]
    Malformed(#[source] minicbor::decode::Error),
    /// The right values in another spelling than the one this format has for them.
    #[error("the layout is not in its canonical form")]
    Spelling,
    /// Lengths or counts do not add up to what the level above says.
    #[error("the layout's lengths do not add up")]
    Sum,
    /// A run of no bytes, or a chunk over the limit.
    #[error("the layout has a run of an impossible length")]
    Run,
    /// More runs than [`MAX_LAYOUT_ENTRIES`](super::MAX_LAYOUT_ENTRIES).
    #[error("the layout has too many runs")]
    TooMany,
    /// A node of the tree does not open or is not the one that was named.
    #[error("a node of the layout is unreadable")]
    Node(#[from] OpenError),
    /// A node is not at the height its place in the tree demands.
    #[error("a node of the layout is at the wrong height")]
    Height,
}

impl From<minicbor::decode::Error> for BodyError {
    fn from(error: minicbor::decode::Error) -> Self {
        Self::Malformed(error)
    }
}

/// Why a body was not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError<E> {
    /// The caller's own failure to fetch a node.
    #[error("a node of the layout could not be fetched")]
    Fetch(#[source] E),
    /// What was there is no body.
    #[error(transparent)]
    Body(#[from] BodyError),
}
