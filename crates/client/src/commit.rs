//! This device's own change sets: from what was planned to what the log says.
//!
//! Of one device and space one change set is under way at a time. It is stored before it is sent, so
//! that an outcome that was not seen is found by reading the log, never by sending blindly (C6).

mod draft;
mod found;
mod govern;
mod joining;
mod keys;

pub use found::found_space;
pub use govern::Shared;

use hythe_model::{
    Attributes, ChunkId, EntryName, Head, HeaderHash, KeyEpoch, NodeId, NodeKind, OperationId,
    VersionId,
};
use hythe_space::operation::BodyWrite;
use hythe_space::{
    Behalf, ChangeSet, CryptoError, DraftError, Entropy, Operation, SigningKey, Stamp, View,
};
use hythe_sync::Versions;
use hythe_wire::There;
use hythe_wire::log::{CommitReply, CommitRequest};

use crate::net::{ApiError, Retry};
use crate::pool::PoolError;
use crate::replica::{Alarm, Applied, Placed, Position, Replica, ReplicaError, RowsView, now_ms};
use crate::state::{OwnRow, StateError};
use crate::transfer::{Prepared, SealedObject};

/// Edits in one change set at most, so that folding it stays short everywhere.
pub const MAX_EDITS: usize = 2000;

/// The hash of no change set.
const NOTHING: HeaderHash = HeaderHash([0; 32]);

/// A new state of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewAttributes {
    /// The version that must be there.
    pub expected: VersionId,
    /// The version this makes.
    pub new: VersionId,
    /// The attributes.
    pub attributes: Attributes,
}

/// A new content.
pub struct NewBody {
    /// The version that must be there.
    pub expected: VersionId,
    /// The version this makes.
    pub new: VersionId,
    /// The content, which was uploaded.
    pub prepared: Prepared,
}

/// A node whose content is stored already.
pub struct Copied {
    /// The node.
    pub node: NodeId,
    /// What it is.
    pub kind: NodeKind,
    /// The directory.
    pub parent: NodeId,
    /// Its name there.
    pub name: EntryName,
    /// Its attributes.
    pub attributes: Attributes,
    /// The versions of name and attributes that this makes.
    pub place_version: VersionId,
    /// See above.
    pub attributes_version: VersionId,
    /// What the operation says of the content, with the plaintext of the body field.
    pub body: Option<(BodyWrite, Vec<u8>)>,
}

/// One thing to do in the log, as the planner's remote steps say it.
pub enum Edit {
    /// Makes a node. A file or symlink has content.
    Create {
        /// The node.
        node: NodeId,
        /// What it is.
        kind: NodeKind,
        /// The directory.
        parent: NodeId,
        /// Its name there.
        name: EntryName,
        /// Its attributes.
        attributes: Attributes,
        /// The versions this makes.
        new: Versions,
        /// The content, which was uploaded.
        body: Option<Prepared>,
    },
    /// Brings a deleted node back.
    Restore {
        /// The node.
        node: NodeId,
        /// The directory.
        parent: NodeId,
        /// Its name there.
        name: EntryName,
        /// The place version that must be there.
        expected: VersionId,
        /// The place version this makes.
        new: VersionId,
    },
    /// Moves or renames a node.
    Move {
        /// The node.
        node: NodeId,
        /// The directory.
        parent: NodeId,
        /// Its name there.
        name: EntryName,
        /// The place version that must be there.
        expected: VersionId,
        /// The place version this makes.
        new: VersionId,
    },
    /// Writes attributes, content or both.
    Update {
        /// The node.
        node: NodeId,
        /// New attributes.
        attributes: Option<NewAttributes>,
        /// New content.
        body: Option<NewBody>,
    },
    /// Makes a node whose content is stored already: a copy of a node of another space, or an
    /// attachment.
    Copy(Box<Copied>),
    /// An operation on nodes without a sealed part.
    Clear(Operation),
    /// Deletes a node; a directory is empty by then.
    Delete {
        /// The node.
        node: NodeId,
        /// The versions that must be there; the attributes' does not count.
        expected: Versions,
    },
}

/// What a commit led to.
pub struct Committed {
    /// What changed in the Remote tree: the own change set, and others that came before it.
    pub applied: Applied,
    /// Edits, in order, that did not fit into the change set: commit them next.
    pub rest: Vec<Edit>,
}

/// Why a change set was not committed. Nothing of it counts then, with the exception that each
/// variant names.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// It does not fit what is there; the log was read on, so planning again sees what is.
    #[error("the change does not fit what is on the server")]
    Refused {
        /// What is there instead, where the server says so.
        there: Option<There>,
        /// What changed in the Remote tree.
        applied: Applied,
    },
    /// The server lacks chunks that were taken for granted: upload the files again, with no
    /// previous layout.
    #[error("the server lacks chunks of the change")]
    ChunksMissing {
        /// The first of them.
        chunks: Vec<ChunkId>,
    },
    /// The outcome is not known: the next call finds out before it does anything else.
    #[error("the server did not answer: {0}")]
    Unknown(#[source] ApiError),
    /// The space has no key for this device yet.
    #[error("this device has no key of the space")]
    NoKey,
    /// The change set could not be made.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The log could not be read on, or the state not be written.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl From<StateError> for CommitError {
    fn from(error: StateError) -> Self {
        Self::Replica(error.into())
    }
}

impl From<PoolError> for CommitError {
    fn from(error: PoolError) -> Self {
        Self::Replica(error.into())
    }
}

impl From<CryptoError> for CommitError {
    fn from(error: CryptoError) -> Self {
        Self::Replica(error.into())
    }
}

impl Replica {
    /// Commits edits as one change set, in their order and all together, and folds it here. Edits
    /// that do not fit come back. `attached` are the objects that the uploads left to travel along.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn commit(
        &self,
        edits: Vec<Edit>,
        attached: Vec<SealedObject>,
    ) -> Result<Committed, CommitError> {
        self.commit_for(edits, attached, None).await
    }

    /// The same, on behalf of who put a file that this device takes in.
    pub(crate) async fn commit_for(
        &self,
        edits: Vec<Edit>,
        attached: Vec<SealedObject>,
        behalf: Option<Behalf>,
    ) -> Result<Committed, CommitError> {
        let mut position = self.enter().await?;
        self.settle(&mut position).await?;
        let mut rest = Vec::new();
        if !edits.is_empty() {
            let (change_set, left) = self.sign(&position, edits, behalf).await?;
            rest = left;
            self.send(&mut position, change_set, attached).await?;
        }
        Ok(Committed {
            applied: self.untold.tell(position.head),
            rest,
        })
    }

    /// Stores a change set as under way, sends it, and folds it when it was accepted.
    async fn send(
        &self,
        position: &mut Position,
        change_set: ChangeSet,
        attached: Vec<SealedObject>,
    ) -> Result<(), CommitError> {
        self.store_underway(Some(&change_set)).await?;
        self.sent.note(&change_set);
        let request = CommitRequest {
            change_set: change_set.encoded().to_vec().into(),
            attached: attached.into_iter().map(SealedObject::attach).collect(),
        };
        match self.session.api.commit(self.space, &request).await {
            Ok(reply) => Ok(self.accepted(position, change_set, &reply).await?),
            Err(error) => Err(self.not_accepted(position, error).await),
        }
    }

    /// Finds out what became of a change set whose reply was not seen: by reading the log.
    ///
    /// # Errors
    /// When the log cannot be read on; then it is not known yet.
    pub async fn settle_underway(&self) -> Result<Applied, ReplicaError> {
        let mut position = self.enter().await?;
        self.settle(&mut position).await?;
        Ok(self.untold.tell(position.head))
    }

    async fn settle(&self, position: &mut Position) -> Result<(), ReplicaError> {
        let number = self.number;
        let own = self.session.state.read(|rows| rows.own(number))?;
        let Some(underway) = own.and_then(|own| own.underway) else {
            return Ok(());
        };
        // Accepted or not, it is in the log by now or will be refused: the author's chain admits
        // one change set at this place.
        self.read_to_head(position).await?;
        // A server that is slow may take it yet: then it is still this device's own.
        let given_up = ChangeSet::decode(&underway).ok();
        self.put_own(OwnRow {
            counter: given_up.as_ref().map_or(0, |sent| sent.header().counter),
            previous: given_up.map_or(NOTHING, |sent| sent.hash()),
            underway: None,
        })
        .await
    }

    /// Seals and signs as many edits as fit.
    async fn sign(
        &self,
        position: &Position,
        edits: Vec<Edit>,
        behalf: Option<Behalf>,
    ) -> Result<(ChangeSet, Vec<Edit>), CommitError> {
        let keys = position.keyring.current().ok_or(CommitError::NoKey)?;
        let tags = position.keyring.tags().ok_or(CommitError::NoKey)?;
        let mut stamp = self.stamp(position, keys.epoch()).await?;
        stamp.behalf = behalf;
        let signing = SigningKey::from_seed(&self.session.device.signing);
        let drafting = self.session.pool.run(move |_| {
            let sealer = draft::Sealer { keys, tags };
            let (draft, rest) = sealer.draft(edits);
            draft
                .sign(stamp, &signing)
                .map(|change_set| (change_set, rest))
        });
        Ok(drafting.await??)
    }

    /// What the header of this device's next change set says.
    async fn stamp(&self, position: &Position, epoch: KeyEpoch) -> Result<Stamp, CommitError> {
        let device = &self.session.device;
        let account = self.session.accounts.get(device.account).await?;
        let (number, author) = (self.number, device.device);
        let record = self.session.state.read(|rows| {
            RowsView {
                rows,
                space: number,
            }
            .author(author)
        })?;
        let operation = OperationId(Entropy::system()?.bytes());
        Ok(Stamp::next(
            self.space,
            record.as_ref(),
            position.head,
            account.head(),
            epoch,
            operation,
            now_ms(),
        ))
    }

    async fn store_underway(&self, change_set: Option<&ChangeSet>) -> Result<(), ReplicaError> {
        self.put_own(OwnRow {
            counter: change_set.map_or(0, |change_set| change_set.header().counter),
            previous: change_set.map_or(NOTHING, |set| set.header().previous),
            underway: change_set.map(|change_set| change_set.encoded().to_vec()),
        })
        .await
    }

    async fn put_own(&self, own: OwnRow) -> Result<(), ReplicaError> {
        let number = self.number;
        Ok(self
            .session
            .state
            .write(move |tx| tx.put_own(number, &own))
            .await?)
    }

    /// Folds the own change set, after those that came before it.
    async fn accepted(
        &self,
        position: &mut Position,
        change_set: ChangeSet,
        reply: &CommitReply,
    ) -> Result<(), ReplicaError> {
        if position.head.cursor.next() == reply.head.cursor {
            let entry = Placed {
                head: reply.head,
                change_set,
            };
            self.carry_on(position, vec![entry]).await?;
        } else {
            self.read_to_head(position).await?;
        }
        self.store_underway(None).await?;
        self.check_digest(position, reply.head, reply.digest)
    }

    fn check_digest(
        &self,
        position: &Position,
        head: Head,
        digest: [u8; 32],
    ) -> Result<(), ReplicaError> {
        let own = *position.digest.digest().as_bytes();
        if position.head == head && own != digest {
            return Err(Alarm::Digest { at: head.cursor }.into());
        }
        Ok(())
    }

    async fn not_accepted(&self, position: &mut Position, error: ApiError) -> CommitError {
        if matches!(error.retry(), Retry::Later(_)) {
            return CommitError::Unknown(error);
        }
        if let Err(error) = self.store_underway(None).await {
            return error.into();
        }
        let there = error.problem().and_then(|problem| problem.there.clone());
        match (&error, there) {
            (_, Some(There::Chunks { ids })) => CommitError::ChunksMissing { chunks: ids },
            (ApiError::Refused(problem), there) if problem.status == 409 => {
                match self.read_to_head(position).await {
                    Ok(()) => CommitError::Refused {
                        there,
                        applied: self.untold.tell(position.head),
                    },
                    Err(error) => error.into(),
                }
            }
            _ => ReplicaError::Api(error).into(),
        }
    }
}
