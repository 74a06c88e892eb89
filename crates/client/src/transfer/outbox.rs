//! The way of sealed objects to the server: little travels with the commit, much as packs.
//!
//! While the sum is small, objects are held back to be attached to the commit, which makes a small
//! save one request (D7). Beyond that, the server is asked in batches which objects it lacks, and
//! those are sent as packs, a few requests under way at a time. What is held in memory is bounded
//! by the constants below, whatever the size of the transfer.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use hythe_content::{PackBuilder, SealedChunk, StoredNode};
use hythe_model::{ChunkRef, UploadId};
use hythe_wire::limits::{MAX_ATTACHED_BYTES, MAX_ATTACHED_OBJECTS};
use hythe_wire::log::AttachedObject;

use super::progress::Progress;
use super::{Transfer, TransferError};
use crate::net::object_name;

/// How much is asked about in one request.
const ASK_BYTES: usize = 2 << 20;
const ASK_OBJECTS: usize = 1024;
/// Requests under way: enough that sealing, the network and the server's disk all stay busy.
const MAX_UNDER_WAY: usize = 3;

/// A sealed chunk or layout node.
#[derive(Clone)]
pub enum SealedObject {
    /// A chunk.
    Chunk(SealedChunk),
    /// A node of a layout tree.
    Node(StoredNode),
}

impl SealedObject {
    /// What refers to it.
    pub fn reference(&self) -> &ChunkRef {
        match self {
            Self::Chunk(chunk) => &chunk.chunk,
            Self::Node(node) => &node.node,
        }
    }

    /// How many sealed bytes there are.
    pub fn sealed_length(&self) -> usize {
        match self {
            Self::Chunk(chunk) => chunk.bytes.len(),
            Self::Node(node) => node.bytes.len(),
        }
    }

    /// The form in which it travels with a commit.
    pub fn attach(self) -> AttachedObject {
        let name = object_name(self.reference());
        let sealed = match self {
            Self::Chunk(chunk) => chunk.bytes,
            Self::Node(node) => node.bytes,
        };
        AttachedObject {
            name,
            sealed: sealed.into(),
        }
    }
}

/// What becomes of objects.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// They are kept, to travel with the commit.
    Attaching,
    /// They are too many for that: packs of them are sent.
    Sending,
    /// They are only counted.
    Measuring,
}

/// Takes objects, gets them to the server, or keeps them to be attached.
pub struct Outbox {
    transfer: Transfer,
    progress: Arc<Progress>,
    taken: HashSet<hythe_model::ChunkId>,
    held: Vec<SealedObject>,
    held_bytes: usize,
    mode: Mode,
    /// What the server lacks of what was measured, in bytes.
    lacking: u64,
    /// The upload whose reservation the packs are taken off.
    upload: Option<UploadId>,
    pack: PackBuilder,
    under_way: FuturesUnordered<BoxFuture<'static, Result<Vec<SealedObject>, TransferError>>>,
}

impl Outbox {
    /// An empty outbox; what it sends is part of an upload that has reserved, if there is one.
    pub fn new(transfer: &Transfer, progress: &Arc<Progress>, upload: Option<UploadId>) -> Self {
        Self::with(transfer, progress, upload, Mode::Attaching)
    }

    /// An outbox that sends nothing and counts what it would send.
    pub fn measuring(transfer: &Transfer) -> Self {
        Self::with(transfer, &Arc::default(), None, Mode::Measuring)
    }

    fn with(
        transfer: &Transfer,
        progress: &Arc<Progress>,
        upload: Option<UploadId>,
        mode: Mode,
    ) -> Self {
        Self {
            transfer: transfer.clone(),
            progress: Arc::clone(progress),
            taken: HashSet::new(),
            held: Vec::new(),
            held_bytes: 0,
            mode,
            lacking: 0,
            upload,
            pack: PackBuilder::new(),
            under_way: FuturesUnordered::new(),
        }
    }

    /// Takes an object; the same object twice is taken once. Waits while too much is under way.
    ///
    /// # Errors
    /// Those of requests that were begun earlier, here and below.
    pub async fn offer(&mut self, object: SealedObject) -> Result<(), TransferError> {
        if !self.taken.insert(object.reference().id) {
            return Ok(());
        }
        self.held_bytes += object.sealed_length();
        self.held.push(object);
        if self.mode == Mode::Attaching
            && self.held_bytes <= MAX_ATTACHED_BYTES
            && self.held.len() <= MAX_ATTACHED_OBJECTS
        {
            return Ok(());
        }
        if self.mode == Mode::Attaching {
            self.mode = Mode::Sending;
        }
        if self.held_bytes >= ASK_BYTES || self.held.len() >= ASK_OBJECTS {
            self.make_room().await?;
            self.ask();
        }
        Ok(())
    }

    /// Whether requests are under way that [`Self::advance`] would wait for.
    pub fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Waits for one request under way. Dropping the future loses nothing.
    pub async fn advance(&mut self) -> Result<(), TransferError> {
        if let Some(done) = self.under_way.next().await {
            for object in done? {
                match self.mode {
                    Mode::Measuring => self.lacking += object.sealed_length() as u64,
                    _ => self.put_into_pack(&object),
                }
            }
        }
        Ok(())
    }

    /// Sends everything that is not to be attached, waits until the server has stored it, and hands
    /// back what is to be attached.
    pub async fn finish(mut self) -> Result<Vec<SealedObject>, TransferError> {
        if self.mode == Mode::Attaching {
            return Ok(self.held);
        }
        self.ask();
        loop {
            while self.is_busy() {
                self.advance().await?;
            }
            if self.pack.is_empty() {
                return Ok(Vec::new());
            }
            self.send_pack();
        }
    }

    /// How many bytes of what was offered the server lacks.
    pub async fn measured(mut self) -> Result<u64, TransferError> {
        self.ask();
        while self.is_busy() {
            self.advance().await?;
        }
        Ok(self.lacking)
    }

    async fn make_room(&mut self) -> Result<(), TransferError> {
        while self.under_way.len() >= MAX_UNDER_WAY {
            self.advance().await?;
        }
        Ok(())
    }

    fn ask(&mut self) {
        let objects = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        let transfer = self.transfer.clone();
        self.under_way
            .push(Box::pin(async move { lacking(&transfer, objects).await }));
    }

    fn put_into_pack(&mut self, object: &SealedObject) {
        if !self.pack.has_room(object.sealed_length()) {
            self.send_pack();
        }
        match object {
            SealedObject::Chunk(chunk) => self.pack.push(chunk),
            SealedObject::Node(node) => self.pack.push_node(node),
        }
    }

    fn send_pack(&mut self) {
        let pack = Bytes::from(std::mem::take(&mut self.pack).finish());
        let transfer = self.transfer.clone();
        let (progress, upload) = (Arc::clone(&self.progress), self.upload);
        self.under_way.push(Box::pin(async move {
            let length = pack.len() as u64;
            transfer.api.put_pack(transfer.space, pack, upload).await?;
            progress.transferred(length);
            Ok(Vec::new())
        }));
    }
}

/// Those of the objects that the server lacks.
async fn lacking(
    transfer: &Transfer,
    objects: Vec<SealedObject>,
) -> Result<Vec<SealedObject>, TransferError> {
    if objects.is_empty() {
        return Ok(objects);
    }
    let names = objects
        .iter()
        .map(|object| object_name(object.reference()))
        .collect();
    let missing = transfer.api.missing(transfer.space, names).await?;
    let missing: HashSet<u32> = missing.into_iter().collect();
    let numbered = objects.into_iter().zip(0u32..);
    Ok(numbered
        .filter(|(_, index)| missing.contains(index))
        .map(|(object, _)| object)
        .collect())
}
