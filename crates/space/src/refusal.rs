//! Why a fold refuses a change set. A server answers with it; a client that meets one in a log
//! stops trusting the server.

use hythe_model::{AccountId, Cursor, KeyEpoch, NameTag, NodeId, VersionId};

/// A separately versioned field of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Name and parent.
    Place,
    /// Attributes.
    Attributes,
    /// Content.
    Body,
}

/// Why a change set is refused, always whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The author may not do this.
    #[error("not allowed: {0}")]
    NotAllowed(Denied),
    /// A node, or the parent it should get, does not exist, is deleted, is no directory, or moves
    /// with all it holds into another space.
    #[error("node {node} is not there")]
    Absent {
        /// The node.
        node: NodeId,
    },
    /// A field is not in the state that the author expected.
    #[error("the {field:?} of node {node} is not as expected")]
    Mismatch {
        /// The node.
        node: NodeId,
        /// The field.
        field: Field,
        /// Its version now; none when it has no such field.
        there: Option<VersionId>,
    },
    /// Another living node of that parent has the name.
    #[error("the name is taken by node {by}")]
    NameTaken {
        /// The parent.
        parent: NodeId,
        /// The name's tag.
        tag: NameTag,
        /// Who has it.
        by: NodeId,
    },
    /// The directory to delete still has living children.
    #[error("directory {node} is not empty")]
    NotEmpty {
        /// The directory.
        node: NodeId,
    },
    /// The directory would come to lie below itself, or too deep to tell.
    #[error("directory {node} cannot be moved below itself")]
    Cycle {
        /// The directory.
        node: NodeId,
    },
    /// The change set does not continue this log or its author's own chain.
    #[error("the change set does not continue the log: {0}")]
    BadChain(ChainFault),
    /// It is sealed under another key epoch than the current, or starts one that is not next.
    #[error("the current key epoch is {}", current.0)]
    WrongEpoch {
        /// The current key epoch.
        current: KeyEpoch,
    },
}

/// Why the author may not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No known account has this device, or not at the point of its log that the header names.
    #[error("the device is not known in its account's log")]
    UnknownDevice,
    /// The device was removed.
    #[error("the device was removed from its account")]
    RemovedDevice,
    /// The header names a point of its account's log that the reader has not seen: read that log
    /// up to there and fold again.
    #[error("account {account} is known only up to before position {needs}")]
    AccountBehind {
        /// The account.
        account: AccountId,
        /// The position that is named.
        needs: Cursor,
    },
    /// The signature is not the author's.
    #[error("the signature is not the author's")]
    Signature,
    /// The account is no member, or its role is too weak.
    #[error("the account's role does not allow it")]
    Role,
    /// The account on whose behalf it was written may not write.
    #[error("the account on whose behalf it was written may not write")]
    Behalf,
    /// The space would have no owner, or a removed member would keep the current key; or an offer to
    /// join is unknown, used up, expired, or not for this account; or an end is too soon or too late.
    #[error("members, key epoch, offers to join and the end do not fit together")]
    Members,
    /// The operation does not belong into this log.
    #[error("the operation does not belong into this log")]
    WrongLog,
}

/// Where a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// It was made for another log, or starts one where there is one.
    #[error("it belongs to another log")]
    Log,
    /// The author's counter is not the next one: something was left out, or shown twice.
    #[error("the author's counter should be {expected}")]
    Counter {
        /// What it should be.
        expected: u64,
    },
    /// It does not follow the author's previous change set.
    #[error("it does not follow the author's previous change set")]
    Previous,
    /// The author had seen another history of this log.
    #[error("its author had seen another history of this log")]
    Seen,
    /// The author had seen another history of its account's log.
    #[error("its author had seen another history of its account")]
    AccountSeen,
}
