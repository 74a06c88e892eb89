//! The body of a version from its field: read at once where it is flat, its tree fetched where it
//! is long.

use std::collections::HashMap;

use bytes::Bytes;
use hythe_content::{LoadError, load_body};
use hythe_model::{Body, ChunkId, ChunkRef};

use super::fetch::{damaged, missing};
use super::{Transfer, TransferError};
use crate::net::{ReadChunk, object_name};

/// Reads the body that a field's plaintext stands for.
///
/// # Errors
/// [`TransferError::Body`] when it is none, [`TransferError::Missing`] and
/// [`TransferError::Damaged`] when a node of its tree cannot be had.
pub async fn load_layout(transfer: &Transfer, field: &[u8]) -> Result<Body, TransferError> {
    let mut nodes: HashMap<ChunkId, Bytes> = HashMap::new();
    loop {
        let mut fetch = |node: &ChunkRef| match nodes.get(&node.id) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Err(node.clone()),
        };
        match load_body(field, &mut fetch) {
            Ok(body) => return Ok(body),
            Err(LoadError::Body(error)) => return Err(error.into()),
            Err(LoadError::Fetch(lacking)) => {
                fetch_nodes(transfer, vec![lacking], &mut nodes).await?;
            }
        }
    }
}

async fn fetch_nodes(
    transfer: &Transfer,
    wanted: Vec<ChunkRef>,
    nodes: &mut HashMap<ChunkId, Bytes>,
) -> Result<(), TransferError> {
    let names = wanted.iter().map(object_name).collect();
    let mut reader = transfer.api.read_chunks(transfer.space, names).await?;
    while let Some((index, answer)) = reader.next().await? {
        let id = wanted[index].id;
        match answer {
            ReadChunk::Sealed(bytes) => nodes.insert(id, bytes),
            ReadChunk::Missing => return Err(missing(id)),
            ReadChunk::Damaged => return Err(damaged(id)),
        };
    }
    Ok(())
}
