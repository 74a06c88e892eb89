//! Why bytes are not what they should be.

/// Why bytes are not a change set, record, checkpoint or account state.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is larger than the limit for such a thing; nothing of it was read.
    #[error("{what} is larger than {limit}")]
    TooLarge {
        /// What was being read.
        what: &'static str,
        /// The limit it exceeds, in bytes or items.
        limit: usize,
    },
    /// It was written by a version of Hythe that this one does not know.
    #[error("{what} has suite {suite}, this version knows only suite 1")]
    Suite {
        /// What was being read.
        what: &'static str,
        /// The unknown suite.
        suite: u8,
    },
    /// It is not CBOR of the right form.
    #[error("{what} is not well formed")]
    Syntax {
        /// What was being read.
        what: &'static str,
        /// Where and how.
        source: minicbor::decode::Error,
    },
    /// It says the right thing in another encoding than the one that is signed.
    #[error("{what} is not in canonical encoding")]
    NotCanonical {
        /// What was being read.
        what: &'static str,
    },
    /// The clear part is not the one that was signed.
    #[error("the clear part does not match its signed hash")]
    ClearHash,
    /// A sealed part is not the one that was signed.
    #[error("sealed part {part} does not match its signed hash")]
    SealedHash {
        /// Which one, counted from 0.
        part: usize,
    },
    /// The operations cannot stand together.
    #[error("the operations of the change set do not fit together")]
    Structure(#[from] StructureError),
}

/// Why operations cannot form a change set, whatever the state of the space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StructureError {
    /// None, or more than [`crate::limits::MAX_OPERATIONS`].
    #[error("a change set has 1 to 10000 operations")]
    Count,
    /// Operations on nodes, on the space and on an account stand in change sets of their own.
    #[error("a change set is about nodes, about the space, or about an account")]
    Mixed,
    /// The genesis is not alone, not first, or does not start a log.
    #[error("a genesis is the only operation of the first change set of a log")]
    Genesis,
    /// The root directory is never written.
    #[error("the root directory is not written")]
    Root,
    /// Files and symlinks have a body, directories have none.
    #[error("the body does not fit the kind of the node")]
    Body,
    /// Too many chunk references, or a tree without exactly one root.
    #[error("a body names at most 1024 chunks, or the one root of a tree")]
    References,
    /// The number of sealed parts is not what the operations call for.
    #[error("the number of sealed parts does not fit the operations")]
    Parts,
    /// An update that writes no field, a list of wraps that is not sorted, or a key for a member
    /// that leaves.
    #[error("an operation is empty, not in order, or contradicts itself")]
    Order,
}

/// Why a key operation failed. One error for all that an attacker could probe (A12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The signature is not that key's over that content, or the key is weak.
    #[error("the signature is not valid")]
    Signature,
    /// The bytes are no key of the wanted kind.
    #[error("the key is not valid")]
    Key,
    /// The wrapped secret was not made for this key and purpose, or was changed.
    #[error("the wrapped secret cannot be opened with this key")]
    Unwrap,
    /// The system gave no random bytes.
    #[error("the system has no random bytes to give")]
    Entropy,
}
