//! Committing a change set to a space.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use hythe_model::{ChunkId, ServerEpoch, SpaceId};
use hythe_space::operation::BodyWrite;
use hythe_space::{
    AccountState, ChainFault, ChangeSet, Effects, FoldError, Moment, Operation, Refusal, View, fold,
};

use super::access::{self, Want};
use super::apply::{self, Committed};
use super::error::is_other_history;
use super::objects::{Attached, Objects};
use super::quota::{self, Payer};
use super::tree::{self, Walk};
use super::view::SqlView;
use super::{Denied, Files, FilesError, Inner, Principal, Refused, endings, inbox, members};
use crate::clock::now_ms;
use crate::metadata::chunks::ChunkKind;
use crate::metadata::logs::Log;
use crate::metadata::{DbError, Tx};

/// Change sets up to this size are read where they arrive; longer ones where blocking is allowed.
const MAX_DECODED_IN_PLACE: usize = 64 << 10;

/// Rounds of looking at layout trees inside a commit: more than what can be attached has.
const WALKS_IN_COMMIT: usize = 16;

/// A change set for a space, with the small objects that it needs.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The space.
    pub space: SpaceId,
    /// The encoded change set.
    pub change_set: Bytes,
    /// Objects the server may lack.
    pub attached: Vec<Attached>,
}

/// A commit that was checked as far as it can be without the state of its space.
pub(super) struct Prepared {
    change_set: ChangeSet,
    objects: Objects,
    /// Every chunk that a new version names, once.
    refs: Vec<ChunkId>,
    /// The roots of trees among them.
    roots: HashSet<ChunkId>,
}

impl Files {
    /// Commits a change set: all of it or nothing. What is acknowledged survives a power cut. A
    /// repetition of the same operation gets the first answer.
    ///
    /// # Errors
    /// Every kind of [`FilesError`].
    pub async fn commit(
        &self,
        principal: &Principal,
        commit: Commit,
    ) -> Result<Committed, FilesError> {
        self.still_valid(principal).await?;
        let space = commit.space;
        let change_set = decode(commit.change_set).await?;
        check_author(&change_set, principal, space)?;
        if Objects::need_a_pack(&commit.attached) {
            // Nobody who may not write, or has no room left, fills the disk. What goes into the
            // transaction is judged there, and nothing of it is written before.
            self.may_upload(principal, space).await?;
        }
        let objects = Objects::attach(&self.inner.blobs, commit.attached).await?;
        let has_small = objects.has_small();
        let prepared = Arc::new(Prepared::new(change_set, objects)?);
        self.settle_trees(principal, space, &prepared).await?;
        let (inner, principal) = (Arc::clone(&self.inner), principal.clone());
        let committed = self
            .inner
            .database
            .write(move |tx| commit_in(tx, &inner, &principal, space, &prepared))
            .await?;
        self.inner.committed(&committed);
        if has_small {
            self.inner.wake_drain();
        }
        Ok(committed)
    }

    /// Whether somebody may write, and has room left.
    ///
    /// # Errors
    /// [`Denied`], [`Refused::Quota`].
    pub(super) async fn may_upload(
        &self,
        principal: &Principal,
        space: SpaceId,
    ) -> Result<(), FilesError> {
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Put)?;
            quota::look(tx, log.no, Payer::of(&principal, None), 0)
        };
        self.inner.database.read(read).await
    }

    /// Shows the trees complete that the commit names, or that its attached nodes name.
    async fn settle_trees(
        &self,
        principal: &Principal,
        space: SpaceId,
        commit: &Prepared,
    ) -> Result<(), FilesError> {
        let named = commit.roots.iter().copied().chain(commit.objects.refs());
        let named: Vec<ChunkId> = named.collect();
        if named.is_empty() {
            return Ok(());
        }
        let principal = principal.clone();
        let find = move |tx: &mut dyn Tx| access::space(tx, &principal, space, Want::Upload);
        let log = self.inner.database.read(find).await?;
        Ok(tree::settle(&self.inner.database, log.no, named).await?)
    }
}

/// What can be said of a commit by who sends it where.
fn check_author(
    change_set: &ChangeSet,
    principal: &Principal,
    space: SpaceId,
) -> Result<(), FilesError> {
    let header = change_set.header();
    let says_restored = |operation: &Operation| matches!(operation, Operation::Restored(_));
    let wrong = if change_set.log() != space || header.is_genesis() {
        "the change set belongs to another log"
    } else if header.author != principal.device() {
        "the change set was not signed by this device"
    } else if change_set.operations().iter().any(says_restored) {
        "only the server says that it was restored"
    } else {
        return Ok(());
    };
    Err(FilesError::invalid(wrong))
}

/// Reads a change set that a client sent.
pub(super) async fn decode(bytes: Bytes) -> Result<ChangeSet, FilesError> {
    if bytes.len() <= MAX_DECODED_IN_PLACE {
        return Ok(ChangeSet::decode(&bytes)?);
    }
    let decoded = tokio::task::spawn_blocking(move || ChangeSet::decode(&bytes)).await;
    Ok(decoded.map_err(|_| DbError::Closed)??)
}

impl Prepared {
    /// Checks what can be checked of a change set and its objects alone.
    ///
    /// # Errors
    /// [`FilesError::Invalid`].
    pub(super) fn new(change_set: ChangeSet, objects: Objects) -> Result<Self, FilesError> {
        let purged = change_set.writes().any(|write| {
            let parts = [write.parts.name, write.parts.attributes, write.parts.body];
            parts.into_iter().flatten().any(|part| part.bytes.is_none())
        });
        if purged {
            return Err(FilesError::invalid(
                "a sealed part is missing in the change set",
            ));
        }
        let bodies = change_set.operations().iter().filter_map(body_of);
        let mut refs: Vec<ChunkId> = Vec::new();
        let mut roots = HashSet::new();
        for body in bodies {
            refs.extend_from_slice(&body.refs);
            if body.tree {
                roots.extend(&body.refs);
            }
        }
        refs.sort_unstable();
        refs.dedup();
        Ok(Self {
            change_set,
            objects,
            refs,
            roots,
        })
    }
}

/// The content that an operation writes.
pub(super) fn body_of(operation: &Operation) -> Option<&BodyWrite> {
    match operation {
        Operation::Create(create) => create.body.as_ref(),
        Operation::Update(update) => update.body.as_ref().map(|body| &body.write),
        _ => None,
    }
}

/// The commit itself, in one transaction.
fn commit_in(
    tx: &mut dyn Tx,
    inner: &Inner,
    principal: &Principal,
    space: SpaceId,
    commit: &Prepared,
) -> Result<Committed, FilesError> {
    let mut log = access::to_commit(tx, principal, space, &commit.change_set)?;
    if let Some(first) = apply::repeated(tx, log.no, &commit.change_set)? {
        return Ok(first);
    }
    members::check_new(tx, inner.account(), &log, &commit.change_set)?;
    endings::check(&log, &commit.change_set)?;
    let taken = inbox::taken_in(tx, &log, &commit.change_set)?;
    let now_ms = now_ms();
    let account = inner.accounts.get(tx, principal.account())?;
    let moment = Moment::Accepting { now_ms };
    let effects = judge(
        tx,
        inner.epoch(),
        &log,
        &account,
        moment,
        &commit.change_set,
    )?;
    let payer = Payer::of(principal, None);
    commit.objects.record(tx, log.no, payer, now_ms)?;
    check_chunks(tx, &log, commit)?;
    let committed = apply::write_space(tx, &mut log, &commit.change_set, &effects, now_ms)?;
    inbox::forget(tx, log.no, &taken)?;
    inner.checkpoint_if_due(tx, &log, now_ms)?;
    Ok(committed)
}

/// Folds a change set over the state in SQL.
pub(super) fn judge(
    tx: &mut dyn Tx,
    epoch: ServerEpoch,
    log: &Log,
    account: &AccountState,
    moment: Moment,
    change_set: &ChangeSet,
) -> Result<Effects, FilesError> {
    let view = SqlView::for_change_set(tx, log.no, change_set)?;
    let refusal = match fold(&view, account, moment, log.head, change_set) {
        Ok(effects) => return Ok(effects),
        Err(FoldError::View(error)) => return Err(error.into()),
        Err(FoldError::Refused(refusal)) => refusal,
    };
    Err(match refusal {
        refusal if is_other_history(&refusal) => FilesError::Diverged {
            epoch,
            head: log.head,
        },
        Refusal::BadChain(ChainFault::Counter { .. } | ChainFault::Previous) => {
            let author = view.author(change_set.header().author)?;
            let (counter, last) = match author {
                Some(author) => (author.counter, author.last),
                None => (0, hythe_space::header::NO_PREVIOUS),
            };
            Refused::AuthorChain { counter, last }.into()
        }
        Refusal::NotAllowed(hythe_space::Denied::RemovedDevice) => Denied::DeviceRemoved.into(),
        refusal => Refused::Space(refusal).into(),
    })
}

/// Every chunk that the new versions name is there and not known to be damaged.
///
/// # Errors
/// [`FilesError::ChunksMissing`], or the database's.
pub(super) fn check_chunks(
    tx: &mut dyn Tx,
    log: &Log,
    commit: &Prepared,
) -> Result<(), FilesError> {
    check_refs(tx, log, &commit.refs, &commit.roots, &commit.objects)
}

/// The same, of chunks that are named otherwise.
///
/// # Errors
/// As [`check_chunks`].
pub(super) fn check_refs(
    tx: &mut dyn Tx,
    log: &Log,
    refs: &[ChunkId],
    roots: &HashSet<ChunkId>,
    objects: &Objects,
) -> Result<(), FilesError> {
    // What was there before was settled before: this looks at what came with the commit itself.
    let mut walk = Walk::new(roots.iter().copied().chain(objects.layout_nodes()));
    for _ in 0..WALKS_IN_COMMIT {
        walk.go_on(tx, log.no)?;
    }
    let mut missing = walk.missing().to_vec();
    let kinds = tree::stored(tx, log.no, refs)?;
    for (id, kind) in refs.iter().zip(kinds) {
        match kind {
            Some(ChunkKind::CompleteLayout) => {}
            Some(_) if !roots.contains(id) => {}
            _ => missing.push(*id),
        }
    }
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(FilesError::ChunksMissing(missing))
    }
}
