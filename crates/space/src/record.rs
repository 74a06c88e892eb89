//! The state of a space as records: what a fold writes, SQL stores and the state digest sums up.

use hythe_model::{
    AccountId, DeviceId, Head, HeaderHash, KeyEpoch, NameTag, NodeId, NodeKind, Role, SpaceId,
    VersionId,
};
use minicbor::{Decode, Encode};

use crate::cbor;
use crate::crypto::{PublicKey, Wrapped};
use crate::ending::EndRecord;
use crate::error::DecodeError;
use crate::governance::{MemberWrap, Restored, SealedSecret};
use crate::hash::Hash32;
use crate::limits::MAX_RECORD_BYTES;
use crate::moving::CameFrom;

/// One written field of a node: which version, by which change set, sealed how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct FieldRecord {
    /// The version.
    #[n(0)]
    pub version: VersionId,
    /// The change set that wrote it, so that a reader of one node can check its author.
    #[n(1)]
    pub by: HeaderHash,
    /// The key epoch it is sealed under.
    #[n(2)]
    pub epoch: KeyEpoch,
    /// BLAKE3 of the sealed bytes.
    #[n(3)]
    pub sealed: Hash32,
}

/// The content of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct BodyRecord {
    /// The field.
    #[n(0)]
    pub field: FieldRecord,
    /// Sealed bytes it holds, over all chunks.
    #[n(1)]
    pub size: u64,
    /// Whether its layout is a tree.
    #[n(2)]
    pub tree: bool,
}

/// A node, living or deleted. Deleted nodes keep their record: they can come back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NodeRecord {
    /// The node.
    #[n(0)]
    pub node: NodeId,
    /// What it is; never changes.
    #[n(1)]
    pub kind: NodeKind,
    /// The directory it is in, or was in when it was deleted.
    #[n(2)]
    pub parent: NodeId,
    /// The tag of its name there.
    #[n(3)]
    pub tag: NameTag,
    /// The change set that deleted it; none while it lives.
    #[n(4)]
    pub deleted: Option<HeaderHash>,
    /// Name and place.
    #[n(5)]
    pub place: FieldRecord,
    /// Attributes.
    #[n(6)]
    pub attributes: FieldRecord,
    /// Content; none for a directory.
    #[n(7)]
    pub body: Option<BodyRecord>,
    /// The space that this directory is moving to, or, once it is deleted, has moved to with all it
    /// held. Nothing in it may be written meanwhile and afterwards.
    #[n(8)]
    pub leaving: Option<SpaceId>,
}

impl NodeRecord {
    /// Whether the node is not deleted.
    pub fn is_alive(&self) -> bool {
        self.deleted.is_none()
    }

    /// The space that the directory has become; none while it is here.
    pub fn moved_to(&self) -> Option<SpaceId> {
        self.leaving.filter(|_| !self.is_alive())
    }
}

/// An account that is or was a member.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MemberRecord {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// Its role; none when it is no member any more.
    #[n(1)]
    pub role: Option<Role>,
    /// The furthest point of its own log that any of its devices has named in this one. A device
    /// that was removed by then may not write any more, whatever it says it had seen.
    #[n(2)]
    pub account_seen: Head,
    /// The space's secret for it.
    #[n(3)]
    pub wrap: Option<MemberWrap>,
    /// The change set that last changed role or wrap.
    #[n(4)]
    pub by: HeaderHash,
}

/// A device that has written here, and how far it came: breaks of its own chain show at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct AuthorRecord {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
    /// Its account.
    #[n(1)]
    pub account: AccountId,
    /// How many change sets it has written in this log.
    #[n(2)]
    pub counter: u64,
    /// The last of them.
    #[n(3)]
    pub last: HeaderHash,
}

/// A key epoch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EpochRecord {
    /// The epoch.
    #[n(0)]
    pub epoch: KeyEpoch,
    /// The change set that started it.
    #[n(1)]
    pub by: HeaderHash,
    /// The secret of the epoch before, sealed under this one's.
    #[n(2)]
    pub previous: Option<SealedSecret>,
}

/// A one-time key that lets one account become a member. Ended offers keep their record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct JoinOfferRecord {
    /// The one-time key.
    #[n(0)]
    pub key: PublicKey,
    /// The role the account gets.
    #[n(1)]
    pub role: Role,
    /// When it ends, in milliseconds since 1970.
    #[n(2)]
    pub expires_ms: i64,
    /// The key epoch whose secret is in it; a newer one ends it.
    #[n(3)]
    pub epoch: KeyEpoch,
    /// The secret, wrapped to the key that comes with the one-time key.
    #[n(4)]
    pub wrapped: Wrapped,
    /// The change set that made the offer.
    #[n(5)]
    pub by: HeaderHash,
    /// The account that took it up; none while nobody has.
    #[n(6)]
    pub taken: Option<AccountId>,
    /// The change set that took it back; none where nobody did.
    #[n(7)]
    pub withdrawn: Option<HeaderHash>,
}

/// The name of a space, which only members can read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NameRecord {
    /// The key epoch it is sealed under.
    #[n(0)]
    pub epoch: KeyEpoch,
    /// The sealed name.
    #[n(1)]
    pub sealed: SealedSecret,
}

/// The space itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SpaceRecord {
    /// The server's account in an open space; none in a sealed one.
    #[n(0)]
    pub server: Option<AccountId>,
    /// The current key epoch; 0 before the first.
    #[n(1)]
    pub key_epoch: KeyEpoch,
    /// The last time the server was restored from a copy.
    #[n(2)]
    pub restored: Option<Restored>,
    /// The genesis.
    #[n(3)]
    pub genesis: HeaderHash,
    /// Its name; none while nobody gave it one.
    #[n(4)]
    pub name: Option<NameRecord>,
    /// The change set by which a member left that knows the current secret; none once a new key
    /// epoch has begun.
    #[n(5)]
    pub renewal_due: Option<HeaderHash>,
    /// When it ends; none where nobody said that it does.
    #[n(6)]
    pub ends: Option<EndRecord>,
    /// How many directories are moving or have moved into spaces of their own; none is zero. While
    /// there are none, no write needs to look at what it lies below.
    #[n(7)]
    pub leaving: Option<u64>,
    /// Of which directory the space was made.
    #[n(8)]
    pub came_from: Option<CameFrom>,
}

impl SpaceRecord {
    /// Whether the server's account may hold the key.
    pub fn is_open(&self) -> bool {
        self.server.is_some()
    }
}

/// Any record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Record {
    /// The space.
    #[n(0)]
    Space(#[n(0)] SpaceRecord),
    /// A key epoch.
    #[n(1)]
    Epoch(#[n(0)] EpochRecord),
    /// A member.
    #[n(2)]
    Member(#[n(0)] MemberRecord),
    /// A device that writes.
    #[n(3)]
    Author(#[n(0)] AuthorRecord),
    /// A node.
    #[n(4)]
    Node(#[n(0)] NodeRecord),
    /// A one-time key that lets an account in.
    #[n(5)]
    JoinOffer(#[n(0)] JoinOfferRecord),
}

/// What a record is about. A space has at most one record for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKey {
    /// The space.
    Space,
    /// A key epoch.
    Epoch(KeyEpoch),
    /// A member.
    Member(AccountId),
    /// A device that writes.
    Author(DeviceId),
    /// A one-time key that lets an account in, by its id.
    JoinOffer(DeviceId),
    /// A node. Last: what its keys follow from stands before it.
    Node(NodeId),
}

impl Record {
    /// What the record is about.
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Space(_) => RecordKey::Space,
            Self::Epoch(record) => RecordKey::Epoch(record.epoch),
            Self::Member(record) => RecordKey::Member(record.account),
            Self::Author(record) => RecordKey::Author(record.device),
            Self::Node(record) => RecordKey::Node(record.node),
            Self::JoinOffer(record) => RecordKey::JoinOffer(record.key.device_id()),
        }
    }

    /// The bytes that are stored, sent in a snapshot, and summed up in the state digest.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a record.
    ///
    /// # Errors
    /// When it is over the limit or not the canonical encoding of a record.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "a record";
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(DecodeError::TooLarge {
                what: WHAT,
                limit: MAX_RECORD_BYTES,
            });
        }
        cbor::decode(bytes, WHAT)
    }
}
