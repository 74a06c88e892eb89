//! Calls about sealed objects: which are missing, storing, reading.

use ::http::Method;
use bytes::Bytes;
use hythe_model::{ChunkId, ChunkRef, SpaceId, UploadId};
use hythe_wire::chunk::{
    AdoptReply, AdoptRequest, ChunkFrame, MissingReply, MissingRequest, ObjectName, PackReply,
    ReadRequest, Reserve,
};
use hythe_wire::{Message, headers, routes};

use super::body::Frames;
use super::http::Channel;
use super::{Api, ApiError, Putting};

/// What the server has of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadChunk {
    /// Its sealed bytes, not yet checked.
    Sealed(Bytes),
    /// Nothing.
    Missing,
    /// Bytes that are not what was stored.
    Damaged,
}

/// The name under which the server knows what a reference refers to.
pub fn object_name(chunk: &ChunkRef) -> ObjectName {
    ObjectName {
        id: chunk.id,
        seal: chunk.seal,
    }
}

/// The answers to one batched read, each with the index of the object it is for.
pub struct ChunkReader {
    frames: Option<Frames<ChunkFrame>>,
    answered: Vec<bool>,
}

impl Api {
    /// Reserves what an upload will store, in place of what it had reserved; 0 ends that. Says how
    /// much more would fit; none where there is no quota.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn reserve(&self, space: SpaceId, reserve: Reserve) -> Result<Option<u64>, ApiError> {
        if self.putting.is_some() {
            return Ok(None);
        }
        let path = routes::space_chunks_missing(space);
        let request = MissingRequest {
            objects: Vec::new(),
            reserve: Some(reserve),
        };
        let reply: MissingReply = self
            .send_message(Channel::Shared, Method::POST, &path, &request)
            .await?;
        Ok(reply.room)
    }

    /// Takes over objects of another space, with all that layout nodes among them refer to; says
    /// which of them that space lacks, as indices, ascending.
    pub async fn adopt(
        &self,
        space: SpaceId,
        from: SpaceId,
        objects: Vec<ChunkId>,
    ) -> Result<Vec<u32>, ApiError> {
        let path = routes::space_chunks_adopt(space);
        let request = AdoptRequest { from, objects };
        let reply: AdoptReply = self
            .send_message(Channel::Shared, Method::POST, &path, &request)
            .await?;
        Ok(reply.missing)
    }

    /// Which of these objects the server lacks, as indices, ascending.
    pub async fn missing(
        &self,
        space: SpaceId,
        objects: Vec<ObjectName>,
    ) -> Result<Vec<u32>, ApiError> {
        if self.putting.is_some() {
            // Sealed under a secret that was drawn for this: nobody has any of it.
            return Ok((0..).zip(&objects).map(|(index, _)| index).collect());
        }
        let path = routes::space_chunks_missing(space);
        let request = MissingRequest {
            objects,
            reserve: None,
        };
        let reply: MissingReply = self
            .send_message(Channel::Shared, Method::POST, &path, &request)
            .await?;
        Ok(reply.missing)
    }

    /// Stores the objects of a pack; they are durable when this returns. What is new of them is
    /// taken off what the upload has reserved.
    pub async fn put_pack(
        &self,
        space: SpaceId,
        pack: Bytes,
        upload: Option<UploadId>,
    ) -> Result<PackReply, ApiError> {
        let path = match (self.putting, upload) {
            (Some(Putting::Link(link)), _) => routes::link_packs(link),
            (None, Some(upload)) => routes::space_packs_of(space, upload),
            (Some(Putting::Member) | None, _) => routes::space_packs(space),
        };
        let body = Some((headers::PACK, pack));
        let mut reader = self.call(Channel::Bulk, Method::POST, &path, body).await?;
        let bytes = reader.whole(PackReply::MAX_BYTES).await?;
        PackReply::from_cbor(&bytes).map_err(ApiError::malformed)
    }

    /// Begins to read objects.
    pub async fn read_chunks(
        &self,
        space: SpaceId,
        objects: Vec<ObjectName>,
    ) -> Result<ChunkReader, ApiError> {
        let path = match self.opening {
            Some((link, opening)) => routes::link_chunks(link, opening),
            None => routes::space_chunks_read(space),
        };
        let count = objects.len();
        let request = Bytes::from(ReadRequest { objects }.to_cbor());
        let body = Some((headers::CBOR, request));
        let reader = self.call(Channel::Bulk, Method::POST, &path, body).await?;
        let frames = Some(Frames::new(reader, ChunkFrame::MAX_BYTES));
        Ok(ChunkReader {
            frames,
            answered: vec![false; count],
        })
    }
}

impl ChunkReader {
    /// The next answer; none when every object has one.
    ///
    /// # Errors
    /// [`ApiError::Malformed`] when an object is answered twice, not at all, or was not asked for.
    pub async fn next(&mut self) -> Result<Option<(usize, ReadChunk)>, ApiError> {
        let Some(frames) = &mut self.frames else {
            return Ok(None);
        };
        let bytes = frames.next_bytes().await?;
        let bytes = bytes.ok_or_else(|| ApiError::offline("the answer was cut off"))?;
        let (index, chunk) = match ChunkFrame::from_frame(&bytes).map_err(ApiError::malformed)? {
            ChunkFrame::Sealed { index, bytes } => (index, ReadChunk::Sealed(bytes)),
            ChunkFrame::Missing { index } => (index, ReadChunk::Missing),
            ChunkFrame::Damaged { index } => (index, ReadChunk::Damaged),
            ChunkFrame::End => return self.end().await.map(|()| None),
        };
        let index = index as usize;
        match self.answered.get_mut(index) {
            Some(answered) if !*answered => *answered = true,
            _ => return Err(ApiError::malformed("an answer nobody asked for")),
        }
        Ok(Some((index, chunk)))
    }

    async fn end(&mut self) -> Result<(), ApiError> {
        if !self.answered.iter().all(|answered| *answered) {
            return Err(ApiError::malformed(
                "a chunk was asked for and not answered",
            ));
        }
        match self.frames.take() {
            Some(frames) => frames.finish().await,
            None => Ok(()),
        }
    }
}
