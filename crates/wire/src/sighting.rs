//! What devices tell each other, by way of the server, of how far they were shown a space.

use hythe_model::ServerEpoch;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::bounded;
use crate::message::Message;

/// Most sightings of one space that are handed out at once: the newest. Whoever wants to find out a
/// lying server needs one that it was not shown the lie of, not all.
pub const MAX_SIGHTINGS: usize = 256;

/// `POST /spaces/{space}/sightings`: what the calling device has seen.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SightingMessage {
    /// The encoded sighting with its signature.
    #[n(0)]
    pub sighting: ByteVec,
}

impl Message for SightingMessage {
    const MAX_BYTES: usize = 1024;
}

/// The reply to a [`SightingMessage`]: what the other devices of the space's members have seen.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SightingsReply {
    /// The life of the server's data that all of it belongs to.
    #[n(0)]
    pub epoch: ServerEpoch,
    /// Encoded sightings, the newest of each device.
    #[n(1)]
    #[cbor(decode_with = "bounded::list::<MAX_SIGHTINGS, _, _>")]
    pub sightings: Vec<ByteVec>,
}

impl Message for SightingsReply {
    const MAX_BYTES: usize = 256 << 10;
}
