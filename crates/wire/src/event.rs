//! The event stream of a device: `POST /events`.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use hythe_model::{AccountId, Head, ServerEpoch, SpaceId};

use crate::bounded;
use crate::limits::{MAX_EVENT_INLINE_BYTES, MAX_EVENT_SPACES};
use crate::message::Message;

/// Where a device stands; the stream goes on from there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EventsRequest {
    /// The life of the server's data the positions belong to; none when the device knows none.
    #[n(0)]
    pub epoch: Option<ServerEpoch>,
    /// The device's position in its account's log.
    #[n(1)]
    pub account: Head,
    /// Its position in each space it follows.
    #[n(2)]
    #[cbor(decode_with = "bounded::list::<MAX_EVENT_SPACES, _, _>")]
    pub spaces: Vec<SpacePosition>,
}

impl Message for EventsRequest {
    const MAX_BYTES: usize = 256 + 96 * MAX_EVENT_SPACES;
}

/// A position in a space's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct SpacePosition {
    /// The space.
    #[n(0)]
    pub space: SpaceId,
    /// The position.
    #[n(1)]
    pub head: Head,
}

/// One frame of the stream.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// The first frame.
    #[n(0)]
    Welcome {
        /// The present life of the server's data.
        #[n(0)]
        epoch: ServerEpoch,
    },
    /// A space has a new change set. Of one space they come in order, without gaps.
    #[n(1)]
    Change {
        /// The space.
        #[n(0)]
        space: SpaceId,
        /// The position of the change set.
        #[n(1)]
        head: Head,
        /// The encoded change set; none when it is over [`MAX_EVENT_INLINE_BYTES`] and has to be
        /// fetched by its position.
        #[n(2)]
        change_set: Option<ByteVec>,
    },
    /// The log of an account that matters to the device (its own, or of a fellow member) grew.
    #[n(2)]
    Account {
        /// The account.
        #[n(0)]
        account: AccountId,
        /// The position of the change set.
        #[n(1)]
        head: Head,
        /// The encoded change set, as in `Change`.
        #[n(2)]
        change_set: Option<ByteVec>,
    },
    /// All that was there when the stream began was sent: from here on it is live.
    #[n(3)]
    Current,
    /// Nothing happened for a while, and the connection is alive.
    #[n(4)]
    Heartbeat,
    /// The account became a member of a space, was invited to one, or accepted that; it is not
    /// followed before the stream is begun anew with it.
    #[n(5)]
    SpaceJoined {
        /// The space.
        #[n(0)]
        space: SpaceId,
    },
    /// The account is no longer a member of a space; nothing more is sent of it.
    #[n(6)]
    SpaceLeft {
        /// The space.
        #[n(0)]
        space: SpaceId,
    },
    /// The last frame: the server ends the stream.
    #[n(7)]
    Goodbye {
        /// Why.
        #[n(0)]
        reason: Goodbye,
    },
    /// A file was put into the inbox of a sealed space: a member that may write is to take it in.
    #[n(8)]
    Parcel {
        /// The space.
        #[n(0)]
        space: SpaceId,
    },
}

impl Message for Event {
    const MAX_BYTES: usize = MAX_EVENT_INLINE_BYTES + 256;
}

/// Why the server ends an event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Goodbye {
    /// The server stops; try again in a moment.
    #[n(0)]
    Stopping,
    /// The reader was too slow for what happened; begin anew from your positions at once.
    #[n(1)]
    TooSlow,
    /// The device's token is not valid any more.
    #[n(2)]
    Unauthenticated,
    /// The device began more streams than it may have at a time; this was the oldest.
    #[n(3)]
    Replaced,
}
