//! What was: the history of a node, and the trash of a space.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use hythe_model::{AccountId, DeviceId, Head, KeyEpoch, NodeId, OperationId, VersionId};

use crate::limits::MAX_RECORD_FRAME_BYTES;
use crate::log::SnapshotRecord;
use crate::message::Message;

/// `GET /spaces/{space}/nodes/{node}/history`: the frames of the answer, newest first.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum HistoryFrame {
    /// One operation on the node.
    #[n(0)]
    Entry(#[n(0)] HistoryEntry),
    /// The last frame: nothing was cut off.
    #[n(1)]
    End,
}

impl Message for HistoryFrame {
    const MAX_BYTES: usize = MAX_RECORD_FRAME_BYTES;
}

/// One operation on a node. The change set at `head` proves it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct HistoryEntry {
    /// The position of the change set.
    #[n(0)]
    pub head: Head,
    /// The device that signed it.
    #[n(1)]
    pub author: DeviceId,
    /// The time its author's clock showed, in milliseconds since 1970.
    #[n(2)]
    pub time_ms: i64,
    /// The key epoch under which the fields are sealed.
    #[n(3)]
    pub key_epoch: KeyEpoch,
    /// What was done.
    #[n(4)]
    pub action: Action,
    /// Where the node was put, if this wrote it.
    #[n(5)]
    pub parent: Option<NodeId>,
    /// The name, if this wrote it.
    #[n(6)]
    pub place: Option<FieldState>,
    /// The attributes, if this wrote them.
    #[n(7)]
    pub attributes: Option<FieldState>,
    /// The content, if this wrote it.
    #[n(8)]
    pub body: Option<FieldState>,
    /// On whose behalf the device signed it; none: its own account's.
    #[n(9)]
    pub behalf: Option<OnBehalf>,
}

/// On whose behalf something was signed, as its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct OnBehalf {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The session, or the link, that it was asked in; zeros: none.
    #[n(1)]
    pub session: OperationId,
}

/// What an operation did to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Action {
    /// Created it.
    #[n(0)]
    Created,
    /// Wrote some of its fields.
    #[n(1)]
    Updated,
    /// Deleted it.
    #[n(2)]
    Deleted,
    /// Brought it back.
    #[n(3)]
    Restored,
}

/// One written state of one field.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct FieldState {
    /// Its version.
    #[n(0)]
    pub version: VersionId,
    /// The sealed field; none where it was purged.
    #[n(1)]
    pub sealed: Option<ByteVec>,
}

/// `GET /spaces/{space}/trash`: the frames of the answer, latest deletion first.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum TrashFrame {
    /// One deleted node.
    #[n(0)]
    Entry(#[n(0)] TrashEntry),
    /// The last frame: nothing was cut off.
    #[n(1)]
    End,
}

impl Message for TrashFrame {
    const MAX_BYTES: usize = MAX_RECORD_FRAME_BYTES;
}

/// A deleted node.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct TrashEntry {
    /// The position of the change set that deleted it.
    #[n(0)]
    pub head: Head,
    /// The device that signed it.
    #[n(1)]
    pub author: DeviceId,
    /// The time its author's clock showed, in milliseconds since 1970.
    #[n(2)]
    pub time_ms: i64,
    /// The record of the node, with its sealed fields.
    #[n(3)]
    pub node: SnapshotRecord,
}
