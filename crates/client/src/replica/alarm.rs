//! What an honest server cannot show.

use hythe_model::{AccountId, Cursor};
use hythe_space::{AccountRefusal, DecodeError, Refusal};

use super::contradiction::Contradiction;

/// Why what the server shows is not believed. None of it was used; local data stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    /// An entry of a log is no change set, or was changed after it was signed.
    #[error("the change set at position {at} is damaged: {reason}")]
    Damaged {
        /// The position.
        at: Cursor,
        /// What is wrong with it.
        reason: String,
    },
    /// A change set breaks a rule that the server has to keep: a forged signature, a device that
    /// may not write, a broken chain of its author, and so on.
    #[error("the change set at position {at} may not stand there: {refusal}")]
    Refused {
        /// The position.
        at: Cursor,
        /// The rule.
        refusal: Refusal,
    },
    /// An account's log breaks a rule.
    #[error("the log of account {account} does not verify: {reason}")]
    Account {
        /// The account.
        account: AccountId,
        /// The rule.
        reason: String,
    },
    /// The server shows less than it showed before (E3).
    #[error("the server is at position {shown}, this device has seen position {seen}")]
    Rollback {
        /// What this device has.
        seen: Cursor,
        /// What the server shows.
        shown: Cursor,
    },
    /// The server shows another history than before (E3).
    #[error("the history of the space is another from position {at} on")]
    Fork {
        /// The first position that is known to differ.
        at: Cursor,
    },
    /// The records, or the server's word about them, do not add up to the digest they have to.
    #[error("the state at position {at} does not have the right digest")]
    Digest {
        /// The position.
        at: Cursor,
    },
    /// A snapshot is not of this space, or not vouched for by this account.
    #[error("the snapshot is not vouched for by this account")]
    Snapshot,
    /// Another device was shown something else (E3).
    #[error("{0}")]
    Contradicted(Contradiction),
}

impl Alarm {
    pub(crate) fn damaged(at: Cursor, error: &DecodeError) -> Self {
        Self::Damaged {
            at,
            reason: error.to_string(),
        }
    }

    pub(crate) fn account(account: AccountId, refusal: &AccountRefusal) -> Self {
        Self::Account {
            account,
            reason: refusal.to_string(),
        }
    }
}
