//! Calls about logs: commit, read on, snapshot, checkpoint, history.

use ::http::Method;
use hythe_model::{AccountId, Cursor, Head, NodeId, SpaceId};
use hythe_wire::farewell::Farewell;
use hythe_wire::history::{HistoryEntry, HistoryFrame, TrashEntry, TrashFrame};
use hythe_wire::log::{
    CheckpointMessage, CommitReply, CommitRequest, LogEntry, LogFrame, SnapshotFrame,
};
use hythe_wire::{Code, Message, headers, limits, routes};

use super::body::Frames;
use super::http::Channel;
use super::{Api, ApiError};

/// What one page of a log may hold in memory before the caller gets it.
const PAGE_BYTES: usize = 8 << 20;

/// A run of a log.
pub struct LogPage {
    /// Its entries, in order.
    pub entries: Vec<LogEntry>,
    /// The head of the log when the server answered; none while more of this very answer follows.
    pub head: Option<Head>,
}

/// A log that is being read.
pub struct LogReader {
    frames: Option<Frames<LogFrame>>,
}

/// A snapshot that is being read.
pub struct SnapshotReader {
    frames: Frames<SnapshotFrame>,
}

impl Api {
    /// Commits a change set.
    ///
    /// # Errors
    /// See [`ApiError`], here and below.
    pub async fn commit(
        &self,
        space: SpaceId,
        request: &CommitRequest,
    ) -> Result<CommitReply, ApiError> {
        let path = routes::space_changes(space);
        // Beside the event stream, a large commit would hold up what is small.
        let large = request.change_set.len() > limits::MAX_EVENT_INLINE_BYTES
            || request.attached.len() > 64;
        let channel = if large {
            Channel::Bulk
        } else {
            Channel::Shared
        };
        self.send_message(channel, Method::POST, &path, request)
            .await
    }

    /// Begins to read a space's log after a position, at most one page of the server.
    pub async fn changes(&self, space: SpaceId, from: Cursor) -> Result<LogReader, ApiError> {
        self.log(&routes::space_changes_from(
            space,
            from,
            limits::MAX_LOG_PAGE,
        ))
        .await
    }

    /// The change set at a position of a space's log; none where the log is shorter.
    pub async fn change_at(
        &self,
        space: SpaceId,
        at: Cursor,
    ) -> Result<Option<LogEntry>, ApiError> {
        let before = Cursor(at.0.saturating_sub(1));
        let path = routes::space_changes_from(space, before, 1);
        let page = self.log(&path).await?.next_page().await?;
        let mut entries = page.into_iter().flat_map(|page| page.entries);
        Ok(entries.find(|entry| entry.head.cursor == at))
    }

    /// Begins to read an account's log after a position, at most one page of the server.
    pub async fn account_log(
        &self,
        account: AccountId,
        from: Cursor,
    ) -> Result<LogReader, ApiError> {
        self.log(&routes::account_log_from(
            account,
            from,
            limits::MAX_LOG_PAGE,
        ))
        .await
    }

    async fn log(&self, path: &str) -> Result<LogReader, ApiError> {
        Ok(LogReader {
            frames: Some(self.frames(Channel::Shared, path).await?),
        })
    }

    /// Begins to read the state of a space.
    pub async fn snapshot(&self, space: SpaceId) -> Result<SnapshotReader, ApiError> {
        let frames = self
            .frames(Channel::Bulk, &routes::space_snapshot(space))
            .await?;
        Ok(SnapshotReader { frames })
    }

    /// The latest signed checkpoint of a space; none while there is none.
    pub async fn checkpoint(&self, space: SpaceId) -> Result<Option<Vec<u8>>, ApiError> {
        let path = routes::space_checkpoint(space);
        let mut reader = match self.call(Channel::Shared, Method::GET, &path, None).await {
            Err(error) if error.code() == Some(Code::NotFound) => return Ok(None),
            answer => answer?,
        };
        let bytes = reader.whole(CheckpointMessage::MAX_BYTES).await?;
        let message = CheckpointMessage::from_cbor(&bytes).map_err(ApiError::malformed)?;
        Ok(Some(message.checkpoint.into()))
    }

    /// What a removed device is told last; none where its account asks nothing of it.
    pub async fn farewell(&self) -> Result<Option<Farewell>, ApiError> {
        let path = routes::DEVICES_FAREWELL;
        let mut reader = match self.call(Channel::Shared, Method::GET, path, None).await {
            Err(error) if error.code() == Some(Code::NotFound) => return Ok(None),
            answer => answer?,
        };
        let bytes = reader.whole(Farewell::MAX_BYTES).await?;
        let told = Farewell::from_cbor(&bytes).map_err(ApiError::malformed)?;
        Ok(Some(told))
    }

    /// Offers a signed checkpoint.
    pub async fn offer_checkpoint(
        &self,
        space: SpaceId,
        checkpoint: Vec<u8>,
    ) -> Result<(), ApiError> {
        let path = routes::space_checkpoint(space);
        let message = CheckpointMessage {
            checkpoint: checkpoint.into(),
        };
        let body = Some((headers::CBOR, message.to_cbor().into()));
        self.call(Channel::Shared, Method::POST, &path, body)
            .await?
            .whole(1024)
            .await
            .map(drop)
    }

    /// What was written to a node, newest first.
    pub async fn history(
        &self,
        space: SpaceId,
        node: NodeId,
    ) -> Result<Vec<HistoryEntry>, ApiError> {
        let path = routes::node_history(space, node);
        let mut frames: Frames<HistoryFrame> = self.frames(Channel::Shared, &path).await?;
        let mut entries = Vec::new();
        loop {
            match frames.next().await? {
                Some(HistoryFrame::Entry(entry)) => entries.push(entry),
                Some(HistoryFrame::End) => return Ok(entries),
                None => return Err(cut_off()),
            }
        }
    }

    /// What was deleted in a space, latest first.
    pub async fn trash(&self, space: SpaceId) -> Result<Vec<TrashEntry>, ApiError> {
        let path = routes::space_trash(space);
        let mut frames: Frames<TrashFrame> = self.frames(Channel::Shared, &path).await?;
        let mut entries = Vec::new();
        loop {
            match frames.next().await? {
                Some(TrashFrame::Entry(entry)) => entries.push(entry),
                Some(TrashFrame::End) => return Ok(entries),
                None => return Err(cut_off()),
            }
        }
    }

    async fn frames<M: Message>(
        &self,
        channel: Channel,
        path: &str,
    ) -> Result<Frames<M>, ApiError> {
        let reader = self.call(channel, Method::GET, path, None).await?;
        Ok(Frames::new(reader, M::MAX_BYTES))
    }
}

impl LogReader {
    /// The next run of entries, some megabytes at most; none when the answer was read to its end.
    ///
    /// # Errors
    /// [`ApiError::Offline`] when the answer was cut off: what was given so far stays true.
    pub async fn next_page(&mut self) -> Result<Option<LogPage>, ApiError> {
        let Some(frames) = &mut self.frames else {
            return Ok(None);
        };
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while bytes < PAGE_BYTES {
            match frames.next().await? {
                Some(LogFrame::Entry(entry)) => {
                    bytes += entry.change_set.len();
                    entries.push(entry);
                }
                Some(LogFrame::End { head }) => {
                    self.frames = None;
                    return Ok(Some(LogPage {
                        entries,
                        head: Some(head),
                    }));
                }
                None => return Err(cut_off()),
            }
        }
        Ok(Some(LogPage {
            entries,
            head: None,
        }))
    }
}

impl SnapshotReader {
    /// The next frame. The last is [`SnapshotFrame::End`].
    ///
    /// # Errors
    /// [`ApiError::Offline`] when the answer was cut off before that.
    pub async fn next(&mut self) -> Result<SnapshotFrame, ApiError> {
        self.frames.next().await?.ok_or_else(cut_off)
    }
}

fn cut_off() -> ApiError {
    ApiError::offline("the answer was cut off")
}
