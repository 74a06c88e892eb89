//! File content between this disk and the server.
//!
//! Up: [`upload`] reads, cuts, seals and sends files and gives what a change set needs to say about
//! them. Down: [`download_file`] fills a file from a layout, [`download_small`] fetches many small
//! ones, both verifying each chunk before a byte of it is used. The files themselves are reached
//! through the traits of [`files`].

mod batch;
mod cells;
mod cut;
mod download;
mod fetch;
mod files;
mod kept;
mod layouts;
mod outbox;
mod prepared;
mod progress;
mod reserve;
mod seal;
mod small;
#[cfg(test)]
mod tests;
mod upload;
pub mod whole_hash;

use std::io;
use std::sync::Arc;

use hythe_content::{BodyError, ChunkLengthError, SpaceKeys};
use hythe_model::{ChunkId, SpaceId};

use crate::net::{Api, ApiError};
use crate::pool::{Pool, PoolError};

pub use batch::{Upload, Uploaded, upload};
pub use download::{Download, download_file, verified_ranges};
pub use files::{LocalChunks, SourceFile, TargetFile};
pub use layouts::{Nodes, load_layout, load_layout_with};
pub use outbox::SealedObject;
pub use prepared::{Prepared, prepare_link};
pub use progress::Progress;
pub use small::download_small;

/// What every transfer of a space needs.
#[derive(Clone)]
pub struct Transfer {
    /// Calls to the server.
    pub api: Api,
    /// Where the work is done.
    pub pool: Pool,
    /// The space.
    pub space: SpaceId,
    /// The keys of its current key epoch.
    pub keys: Arc<SpaceKeys>,
}

/// Why content was not transferred.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The server did not do what was asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The local file could not be read or written.
    #[error("the local file cannot be used: {0}")]
    Local(#[source] io::Error),
    /// The server does not have a chunk that the log refers to (SC-118).
    #[error("the server lacks chunk {chunk} of this file")]
    Missing {
        /// The chunk or layout node.
        chunk: ChunkId,
    },
    /// A chunk is not what the layout names: on the server or on the way it was changed.
    #[error("chunk {chunk} of this file is damaged")]
    Damaged {
        /// The chunk or layout node.
        chunk: ChunkId,
    },
    /// The layout cannot be written or read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A piece of a file is no chunk.
    #[error(transparent)]
    Chunk(#[from] ChunkLengthError),
    /// The work was not done.
    #[error(transparent)]
    Pool(#[from] PoolError),
}
