//! A run of change sets into the state: verified, folded, opened, written in one transaction.

use std::collections::BTreeSet;
use std::sync::Arc;

use hythe_model::{AccountId, Attributes, Head, NodeId, NodeKind};
use hythe_space::{
    Accounts, Change, ChangeSet, Checkpoint, Denied, FoldError, LtHash, Moment, NodeRecord,
    Operation, Record, Refusal, Sighting, StateDigest, View, fold,
};
use hythe_sync::{Quarantine, RemoteNode, Versions};

use super::contradiction::Lie;
use super::opened::{Opened, open_all};
use super::records::stored_key;
use super::sightings::contradicted;
use super::view::RowsView;
use super::{Alarm, Position, Replica, ReplicaError};
use crate::state::{RemoteRow, SpaceNumber, StateError, Tx};

/// A change set and the position that the server says it has.
#[derive(Clone)]
pub(crate) struct Placed {
    pub(crate) head: Head,
    pub(crate) change_set: ChangeSet,
}

/// Operations that are written in one transaction: enough that its cost does not show, few enough
/// that other writers do not wait long.
const RUN_OPERATIONS: usize = 4000;

impl Replica {
    /// Carries the log on by change sets that follow the position.
    pub(crate) async fn carry_on(
        &self,
        position: &mut Position,
        entries: Vec<Placed>,
    ) -> Result<(), ReplicaError> {
        self.look_for_twin(&entries).await?;
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let mut run = next_run(&mut entries);
            run.retain(|entry| entry.head.cursor > position.head.cursor);
            while !run.is_empty() {
                run = self.carry_on_by(position, run).await?;
            }
        }
        Ok(())
    }

    /// Carries the log on by one run; returns what is still to be folded where the state turned out
    /// to be further on.
    async fn carry_on_by(
        &self,
        position: &mut Position,
        run: Vec<Placed>,
    ) -> Result<Vec<Placed>, ReplicaError> {
        let governs = run.iter().any(|entry| is_governance(&entry.change_set));
        if !position.can_open(&run) {
            self.foretell(position).await?;
        }
        let run = Arc::new(run);
        let Some(folded) = self.fold_run(position, &run).await? else {
            self.follow_state(position).await?;
            let left = run
                .iter()
                .filter(|entry| entry.head.cursor > position.head.cursor);
            return Ok(left.cloned().collect());
        };
        position.head = folded.head;
        position.digest = folded.digest;
        if governs {
            self.load_keys(position).await?;
        }
        self.show(position);
        if let Some((head, digest)) = folded.checkpoint {
            self.offer_checkpoint(head, digest).await;
        }
        Ok(Vec::new())
    }

    /// Folds one run; none where the state is not at the position (any more). Where the fold needs
    /// more of an account's log than is known, that is read and the run folded again.
    async fn fold_run(
        &self,
        position: &Position,
        run: &Arc<Vec<Placed>>,
    ) -> Result<Option<Folded>, ReplicaError> {
        let change_sets: Vec<ChangeSet> =
            run.iter().map(|entry| entry.change_set.clone()).collect();
        let opened = open_all(&self.session.pool, &position.opening(), &change_sets).await?;
        let opened = Arc::new(opened);
        loop {
            match self.try_fold(position, run, &opened).await {
                Err(RunError::Refused {
                    refusal: Refusal::NotAllowed(denied),
                    at,
                }) => {
                    if !self.learn(&denied, run).await? {
                        let refusal = Refusal::NotAllowed(denied);
                        return Err(Alarm::Refused {
                            at: at.cursor,
                            refusal,
                        }
                        .into());
                    }
                }
                Err(RunError::Refused { refusal, at }) => {
                    return Err(Alarm::Refused {
                        at: at.cursor,
                        refusal,
                    }
                    .into());
                }
                Err(RunError::Fork(at)) => return Err(Alarm::Fork { at: at.cursor }.into()),
                Err(RunError::Contradicted(said)) => return Err(contradicted(Lie::Fork, &said)),
                Err(RunError::State(error)) => return Err(error.into()),
                Err(RunError::Moved) => return Ok(None),
                Ok(folded) => return Ok(Some(folded)),
            }
        }
    }

    async fn try_fold(
        &self,
        position: &Position,
        run: &Arc<Vec<Placed>>,
        opened: &Arc<Opened>,
    ) -> Result<Folded, RunError> {
        let mut writing = Writing {
            number: self.number,
            own: self.session.device.account,
            accounts: self.session.accounts.all(),
            opened: Arc::clone(opened),
            folded: Folded {
                head: position.head,
                digest: position.digest.clone(),
                checkpoint: None,
            },
            changed: BTreeSet::new(),
            awaited: self.ahead(position)?,
        };
        let (run, untold) = (Arc::clone(run), self.untold.clone());
        let written = self.session.state.write(move |tx| {
            writing.check_start(tx)?;
            run.iter().try_for_each(|entry| writing.write(tx, entry))?;
            untold.note(std::mem::take(&mut writing.changed));
            Ok::<_, RunError>(writing.folded)
        });
        written.await
    }

    /// Reads on what is known of accounts, as a denial asks for; false when there is nothing more.
    async fn learn(&self, denied: &Denied, run: &[Placed]) -> Result<bool, ReplicaError> {
        let accounts = &self.session.accounts;
        match denied {
            Denied::AccountBehind { account, .. } => accounts.refresh(*account).await,
            Denied::UnknownDevice => {
                let mut grew = false;
                for account in self.concerned(run)? {
                    grew |= accounts.refresh(account).await?;
                }
                Ok(grew)
            }
            _ => Ok(false),
        }
    }

    /// The accounts whose devices may have written a run.
    fn concerned(&self, run: &[Placed]) -> Result<BTreeSet<AccountId>, ReplicaError> {
        let number = self.number;
        let members = self.session.state.read(|rows| {
            RowsView {
                rows,
                space: number,
            }
            .members()
        })?;
        let mut concerned: BTreeSet<AccountId> =
            members.into_iter().map(|member| member.account).collect();
        for operation in run.iter().flat_map(|entry| entry.change_set.operations()) {
            match operation {
                Operation::SpaceGenesis(genesis) => concerned.insert(genesis.owner),
                Operation::Member(member) => concerned.insert(member.account),
                Operation::Join(join) => concerned.insert(join.account),
                _ => continue,
            };
        }
        Ok(concerned)
    }
}

/// Change sets that can be opened with the keys at hand: governance may bring others, so it stands
/// alone.
fn next_run(entries: &mut std::iter::Peekable<std::vec::IntoIter<Placed>>) -> Vec<Placed> {
    let (mut run, mut operations) = (Vec::new(), 0);
    while let Some(entry) = entries.next_if(|entry| {
        run.is_empty() || (operations < RUN_OPERATIONS && !is_governance(&entry.change_set))
    }) {
        operations += entry.change_set.operations().len();
        let alone = is_governance(&entry.change_set);
        run.push(entry);
        if alone {
            break;
        }
    }
    run
}

/// Whether a change set is about members and keys rather than nodes; one is never about both.
fn is_governance(change_set: &ChangeSet) -> bool {
    !matches!(
        change_set.operations().first(),
        Some(
            Operation::Create(_)
                | Operation::Update(_)
                | Operation::Delete(_)
                | Operation::Restore(_)
        )
    )
}

/// What a run leads to.
struct Folded {
    head: Head,
    digest: LtHash,
    /// The last position of the run at which a checkpoint belongs.
    checkpoint: Option<(Head, StateDigest)>,
}

/// Why a run was not written.
#[derive(Debug)]
enum RunError {
    Refused {
        at: Head,
        refusal: Refusal,
    },
    Fork(Head),
    /// Another device was shown something else at that position.
    Contradicted(Sighting),
    /// The state was carried on meanwhile, by a write of a caller that has hung up.
    Moved,
    State(StateError),
}

impl From<StateError> for RunError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

/// A run that is being written.
struct Writing {
    number: SpaceNumber,
    own: AccountId,
    accounts: Arc<Accounts>,
    opened: Arc<Opened>,
    folded: Folded,
    changed: BTreeSet<NodeId>,
    /// What others said of positions to come.
    awaited: Vec<Sighting>,
}

impl Writing {
    /// The state has to be where the fold begins.
    fn check_start(&self, tx: &Tx<'_>) -> Result<(), RunError> {
        match tx.space(self.number)? {
            Some(row) if row.head == self.folded.head => Ok(()),
            _ => Err(RunError::Moved),
        }
    }

    fn write(&mut self, tx: &Tx<'_>, entry: &Placed) -> Result<(), RunError> {
        let folded = &mut self.folded;
        let view = RowsView {
            rows: tx,
            space: self.number,
        };
        let moment = Moment::Replaying;
        let effects = fold(
            &view,
            &*self.accounts,
            moment,
            folded.head,
            &entry.change_set,
        )
        .map_err(|error| match error {
            FoldError::Refused(refusal) => RunError::Refused {
                at: entry.head,
                refusal,
            },
            FoldError::View(error) => RunError::State(error),
        })?;
        if effects.head != entry.head {
            return Err(RunError::Fork(entry.head));
        }
        let here = |said: &&Sighting| said.head.cursor == effects.head.cursor;
        if let Some(said) = self.awaited.iter().find(here)
            && said.head != effects.head
        {
            return Err(RunError::Contradicted(*said));
        }
        // Names that are given up first: another node of the same change set may take them.
        for change in &effects.changes {
            if let Some(node) = gives_up_its_name(change) {
                tx.release_tag(self.number, node)?;
            }
        }
        for change in &effects.changes {
            put(tx, self.number, change, &self.opened)?;
            match &change.new {
                Record::Node(record) => {
                    self.changed.insert(record.node);
                    self.changed.extend(leave(tx, self.number, change, record)?);
                }
                Record::Member(member) if member.account == self.own => {
                    set_role(tx, self.number, member.role)?;
                }
                _ => {}
            }
        }
        folded.digest.combine(&effects.digest);
        folded.head = effects.head;
        tx.advance(self.number, folded.head, &folded.digest.to_bytes())?;
        if Checkpoint::is_due(folded.head.cursor) {
            folded.checkpoint = Some((folded.head, folded.digest.digest()));
        }
        Ok(())
    }
}

/// Notes that a directory becomes a space of its own, or stays after all, and takes what it held out
/// of what is shown once it has. Returns what is hidden by that.
fn leave(
    tx: &Tx<'_>,
    number: SpaceNumber,
    change: &Change,
    record: &NodeRecord,
) -> Result<Vec<NodeId>, StateError> {
    let before = match &change.old {
        Some(Record::Node(old)) => old.leaving,
        _ => None,
    };
    match (record.leaving, before) {
        (Some(to), _) if !record.is_alive() => tx.hide_below(number, record.node, to),
        (Some(to), _) => tx.put_leaving(number, record.node, to).map(|()| Vec::new()),
        (None, Some(_)) => tx.remove_leaving(number, record.node).map(|()| Vec::new()),
        (None, None) => Ok(Vec::new()),
    }
}

fn gives_up_its_name(change: &Change) -> Option<NodeId> {
    let (Some(Record::Node(old)), Record::Node(new)) = (&change.old, &change.new) else {
        return None;
    };
    let keeps = new.is_alive() && (old.parent, old.tag) == (new.parent, new.tag);
    (old.is_alive() && !keeps).then_some(new.node)
}

/// A role that is gone leaves the weakest behind; nothing is written with it.
pub(super) fn set_role(
    tx: &Tx<'_>,
    number: SpaceNumber,
    role: Option<hythe_model::Role>,
) -> Result<(), StateError> {
    let Some(mut row) = tx.space(number)? else {
        return Ok(());
    };
    row.role = role.unwrap_or(hythe_model::Role::Viewer);
    tx.update_space(number, &row)
}

fn put(
    tx: &Tx<'_>,
    number: SpaceNumber,
    change: &Change,
    opened: &Opened,
) -> Result<(), StateError> {
    match (&change.new, stored_key(change.new.key())) {
        (record, Some(key)) => tx.put_record(number, &key, &record.encode()),
        (Record::Node(new), None) => {
            let old = match &change.old {
                Some(Record::Node(old)) => Some(old),
                _ => None,
            };
            put_node(tx, number, old, new, opened)
        }
        _ => Ok(()),
    }
}

fn put_node(
    tx: &Tx<'_>,
    number: SpaceNumber,
    old: Option<&NodeRecord>,
    new: &NodeRecord,
    opened: &Opened,
) -> Result<(), StateError> {
    let before = match old {
        Some(_) => tx.remote_node(number, new.node)?,
        None => None,
    };
    let mut shown = before.unwrap_or_else(|| unwritten(new));
    shown.parent = new.parent;
    shown.deleted = !new.is_alive();
    if old.map(|old| old.place) != Some(new.place) {
        shown.name = opened.name(new.node, new.place.version);
    }
    if old.map(|old| old.attributes) != Some(new.attributes) {
        shown.attributes = opened.attributes(new.node, new.attributes.version);
    }
    if let Some(body) = new
        .body
        .filter(|body| old.and_then(|old| old.body) != Some(*body))
    {
        let inside = opened.body(new.node, body.field.version);
        (shown.size, shown.hash) = inside
            .map(|body| (body.size, body.hash))
            .unwrap_or_default();
        match inside {
            Some(body) => tx.put_remote_body(number, new.node, &body.field)?,
            None => tx.remove_remote_body(number, new.node)?,
        }
    }
    shown.versions = versions(new);
    let row = RemoteRow {
        node: shown,
        tag: new.tag,
        record: Record::Node(new.clone()).encode(),
    };
    tx.put_remote(number, &row)
}

/// A node before anything of it was opened.
pub(super) fn unwritten(record: &NodeRecord) -> RemoteNode {
    RemoteNode {
        id: record.node,
        parent: record.parent,
        name: Err(Quarantine::Sealed),
        kind: record.kind,
        deleted: !record.is_alive(),
        versions: versions(record),
        attributes: Attributes::default(),
        size: 0,
        hash: None,
    }
}

pub(super) fn versions(record: &NodeRecord) -> Versions {
    Versions {
        place: record.place.version,
        attributes: record.attributes.version,
        // What an attachment shows never changes, and is nothing that a disk could hold.
        body: record
            .body
            .filter(|_| record.kind != NodeKind::Attachment)
            .map(|body| body.field.version),
    }
}
