//! What went wrong, in the form of RFC 9457.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use hythe_model::{
    AccountId, ChainHash, ChunkId, HeaderHash, NameTag, NodeId, ServerEpoch, SpaceId, VersionId,
};

use crate::text;

/// The part of a problem's `type` in front of its code.
const TYPE_PREFIX: &str = "urn:hythe:problem:";

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $status:literal $text:literal $title:literal,)*) => {
        /// What kind of problem: stable, for programs to decide by.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// A code of a newer server; the status tells the class.
            Unknown,
        }

        impl Code {
            /// Every code that this version sends.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable text, the end of a problem's `type`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* Self::Unknown => "unknown" }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* Self::Unknown => 500 }
            }

            /// One sentence for people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* Self::Unknown => "Something went wrong." }
            }

            /// The code of a stable text.
            pub fn parse(text: &str) -> Self {
                match text { $($text => Self::$name,)* _ => Self::Unknown }
            }
        }
    };
}

codes! {
    /// The request is not what the route takes: not CBOR or JSON, unknown fields, a bad id.
    Malformed = 400 "malformed" "The request is malformed.",
    /// No token, or one that does not exist or has ended.
    Unauthenticated = 401 "unauthenticated" "The token is missing, wrong or has ended.",
    /// The invite or the one-time token does not exist, was used, or has ended.
    TokenSpent = 401 "token-spent" "The invite or one-time token was used or has ended.",
    /// Name or password are wrong; which of both is not said.
    LoginWrong = 401 "login-wrong" "The name or the password is wrong.",
    /// The password is right, and the account asks for a second factor besides; `there` says which.
    SecondFactor = 401 "second-factor" "The account asks for a second factor.",
    /// The passkey has counted less than it did before: there may be a copy of it.
    PasskeyCopied = 401 "passkey-copied" "The passkey may have been copied, and is not taken.",
    /// The change needs a login with the password or the recovery code that it replaces.
    ProofNeeded = 403 "proof-needed" "This needs the present password or the recovery code.",
    /// The device was removed from its account.
    DeviceRemoved = 401 "device-removed" "This device was removed from its account.",
    /// The account is suspended by whoever runs the server. It keeps everything.
    AccountSuspended = 403 "account-suspended" "The account is suspended.",
    /// The server takes no new accounts, or none without an invite.
    RegistrationClosed = 403 "registration-closed" "The server takes no new accounts.",
    /// The caller may not do this.
    Forbidden = 403 "forbidden" "The caller may not do this.",
    /// There is no such thing, or the caller may not know of it.
    NotFound = 404 "not-found" "There is no such thing here.",
    /// The path exists, but not with this method.
    MethodNotAllowed = 405 "method-not-allowed" "The path does not take this method.",
    /// The request did not arrive in time.
    Timeout = 408 "timeout" "The request did not arrive in time.",
    /// The change set does not fit what is there; `there` says what is.
    Conflict = 409 "conflict" "The change set does not fit what is there.",
    /// The server's data is in another life than the caller's positions.
    EpochChanged = 409 "epoch-changed" "The server was restored from a copy.",
    /// The caller's position is of another history than the server's.
    Fork = 409 "fork" "The position belongs to another history.",
    /// Passkeys belong to a name, and the server's address is an IP address, or not encrypted.
    NoPasskeys = 409 "no-passkeys" "Passkeys need a server with a name and https, not an IP address.",
    /// The account is the only owner of spaces that others take part in; `there` says which.
    LastOwner = 409 "last-owner" "The account is the only owner of spaces that others take part in.",
    /// The login name is taken.
    LoginTaken = 409 "login-taken" "The login name is taken.",
    /// The link was revoked, has ended, or was used as often as it may be.
    LinkEnded = 410 "link-ended" "The link has ended.",
    /// The request is over its size limit.
    TooLarge = 413 "too-large" "The request is too large.",
    /// The body is of a media type that the route does not take.
    UnsupportedMedia = 415 "unsupported-media" "The route does not take this media type.",
    /// A change set, pack or chunk is not what it says, or not signed by whom it says.
    Invalid = 422 "invalid" "The content of the request does not verify.",
    /// The change set refers to chunks that the server lacks.
    ChunksMissing = 409 "chunks-missing" "The change set refers to chunks the server lacks.",
    /// The suite or format version is not one the server knows.
    UnsupportedVersion = 422 "unsupported-version" "The format version is not supported.",
    /// Too many requests; `retry_after_ms` says when to go on.
    RateLimited = 429 "rate-limited" "Too many requests.",
    /// The request's headers are too large.
    HeadersTooLarge = 431 "headers-too-large" "The request's headers are too large.",
    /// The server made a mistake; its log has the request id.
    Internal = 500 "internal" "The server made a mistake.",
    /// The server has too much to do; `retry_after_ms` says when to go on.
    Overloaded = 503 "overloaded" "The server has too much to do.",
    /// The server starts, stops, or lost its database or blobs.
    Unavailable = 503 "unavailable" "The server is not ready.",
    /// The quota of the account or space has no room for it; `there` says how much there is.
    QuotaExceeded = 507 "quota-exceeded" "The quota has no room for this.",
    /// No space is left on the server.
    StorageFull = 507 "storage-full" "The server has no space left.",
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{TYPE_PREFIX}{}", self.as_str()))
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Ok(text
            .strip_prefix(TYPE_PREFIX)
            .map_or(Self::Unknown, Self::parse))
    }
}

/// Why a request was not done (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{}", .detail.as_deref().unwrap_or(.title))]
pub struct Problem {
    /// `urn:hythe:problem:` and a stable code.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub code: Code,
    /// One sentence that belongs to the code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What it was this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request's id, as in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// When to try again, in milliseconds from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// With `conflict`, `chunks-missing`, `fork`, `epoch-changed` and `quota-exceeded`: what is
    /// there instead. With `second-factor`: which the account takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<There>,
}

impl Problem {
    /// A problem of this kind, with nothing more to say.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            title: code.title().to_owned(),
            status: code.status(),
            detail: None,
            instance: None,
            retry_after_ms: None,
            there: None,
        }
    }

    /// Says what it was this time. Never a name, a token or a path.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after_ms(mut self, retry_after_ms: u64) -> Self {
        self.retry_after_ms = Some(retry_after_ms);
        self
    }

    /// Says what is there instead.
    #[must_use]
    pub fn there(mut self, there: There) -> Self {
        self.there = Some(there);
        self
    }
}

/// Which field of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NodeField {
    /// Name and parent.
    Place,
    /// Attributes.
    Attributes,
    /// Content.
    Body,
}

/// Whose quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QuotaOf {
    /// The caller's account's.
    Account,
    /// The space's own.
    Space,
    /// Of the other account that the space counts for.
    Owner,
}

/// What is there instead of what a change set expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum There {
    /// The author may not do this in the space.
    NotAllowed,
    /// There is no such living node.
    NoNode {
        /// The node.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        node: NodeId,
    },
    /// The field has another version.
    Mismatch {
        /// The node.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        node: NodeId,
        /// The field.
        field: NodeField,
        /// The version that is there; none when the node is deleted.
        #[serde(
            default,
            with = "text::option",
            skip_serializing_if = "Option::is_none"
        )]
        #[schema(value_type = Option<String>)]
        version: Option<VersionId>,
    },
    /// The name is taken.
    NameTaken {
        /// The directory.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        parent: NodeId,
        /// The name's tag.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        tag: NameTag,
        /// The node that has it.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        by: NodeId,
    },
    /// The directory to be deleted has living children.
    NotEmpty {
        /// The directory.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        node: NodeId,
    },
    /// The node would come to lie below itself.
    Cycle {
        /// The node.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        node: NodeId,
    },
    /// The author's own chain goes on elsewhere.
    AuthorChain {
        /// The author's latest counter; 0 when there is none.
        counter: u64,
        /// The hash of its latest header; zeros when there is none.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        previous: HeaderHash,
    },
    /// The space is in another key epoch.
    KeyEpoch {
        /// The present one.
        current: u32,
    },
    /// The log's head, and the life of the server's data it belongs to.
    Head {
        /// The life of the server's data.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        epoch: ServerEpoch,
        /// The position.
        cursor: u64,
        /// The chain hash there.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        chain: ChainHash,
    },
    /// Of several positions, the one in this space belongs to another history.
    SpaceHead {
        /// The space.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        space: SpaceId,
        /// The position of its log's head.
        cursor: u64,
        /// The chain hash there.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        chain: ChainHash,
    },
    /// The change set refers to chunks that are not there.
    Chunks {
        /// The first of them, [`crate::limits::MAX_NAMED_MISSING`] at most.
        #[serde(with = "text::list")]
        #[schema(value_type = Vec<String>)]
        ids: Vec<ChunkId>,
    },
    /// A quota has no room for what was to be stored.
    Quota {
        /// Whose.
        of: QuotaOf,
        /// What is used, in bytes, with what other uploads have reserved; absent where it is
        /// another account's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        used: Option<u64>,
        /// The limit in bytes; absent where it is another account's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
        /// What was to be stored, in bytes.
        needed: u64,
    },
    /// The account's log that the change set refers to is further on or elsewhere.
    AccountLog {
        /// The account.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        account: AccountId,
        /// The position of its head.
        cursor: u64,
    },
    /// The account is the only owner of these spaces, in which there are others.
    Spaces {
        /// The spaces.
        #[serde(with = "text::list")]
        #[schema(value_type = Vec<String>)]
        ids: Vec<SpaceId>,
    },
    /// What the account takes besides the password: one of these.
    SecondFactor {
        /// The code of an authenticator.
        code: bool,
        /// A passkey: the challenge for it, good for this session of the login, as
        /// `PublicKeyCredential.parseRequestOptionsFromJSON` takes it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>)]
        passkey: Option<serde_json::Value>,
    },
}
