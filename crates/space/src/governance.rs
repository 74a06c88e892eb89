//! Operations on a space itself: its genesis, members, key epochs, and a restored server.

use hythe_model::{AccountId, Head, KeyEpoch, Role, ServerEpoch};
use minicbor::{Decode, Encode};

use crate::crypto::Wrapped;
use crate::limits::MAX_SEALED_SECRET_BYTES;
use crate::sealed_bytes::SealedBytes;

/// Starts the log of a space; its header's hash is the space's id.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SpaceGenesis {
    /// Random, so that no two spaces have one id.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub nonce: [u8; 32],
    /// The account of the author, which becomes the first owner.
    #[n(1)]
    pub owner: AccountId,
    /// The server's account in an open space; none in a sealed one. Fixed for ever (A30).
    #[n(2)]
    pub server: Option<AccountId>,
}

/// A space's secret, wrapped for one member.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MemberWrap {
    /// The key epoch whose secret this is.
    #[n(0)]
    pub epoch: KeyEpoch,
    /// The generation of the member's key it is wrapped to.
    #[n(1)]
    pub generation: u32,
    /// The wrapped secret.
    #[n(2)]
    pub wrapped: Wrapped,
}

/// Adds a member, changes a role, or removes a member (which calls for a [`NewEpoch`] later in
/// the same change set). A member that leaves by itself cannot start one; the space then says that
/// one is due.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Member {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// Its role from now on; none: it is no member any more.
    #[n(1)]
    pub role: Option<Role>,
    /// The current epoch's secret, when the account joins and no new epoch follows.
    #[n(2)]
    pub wrap: Option<MemberWrap>,
}

/// One member's share in a new key epoch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EpochWrap {
    /// The member.
    #[n(0)]
    pub account: AccountId,
    /// The generation of its key.
    #[n(1)]
    pub generation: u32,
    /// The epoch's secret, wrapped to that key.
    #[n(2)]
    pub wrapped: Wrapped,
}

/// Starts a new key epoch: a new secret for every member, none for who left.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NewEpoch {
    /// The epoch: one more than the current.
    #[n(0)]
    pub epoch: KeyEpoch,
    /// One wrap for every member, by ascending account id.
    #[n(1)]
    pub wraps: Vec<EpochWrap>,
    /// The secret of the epoch before, sealed under this one's; none in the first.
    #[n(2)]
    pub previous: Option<SealedSecret>,
}

/// Gives the space a name, which only members can read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NameSpace {
    /// The name, sealed under the secret of the key epoch that the header names.
    #[n(0)]
    pub name: SealedSecret,
}

/// The server was restored from a copy that ended at `at`; what came after is abandoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Restored {
    /// The head of the log in that copy: the position just before this change set.
    #[n(0)]
    pub at: Head,
    /// The server's new epoch.
    #[n(1)]
    pub epoch: ServerEpoch,
}

/// A small secret, already sealed by its author, that nobody here can read.
pub type SealedSecret = SealedBytes<MAX_SEALED_SECRET_BYTES>;
