//! Accounts: registration, enrolment of a device, and appending to an account's log.

use minicbor::{Decode, Encode};

use hythe_model::{AccountId, DeviceId, Head, SpaceId};

use crate::bounded;
use crate::limits::{MAX_CHANGE_SET_BYTES, MAX_FOUNDING_CHANGE_SETS, MAX_TEXT_BYTES};
use crate::message::Message;
use crate::token::Token;
use minicbor::bytes::ByteVec;

/// What a device tells about itself. Not secret, not proven, shown to its account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct DeviceInfo {
    /// The name its owner gave it.
    #[n(0)]
    #[cbor(decode_with = "bounded::text::<MAX_TEXT_BYTES, _>")]
    pub name: String,
    /// Operating system and processor, e.g. `linux x86_64`.
    #[n(1)]
    #[cbor(decode_with = "bounded::text::<MAX_TEXT_BYTES, _>")]
    pub platform: String,
    /// Version of the software.
    #[n(2)]
    #[cbor(decode_with = "bounded::text::<MAX_TEXT_BYTES, _>")]
    pub version: String,
}

/// `POST /accounts` with an invite's token: a new account, its first device, its personal space.
///
/// Repeating it with the same content, token included, has the same outcome.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct RegisterRequest {
    /// The login name that is wished for.
    #[n(0)]
    #[cbor(decode_with = "bounded::text::<MAX_TEXT_BYTES, _>")]
    pub login: String,
    /// The first device.
    #[n(1)]
    pub device: DeviceInfo,
    /// The token it drew.
    #[n(2)]
    pub token: Token,
    /// The account's log from its genesis on, each an encoded change set.
    #[n(3)]
    #[cbor(decode_with = "bounded::list::<MAX_FOUNDING_CHANGE_SETS, _, _>")]
    pub account: Vec<ByteVec>,
    /// The personal space's log from its genesis on.
    #[n(4)]
    #[cbor(decode_with = "bounded::list::<MAX_FOUNDING_CHANGE_SETS, _, _>")]
    pub space: Vec<ByteVec>,
    /// Where the account's log sets a password.
    #[n(5)]
    pub password: Option<PasswordUpload>,
    /// Where it sets a recovery code: the token that follows from it.
    #[n(6)]
    pub recovery: Option<Token>,
}

/// The other half of setting a password: what the server keeps of it (RFC 9807). Goes with the change
/// set that makes it a keyholder of the account.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct PasswordUpload {
    /// The name of the record, as the server gave it.
    #[n(0)]
    pub credential: ByteVec,
    /// OPAQUE's registration upload.
    #[n(1)]
    pub upload: ByteVec,
}

impl Message for RegisterRequest {
    const MAX_BYTES: usize = 1 << 20;
}

/// The reply to a [`RegisterRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RegisterReply {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
    /// The head of the account's log.
    #[n(2)]
    pub account_head: Head,
    /// The personal space.
    #[n(3)]
    pub space: SpaceId,
    /// The head of its log.
    #[n(4)]
    pub space_head: Head,
}

impl Message for RegisterReply {
    const MAX_BYTES: usize = 1024;
}

/// `POST /devices/enrol` with a one-time token, that of a login or of a recovery code: one more device
/// of its account.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct EnrolRequest {
    /// The device.
    #[n(0)]
    pub device: DeviceInfo,
    /// The token it drew.
    #[n(1)]
    pub token: Token,
    /// The encoded change set that adds the device to the account's log, signed by the one-time
    /// key that the log authorises, or by the password's or recovery code's key.
    #[n(2)]
    pub change_set: ByteVec,
}

impl Message for EnrolRequest {
    const MAX_BYTES: usize = 1 << 20;
}

/// The reply to an [`EnrolRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EnrolReply {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
    /// The head of the account's log, the new device in it.
    #[n(2)]
    pub account_head: Head,
}

impl Message for EnrolReply {
    const MAX_BYTES: usize = 1024;
}

/// `POST /accounts/{account}/log`: one more change set of the caller's account.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct AppendRequest {
    /// The encoded change set.
    #[n(0)]
    pub change_set: ByteVec,
    /// Where the change set authorises a one-time key: the token that goes with it. It ends when
    /// the key does.
    #[n(1)]
    pub one_time: Option<Token>,
    /// Where it sets a password.
    #[n(2)]
    pub password: Option<PasswordUpload>,
    /// Where it sets a recovery code: the token that follows from it.
    #[n(3)]
    pub recovery: Option<Token>,
    /// Where it replaces or removes a password or recovery code: the token of a login with one of
    /// them, so that a device that was left open is not enough.
    #[n(4)]
    pub proof: Option<Token>,
}

impl Message for AppendRequest {
    const MAX_BYTES: usize = MAX_CHANGE_SET_BYTES + 1024;
}

/// The reply to an [`AppendRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct AppendReply {
    /// The position the change set got.
    #[n(0)]
    pub head: Head,
}

impl Message for AppendReply {
    const MAX_BYTES: usize = 128;
}
