//! The body of a version from its field: read at once where it is flat, its tree fetched where it
//! is long.

use std::collections::HashMap;

use bytes::Bytes;
use hythe_content::{LoadError, lacking_nodes, load_body};
use hythe_model::{Body, ChunkId, ChunkRef};

use super::fetch::{damaged, missing};
use super::{Transfer, TransferError};
use crate::net::{ReadChunk, object_name};

/// Nodes of one request: of a file below some 80 GiB a level of its tree, and less than 64 MiB.
const NODES_AT_ONCE: usize = 1024;

/// Stored nodes of a layout tree.
pub type Nodes = HashMap<ChunkId, Bytes>;

/// Reads the body that a field's plaintext stands for.
///
/// # Errors
/// [`TransferError::Body`] when it is none, [`TransferError::Missing`] and
/// [`TransferError::Damaged`] when a node of its tree cannot be had.
pub async fn load_layout(transfer: &Transfer, field: &[u8]) -> Result<Body, TransferError> {
    load_layout_with(transfer, field, &mut Nodes::new()).await
}

/// As [`load_layout`]; the nodes that were fetched are left in `nodes`, also after an error.
///
/// # Errors
/// As [`load_layout`].
pub async fn load_layout_with(
    transfer: &Transfer,
    field: &[u8],
    nodes: &mut Nodes,
) -> Result<Body, TransferError> {
    loop {
        let lacking = lacking_nodes(field, NODES_AT_ONCE, &mut |node| {
            nodes.get(&node.id).map(Bytes::as_ref)
        })?;
        if lacking.is_empty() {
            break;
        }
        fetch_nodes(transfer, lacking, nodes).await?;
    }
    let mut fetch = |node: &ChunkRef| match nodes.get(&node.id) {
        Some(bytes) => Ok(bytes.to_vec()),
        // Not reached: nothing was lacking.
        None => Err(missing(node.id)),
    };
    load_body(field, &mut fetch).map_err(|error| match error {
        LoadError::Body(error) => error.into(),
        LoadError::Fetch(error) => error,
    })
}

async fn fetch_nodes(
    transfer: &Transfer,
    wanted: Vec<ChunkRef>,
    nodes: &mut Nodes,
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
