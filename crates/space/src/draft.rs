//! Writing change sets.

use hythe_model::{AccountId, Head, HeaderHash, KeyEpoch, OperationId, SpaceId};

use crate::changeset::ChangeSet;
use crate::crypto::{SUITE, SigningKey};
use crate::error::DecodeError;
use crate::hash::Hash32;
use crate::header::{Behalf, Header, NO_LOG, NO_PREVIOUS, log_of};
use crate::limits::{MAX_CHANGE_SET_BYTES, MAX_OPERATIONS};
use crate::operation::{Create, Delete, Operation, Restore, Update};
use crate::record::AuthorRecord;

/// Why a draft did not become a change set: its operations do not fit together, or it is over a
/// limit. The same check as when reading one.
pub type DraftError = DecodeError;

/// What the header of a change set says besides its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The log.
    pub log: SpaceId,
    /// The author's count of change sets in this log, with this one.
    pub counter: u64,
    /// The author's previous change set in this log.
    pub previous: HeaderHash,
    /// The request.
    pub operation: OperationId,
    /// What the author has seen of this log.
    pub seen: Head,
    /// What the author has seen of its account's log.
    pub account_seen: Head,
    /// The key epoch that parts are sealed under.
    pub key_epoch: KeyEpoch,
    /// The author's clock, in milliseconds since 1970.
    pub time_ms: i64,
    /// For whom, when not for the author's own account.
    pub behalf: Option<Behalf>,
}

impl Stamp {
    /// For the first change set of a new log.
    pub fn genesis(operation: OperationId, account_seen: Head, time_ms: i64) -> Self {
        Self {
            log: NO_LOG,
            counter: 1,
            previous: NO_PREVIOUS,
            operation,
            seen: Head::START,
            account_seen,
            key_epoch: KeyEpoch(0),
            time_ms,
            behalf: None,
        }
    }

    /// For the next change set of a device in a space, of which the fold knows `author` (none when
    /// the device has not written there yet).
    pub fn next(
        log: SpaceId,
        author: Option<&AuthorRecord>,
        seen: Head,
        account_seen: Head,
        key_epoch: KeyEpoch,
        operation: OperationId,
        time_ms: i64,
    ) -> Self {
        Self {
            log,
            counter: author.map_or(1, |record| record.counter + 1),
            previous: author.map_or(NO_PREVIOUS, |record| record.last),
            operation,
            seen,
            account_seen,
            key_epoch,
            time_ms,
            behalf: None,
        }
    }

    /// For the next change set of an account's own log.
    pub fn account(
        account: AccountId,
        head: Head,
        counter: u64,
        previous: HeaderHash,
        operation: OperationId,
        time_ms: i64,
    ) -> Self {
        Self {
            log: log_of(account),
            counter,
            previous,
            operation,
            seen: head,
            account_seen: head,
            key_epoch: KeyEpoch(0),
            time_ms,
            behalf: None,
        }
    }

    fn header(self) -> Header {
        Header {
            suite: SUITE,
            space: self.log,
            author: hythe_model::DeviceId([0; 32]),
            counter: self.counter,
            previous: self.previous,
            operation: self.operation,
            seen: self.seen,
            account_seen: self.account_seen,
            key_epoch: self.key_epoch,
            time_ms: self.time_ms,
            clear: Hash32([0; 32]),
            sealed: Vec::new(),
            behalf: self.behalf,
        }
    }
}

/// The sealed parts of a new node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedNode {
    /// The sealed name.
    pub name: Vec<u8>,
    /// The sealed attributes.
    pub attributes: Vec<u8>,
    /// The sealed body; as there is one in the operation.
    pub body: Option<Vec<u8>>,
}

/// The sealed parts of an update: one for each field that the operation writes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SealedFields {
    /// The sealed name.
    pub name: Option<Vec<u8>>,
    /// The sealed attributes.
    pub attributes: Option<Vec<u8>>,
    /// The sealed body.
    pub body: Option<Vec<u8>>,
}

/// Operations and sealed parts that will become one change set.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    operations: Vec<Operation>,
    sealed: Vec<Vec<u8>>,
    bytes: usize,
}

/// Room for header and framing, per operation and per part; more than they ever take.
const OPERATION_BYTES: usize = 256;
const PART_BYTES: usize = 40;

impl Draft {
    /// An empty draft.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a new node.
    pub fn create(&mut self, create: Create, sealed: SealedNode) {
        let refs = create.body.as_ref().map_or(0, |body| body.refs.len());
        self.add(
            Operation::Create(create),
            refs,
            [Some(sealed.name), Some(sealed.attributes), sealed.body],
        );
    }

    /// Adds an update.
    pub fn update(&mut self, update: Update, sealed: SealedFields) {
        let refs = update.body.as_ref().map_or(0, |body| body.write.refs.len());
        self.add(
            Operation::Update(update),
            refs,
            [sealed.name, sealed.attributes, sealed.body],
        );
    }

    /// Adds a delete.
    pub fn delete(&mut self, delete: Delete) {
        self.push(Operation::Delete(delete));
    }

    /// Adds a return from the trash, with the sealed name.
    pub fn restore(&mut self, restore: Restore, name: Vec<u8>) {
        self.add(Operation::Restore(restore), 0, [Some(name), None, None]);
    }

    /// Adds an operation without sealed parts.
    pub fn push(&mut self, operation: Operation) {
        self.add(operation, 0, [None, None, None]);
    }

    /// Adds everything of another draft, after what is here.
    pub fn extend(&mut self, other: Self) {
        self.operations.extend(other.operations);
        self.sealed.extend(other.sealed);
        self.bytes += other.bytes;
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Whether the change set would come near a limit with `more_bytes` of sealed parts in one
    /// more operation: sign this draft and begin another.
    pub fn is_full(&self, more_bytes: usize) -> bool {
        self.operations.len() >= MAX_OPERATIONS
            || self.bytes + more_bytes + OPERATION_BYTES + 4 * PART_BYTES
                > MAX_CHANGE_SET_BYTES - (64 << 10)
    }

    /// Hashes and signs.
    ///
    /// # Errors
    /// See [`DraftError`].
    pub fn sign(self, stamp: Stamp, key: &SigningKey) -> Result<ChangeSet, DraftError> {
        ChangeSet::sign(stamp.header(), self.operations, &self.sealed, key)
    }

    fn add(&mut self, operation: Operation, refs: usize, parts: [Option<Vec<u8>>; 3]) {
        self.operations.push(operation);
        self.bytes += OPERATION_BYTES + refs * 32;
        for part in parts.into_iter().flatten() {
            self.bytes += PART_BYTES + part.len();
            self.sealed.push(part);
        }
    }
}
