//! The log of a space or an account: commit, read, snapshot, checkpoint.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use hythe_model::{Head, ServerEpoch};

use crate::bounded;
use crate::chunk::ObjectName;
use crate::limits::{
    MAX_ATTACHED_BYTES, MAX_ATTACHED_OBJECTS, MAX_CHANGE_SET_BYTES, MAX_RECORD_FRAME_BYTES,
    MAX_RECORD_PARTS,
};
use crate::message::Message;

/// A sealed object (a chunk, or a stored layout node) that travels with the commit that needs it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AttachedObject {
    /// Its id, and BLAKE3 of `sealed`.
    #[n(0)]
    pub name: ObjectName,
    /// The sealed bytes. Whether they are a stored layout node, and what it refers to, is read
    /// from them.
    #[n(1)]
    pub sealed: ByteVec,
}

/// `POST /spaces/{space}/changes`: one change set, and the small objects that came with it.
///
/// The operation id in the change set's header makes a repetition harmless.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct CommitRequest {
    /// The encoded change set.
    #[n(0)]
    pub change_set: ByteVec,
    /// Objects the server may lack, [`MAX_ATTACHED_BYTES`] in sum at most.
    #[n(1)]
    #[cbor(decode_with = "bounded::list::<MAX_ATTACHED_OBJECTS, _, _>")]
    pub attached: Vec<AttachedObject>,
}

impl Message for CommitRequest {
    const MAX_BYTES: usize = MAX_CHANGE_SET_BYTES + 2 * MAX_ATTACHED_BYTES;
}

/// The reply to a [`CommitRequest`]. What it acknowledges survives power loss.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CommitReply {
    /// The position the change set got.
    #[n(0)]
    pub head: Head,
    /// BLAKE3 of the state digest at that position.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub digest: [u8; 32],
}

impl Message for CommitReply {
    const MAX_BYTES: usize = 256;
}

/// `GET …/changes?from=n&limit=m` and `GET …/log?from=n&limit=m`: the frames of the answer.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum LogFrame {
    /// The change set at the next position.
    #[n(0)]
    Entry(#[n(0)] LogEntry),
    /// The last frame: nothing was cut off. More entries follow while `head` is further on.
    #[n(1)]
    End {
        /// The head of the log when the answer began.
        #[n(0)]
        head: Head,
    },
}

impl Message for LogFrame {
    const MAX_BYTES: usize = MAX_CHANGE_SET_BYTES + 1024;
}

/// One position of a log.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LogEntry {
    /// The position, and the chain with this change set in it.
    #[n(0)]
    pub head: Head,
    /// The encoded change set.
    #[n(1)]
    pub change_set: ByteVec,
}

/// `GET /spaces/{space}/snapshot`: the frames of the answer.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum SnapshotFrame {
    /// The first frame.
    #[n(0)]
    Start {
        /// The life of the server's data this belongs to.
        #[n(0)]
        epoch: ServerEpoch,
        /// The position whose state follows.
        #[n(1)]
        head: Head,
        /// The signed checkpoint of that position, encoded; none when the log is short.
        #[n(2)]
        checkpoint: Option<ByteVec>,
    },
    /// One record of the fold.
    #[n(1)]
    Record(#[n(0)] SnapshotRecord),
    /// The last frame: nothing was cut off.
    #[n(2)]
    End {
        /// How many records there were.
        #[n(0)]
        records: u64,
    },
}

impl Message for SnapshotFrame {
    const MAX_BYTES: usize = MAX_RECORD_FRAME_BYTES;
}

/// A record of the fold, and the sealed parts whose hashes it names.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct SnapshotRecord {
    /// The encoded record, as the state digest counts it.
    #[n(0)]
    pub record: ByteVec,
    /// The sealed parts in the order the record names them; none where one was purged.
    #[n(1)]
    #[cbor(decode_with = "bounded::list::<MAX_RECORD_PARTS, _, _>")]
    pub sealed: Vec<Option<ByteVec>>,
}

/// A signed checkpoint: `GET` and `POST /spaces/{space}/checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CheckpointMessage {
    /// The encoded checkpoint with its signature.
    #[n(0)]
    pub checkpoint: ByteVec,
}

impl Message for CheckpointMessage {
    const MAX_BYTES: usize = 8192;
}
