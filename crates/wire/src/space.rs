//! Spaces, as a member sees them.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hythe_model::{ChainHash, Cursor, Head, Role, SpaceId};

use crate::limits::MAX_FOUNDING_CHANGE_SETS;
use crate::member::InvitationView;
use crate::message::Message;
use crate::{bounded, text};

/// `GET /spaces`: the spaces the caller's account is a member of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpaceList {
    /// The present life of the server's data, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub epoch: hythe_model::ServerEpoch,
    /// The spaces, the personal one first.
    pub spaces: Vec<SpaceView>,
    /// What counts for the caller's account: its own spaces, whoever writes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Spaces that the caller's account was in and that ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<EndedSpace>,
}

/// A space that ended, as its owner wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedSpace {
    /// Its id, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub id: SpaceId,
    /// When, in milliseconds since 1970.
    pub ended_ms: i64,
}

/// How much of a quota is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Sealed bytes that are stored.
    pub used_bytes: u64,
    /// The limit; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
}

/// One space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SpaceView {
    /// Its id, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub id: SpaceId,
    /// What the caller may do there.
    pub role: RoleName,
    /// Whether it is the caller's personal space, which is named `home`.
    pub personal: bool,
    /// Whether the server is a member.
    pub open: bool,
    /// The invitation that waits for an answer of the caller's account; none where it takes part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationView>,
    /// The position of the log's head.
    pub cursor: u64,
    /// The chain hash of the log's head, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub chain: ChainHash,
    /// BLAKE3 of the state digest at the log's head, in hexadecimal.
    #[serde(with = "text::bytes32")]
    #[schema(value_type = String)]
    pub digest: [u8; 32],
    /// What the space holds, and its own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Of a sealed space, for who may write there: files that wait to be taken in.
    #[serde(default, skip_serializing_if = "is_none")]
    pub waiting: u64,
    /// And files that could not be.
    #[serde(default, skip_serializing_if = "is_none")]
    pub refused: u64,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

impl SpaceView {
    /// The head of the log.
    pub fn head(&self) -> Head {
        Head {
            cursor: Cursor(self.cursor),
            chain: self.chain,
        }
    }
}

/// `POST /spaces`: a new space of the caller's account.
///
/// Repeating it with the same content has the same outcome.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct CreateSpaceRequest {
    /// The space's log from its genesis on, each an encoded change set of the calling device.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_FOUNDING_CHANGE_SETS, _, _>")]
    pub log: Vec<ByteVec>,
}

impl Message for CreateSpaceRequest {
    const MAX_BYTES: usize = 1 << 20;
}

/// The reply to a [`CreateSpaceRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct CreateSpaceReply {
    /// The space.
    #[n(0)]
    pub space: SpaceId,
    /// The head of its log.
    #[n(1)]
    pub head: Head,
}

impl Message for CreateSpaceReply {
    const MAX_BYTES: usize = 256;
}

/// A role, in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoleName {
    /// Everything, including members and keys.
    Owner,
    /// Read and write nodes.
    Editor,
    /// Read only.
    Viewer,
    /// Upload only.
    Drop,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Editor => Self::Editor,
            Role::Viewer => Self::Viewer,
            Role::Drop => Self::Drop,
        }
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Owner => Self::Owner,
            RoleName::Editor => Self::Editor,
            RoleName::Viewer => Self::Viewer,
            RoleName::Drop => Self::Drop,
        }
    }
}
