//! What a removed device is told last.

use minicbor::{Decode, Encode};

use crate::bounded;
use crate::message::Message;
use minicbor::bytes::ByteVec;

/// Most change sets that are told: more are no account's.
pub const MAX_FAREWELL: usize = 4096;

/// `GET /devices/farewell`, asked by a removed device whose account wants its local copies deleted:
/// the account's log up to its removal. The log is signed, so that nobody but the account can ask
/// for that.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Farewell {
    /// The change sets from the genesis on.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_FAREWELL, _, _>")]
    pub log: Vec<ByteVec>,
}

impl Message for Farewell {
    const MAX_BYTES: usize = 16 << 20;
}
