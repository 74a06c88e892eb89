//! Why a request was not done.

use hythe_model::{ChunkId, Head, HeaderHash, ServerEpoch, SpaceId};
use hythe_space::{AccountRefusal, ChainFault, DecodeError, FoldError, Refusal};
use hythe_wire::problem::{NodeField, QuotaOf, There};

use super::quota::OverQuota;
use crate::blobs::BlobError;
use crate::metadata::DbError;

/// Why a request had no effect. A few kinds, by what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The caller may not do it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such thing, or the caller may not know of it.
    #[error("there is no such {0} here")]
    NotFound(&'static str),
    /// The content of the request does not verify or is over a limit.
    #[error("{0}")]
    Invalid(String),
    /// It does not fit what is there.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The change set refers to chunks that are not there, or damaged: upload them first.
    #[error("{} chunks that the change set refers to are missing", .0.len())]
    ChunksMissing(Vec<ChunkId>),
    /// The request names a history that this server does not have: it was restored from a copy,
    /// or shows its clients different histories.
    #[error("the request belongs to another history than this server's")]
    Diverged {
        /// The present life of the server's data.
        epoch: ServerEpoch,
        /// Where the log ends here.
        head: Head,
    },
    /// No space is left.
    #[error("the server has no space left")]
    Full,
    /// The database or the blob store does not answer as it should.
    #[error("the server's storage does not answer as it should")]
    Storage(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why the caller may not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no such token.
    #[error("the token is unknown")]
    TokenUnknown,
    /// The invite or one-time token was used or has ended.
    #[error("the invite or one-time token was used or has ended")]
    TokenSpent,
    /// The device was removed from its account.
    #[error("the device was removed from its account")]
    DeviceRemoved,
    /// The account is suspended.
    #[error("the account is suspended")]
    Suspended,
    /// No new accounts are made.
    #[error("the server takes no new accounts")]
    RegistrationClosed,
    /// The account is no member of the space; it may not know whether there is one.
    #[error("there is no such space here")]
    NotAMember,
    /// The account's role in the space, or in the server, does not allow it.
    #[error("the account's role does not allow it")]
    Role,
    /// It takes a login, or another one.
    #[error(transparent)]
    Login(#[from] LoginDenied),
}

/// Why a login did not succeed, or is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginDenied {
    /// Name or password are wrong, or the login took too long.
    #[error("the name or the password is wrong")]
    Wrong,
    /// The present password, factor or recovery code has to be shown first.
    #[error("the present password, second factor or recovery code has to be shown first")]
    ProofNeeded,
    /// A passkey had counted further before: there may be two of it.
    #[error("the passkey may have been copied")]
    PasskeyCopied,
    /// The server has no name that passkeys could be bound to.
    #[error("passkeys need a server with a name and https")]
    NoPasskeys,
}

/// What a change set does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The state of the space.
    #[error(transparent)]
    Space(#[from] Refusal),
    /// The state of the account.
    #[error(transparent)]
    Account(#[from] AccountRefusal),
    /// The author's own chain: something was left out, or shown twice.
    #[error("the change set does not continue its author's chain")]
    AuthorChain {
        /// How many change sets of the author there are.
        counter: u64,
        /// The last of them; zeros when there is none.
        last: HeaderHash,
    },
    /// The login name is taken.
    #[error("the login name is taken")]
    LoginTaken,
    /// It was done too often of late: there is room for it after this time.
    #[error("this was done too often of late")]
    TooOften(std::time::Duration),
    /// The account is the only owner of spaces in which there are others.
    #[error("others take part in spaces whose only owner the account is")]
    LastOwner(Vec<SpaceId>),
    /// A quota has no room for it.
    #[error(transparent)]
    Quota(#[from] OverQuota),
    /// The link was revoked, has ended, or was used as often as it may be.
    #[error("the link was revoked, has ended, or was used as often as it may be")]
    LinkEnded,
}

impl FilesError {
    /// Content that does not verify, in one sentence.
    pub(super) fn invalid(sentence: impl Into<String>) -> Self {
        Self::Invalid(sentence.into())
    }

    /// What is there instead, for the answer; none when that says nothing.
    pub fn there(&self) -> Option<There> {
        match self {
            Self::Refused(Refused::Space(refusal)) => space_there(refusal),
            Self::Refused(Refused::AuthorChain { counter, last }) => Some(There::AuthorChain {
                counter: *counter,
                previous: *last,
            }),
            Self::ChunksMissing(ids) => Some(There::Chunks { ids: ids.clone() }),
            Self::Diverged { epoch, head } => Some(There::Head {
                epoch: *epoch,
                cursor: head.cursor.0,
                chain: head.chain,
            }),
            Self::Denied(Denied::Role) => Some(There::NotAllowed),
            Self::Refused(Refused::LastOwner(ids)) => Some(There::Spaces { ids: ids.clone() }),
            Self::Refused(Refused::Quota(over)) => Some(quota_there(over)),
            _ => None,
        }
    }
}

/// Whoever writes into somebody else's space does not learn what else that account stores.
fn quota_there(over: &OverQuota) -> There {
    let own = over.of != QuotaOf::Owner;
    There::Quota {
        of: over.of,
        used: own.then_some(over.used),
        limit: own.then_some(over.limit),
        needed: over.needed,
    }
}

fn space_there(refusal: &Refusal) -> Option<There> {
    Some(match refusal {
        Refusal::NotAllowed(hythe_space::Denied::AccountBehind { account, needs }) => {
            There::AccountLog {
                account: *account,
                cursor: needs.0,
            }
        }
        Refusal::NotAllowed(_) => There::NotAllowed,
        Refusal::Absent { node } => There::NoNode { node: *node },
        Refusal::Mismatch { node, field, there } => There::Mismatch {
            node: *node,
            field: wire_field(*field),
            version: *there,
        },
        Refusal::NameTaken { parent, tag, by } => There::NameTaken {
            parent: *parent,
            tag: *tag,
            by: *by,
        },
        Refusal::NotEmpty { node } => There::NotEmpty { node: *node },
        Refusal::Cycle { node } => There::Cycle { node: *node },
        Refusal::WrongEpoch { current } => There::KeyEpoch { current: current.0 },
        Refusal::BadChain(_) => return None,
    })
}

fn wire_field(field: hythe_space::Field) -> NodeField {
    match field {
        hythe_space::Field::Place => NodeField::Place,
        hythe_space::Field::Attributes => NodeField::Attributes,
        hythe_space::Field::Body => NodeField::Body,
    }
}

/// Whether a refusal means that the author had seen another history than this server's.
pub(super) fn is_other_history(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::BadChain(ChainFault::Seen | ChainFault::AccountSeen)
    )
}

impl From<DbError> for FilesError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Full => Self::Full,
            other => Self::Storage(Box::new(other)),
        }
    }
}

impl From<BlobError> for FilesError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full => Self::Full,
            other => Self::Storage(Box::new(other)),
        }
    }
}

impl From<DecodeError> for FilesError {
    /// Bytes that a client sent.
    fn from(error: DecodeError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<OverQuota> for FilesError {
    fn from(over: OverQuota) -> Self {
        Self::Refused(Refused::Quota(over))
    }
}

impl From<AccountRefusal> for FilesError {
    fn from(refusal: AccountRefusal) -> Self {
        Self::Refused(Refused::Account(refusal))
    }
}

impl From<FoldError<DbError>> for FilesError {
    fn from(error: FoldError<DbError>) -> Self {
        match error {
            FoldError::Refused(refusal) => Self::Refused(Refused::Space(refusal)),
            FoldError::View(error) => error.into(),
        }
    }
}
