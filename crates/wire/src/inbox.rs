//! The inbox of a space: who puts files into it, and who takes them in.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use hythe_model::{AccountId, DeviceId, LinkId, UploadId};

use crate::bounded;
use crate::limits::MAX_RECORD_FRAME_BYTES;
use crate::message::Message;

/// Most parcels of one answer.
pub const MAX_INBOX_PAGE: usize = 100;

/// Most cards of one answer.
pub const MAX_CARDS: usize = 32;

/// `POST /spaces/{space}/inbox/card`: what a device of somebody who may write says of the inbox, in
/// place of what it said before.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct InboxCardRequest {
    /// The signed card (`docs/format/links.md`).
    #[n(0)]
    pub card: ByteVec,
}

impl Message for InboxCardRequest {
    const MAX_BYTES: usize = 4096;
}

/// `GET /spaces/{space}/inbox/card`: how a member that may only put reaches those who take in.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct InboxCardReply {
    /// What devices of members that may write signed, the latest first.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_CARDS, _, _>")]
    pub cards: Vec<OfferedCard>,
}

impl Message for InboxCardReply {
    const MAX_BYTES: usize = 4096 * MAX_CARDS;
}

/// A card, and whose device is said to have signed it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct OfferedCard {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The signed card.
    #[n(1)]
    pub card: ByteVec,
}

/// `GET /spaces/{space}/inbox`: parcels that wait in a sealed space, the oldest first.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct InboxPage {
    /// Some of them, for whoever takes them in; those that follow are shown when these are gone.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_INBOX_PAGE, _, _>")]
    pub parcels: Vec<WaitingParcel>,
}

impl Message for InboxPage {
    const MAX_BYTES: usize = 6 << 20;
}

/// A file that waits to be taken in.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct WaitingParcel {
    /// The upload.
    #[n(0)]
    pub upload: UploadId,
    /// The account that put it, or that gave the link out.
    #[n(1)]
    pub account: AccountId,
    /// The link that it came through.
    #[n(2)]
    pub link: Option<ParcelLink>,
    /// The key epoch of the inbox's key.
    #[n(3)]
    pub epoch: u32,
    /// The secret that it is sealed under, wrapped to that key.
    #[n(4)]
    pub wrapped: ByteVec,
    /// The sealed name.
    #[n(5)]
    pub name: ByteVec,
    /// The sealed attributes.
    #[n(6)]
    pub attributes: ByteVec,
    /// The sealed layout.
    #[n(7)]
    pub body: ByteVec,
    /// Sealed bytes over all its chunks.
    #[n(8)]
    pub size: u64,
    /// Who put it: by the key of the link, or of a device of the account.
    #[n(9)]
    pub signature: ByteVec,
}

impl Message for WaitingParcel {
    const MAX_BYTES: usize = MAX_RECORD_FRAME_BYTES;
}

/// The link that a parcel came through.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct ParcelLink {
    /// The link.
    #[n(0)]
    pub link: LinkId,
    /// The device that gave it out.
    #[n(1)]
    pub device: DeviceId,
    /// What that device signed.
    #[n(2)]
    pub grant: ByteVec,
}
