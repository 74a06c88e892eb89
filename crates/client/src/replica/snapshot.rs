//! Beginning with a snapshot instead of the whole log.
//!
//! A snapshot counts only if it has the digest that somebody has signed whose word counts here: a
//! device of this very account, or, in an open space, the server, which is a member there (D2).
//! Whether the space is open, and to which server, its genesis says, whose hash is the space's id:
//! no server can claim either later (A15, A30). Otherwise, and while a log is short, the log is read from its
//! beginning, which needs nobody's word. Until the end is seen and the digest is right, the space
//! stays at position 0, so a crash in between leads to beginning again.

use hythe_model::{AccountId, Cursor, Head, NodeId, SpaceId};
use hythe_space::limits::CHECKPOINT_INTERVAL;
use hythe_space::operation::Place;
use hythe_space::{
    AccountState, ChangeSet, Checkpoint, Hash32, LtHash, Moment, NodeRecord, Operation, Record,
    RecordKey, SignedCheckpoint,
};
use hythe_wire::log::{SnapshotFrame, SnapshotRecord};

use super::apply::{set_role, unwritten};
use super::opened::{OpenedBody, Opener};
use super::records::stored_key;
use super::{Alarm, Position, Replica, ReplicaError};
use crate::net::{ApiError, SnapshotReader};
use crate::state::{RemoteRow, StateError, Tx};

/// Records that are written in one transaction.
const BATCH: usize = 4000;

/// A record and what was inside its sealed parts.
struct Row {
    record: Record,
    encoded: Vec<u8>,
    node: Option<(RemoteRow, Option<OpenedBody>)>,
}

impl Replica {
    /// Begins a space that was never read. Where no snapshot can be believed, nothing happens, and
    /// the log is read from its beginning.
    pub(super) async fn begin(&self, position: &mut Position) -> Result<(), ReplicaError> {
        let mut reader = self.session.api.snapshot(self.space).await?;
        let SnapshotFrame::Start {
            epoch,
            head,
            checkpoint,
        } = reader.next().await?
        else {
            return Err(malformed("a snapshot without a beginning"));
        };
        // A try that broke off may have left rows.
        self.forget(position).await?;
        self.set_epoch(epoch).await?;
        let Some(checkpoint) = checkpoint.filter(|_| head.cursor.0 > CHECKPOINT_INTERVAL) else {
            return Ok(());
        };
        match self
            .read_snapshot(reader, head, &checkpoint, position)
            .await
        {
            Ok(()) => {
                self.untold.note_anew();
                Ok(())
            }
            Err(ReplicaError::Alarm(alarm)) => {
                tracing::debug!(%alarm, "the snapshot is not used; reading the whole log");
                self.forget(position).await?;
                self.set_epoch(epoch).await
            }
            Err(error) => Err(error),
        }
    }

    /// Forgets everything that was read of the log.
    pub(super) async fn forget(&self, position: &mut Position) -> Result<(), ReplicaError> {
        let number = self.number;
        self.sent.reads_anew();
        self.session
            .state
            .write(move |tx| tx.forget_log(number))
            .await?;
        self.forgotten(position);
        Ok(())
    }

    /// What is left when the state has forgotten the log.
    pub(super) fn forgotten(&self, position: &mut Position) {
        position.head = Head::START;
        position.digest = LtHash::default();
        position.keyring = super::Keyring::default();
        position.foretold = super::Keyring::default();
        position.standing = None;
        self.show(position);
    }

    async fn read_snapshot(
        &self,
        mut reader: SnapshotReader,
        head: Head,
        checkpoint: &[u8],
        position: &mut Position,
    ) -> Result<(), ReplicaError> {
        let signed = SignedCheckpoint::decode(checkpoint).map_err(|_| Alarm::Snapshot)?;
        let server = self.founding_server().await?;
        self.check_author(&signed, head, server).await?;
        let mut reading = Reading::of(server);
        loop {
            match reader.next().await? {
                SnapshotFrame::Record(record) => self.take(record, &mut reading, position).await?,
                SnapshotFrame::End { records } if records == reading.count => break,
                _ => return Err(malformed("a snapshot that is not whole")),
            }
        }
        self.write_rows(&mut reading).await?;
        self.hide_moved(&reading).await?;
        if reading.digest.digest() != signed.checkpoint().digest {
            return Err(Alarm::Digest { at: head.cursor }.into());
        }
        let (number, digest) = (self.number, reading.digest.to_bytes());
        self.session
            .state
            .write(move |tx| tx.advance(number, head, &digest))
            .await?;
        position.head = head;
        position.digest = reading.digest;
        self.show(position);
        Ok(())
    }

    /// The server that is a member of this space since its genesis; none in a sealed space.
    async fn founding_server(&self) -> Result<Option<AccountId>, ReplicaError> {
        let first = self.session.api.change_at(self.space, Cursor(1)).await?;
        let first = first.ok_or(Alarm::Snapshot)?;
        let genesis = ChangeSet::decode(&first.change_set).map_err(|_| Alarm::Snapshot)?;
        match genesis.operations() {
            // The log of a genesis is its own hash, so this is the only one there can be.
            [Operation::SpaceGenesis(said)] if genesis.log() == self.space => Ok(said.server),
            _ => Err(Alarm::Snapshot.into()),
        }
    }

    /// Checks that somebody vouches for this position of this space whose word counts.
    async fn check_author(
        &self,
        signed: &SignedCheckpoint,
        head: Head,
        server: Option<AccountId>,
    ) -> Result<(), ReplicaError> {
        let told = signed.checkpoint();
        if told.space != self.space || told.head != head {
            return Err(Alarm::Snapshot.into());
        }
        for voucher in [Some(self.session.device.account), server]
            .into_iter()
            .flatten()
        {
            let Some(account) = self.account_with(voucher, told).await? else {
                continue;
            };
            let seen = told.account_seen;
            let key = account
                .signer(told.device, seen, seen, Moment::Replaying)
                .map_err(|_| Alarm::Snapshot)?;
            signed.verify(&key).map_err(|_| Alarm::Snapshot)?;
            return Ok(());
        }
        Err(Alarm::Snapshot.into())
    }

    /// An account, read so far that it knows a checkpoint's device; none when it does not have it.
    async fn account_with(
        &self,
        account: AccountId,
        told: &Checkpoint,
    ) -> Result<Option<AccountState>, ReplicaError> {
        let accounts = &self.session.accounts;
        let state = accounts.get(account).await?;
        let knows = |state: &AccountState| {
            state.device(told.device).is_some() && state.head().cursor >= told.account_seen.cursor
        };
        if knows(&state) {
            return Ok(Some(state));
        }
        accounts.refresh(account).await?;
        Ok(Some(accounts.get(account).await?).filter(knows))
    }

    async fn take(
        &self,
        frame: SnapshotRecord,
        reading: &mut Reading,
        position: &mut Position,
    ) -> Result<(), ReplicaError> {
        let record = Record::decode(&frame.record).map_err(|_| Alarm::Snapshot)?;
        let key = record.key();
        // Each once, and what opens the nodes before the nodes.
        if reading.last.is_some_and(|last| last >= key) {
            return Err(malformed("the records of a snapshot are not in order"));
        }
        if let Record::Space(space) = &record
            && (space.genesis.0 != self.space.0 || space.server != reading.server)
        {
            return Err(Alarm::Snapshot.into());
        }
        reading.last = Some(key);
        reading.count += 1;
        reading.digest.add(&frame.record);
        let node = match &record {
            Record::Node(node) => {
                let leaving = node.leaving.map(|to| (node.node, to, node.is_alive()));
                reading.leaving.extend(leaving);
                if !reading.has_keys {
                    // Everything the keys follow from comes before the first node.
                    self.write_rows(reading).await?;
                    self.load_keys(position).await?;
                    reading.has_keys = true;
                }
                let parts = parts(&frame);
                check_parts(node, &parts)?;
                Some(open_node(node, &frame.record, &parts, position))
            }
            _ => None,
        };
        reading.rows.push(Row {
            record,
            encoded: frame.record.into(),
            node,
        });
        if reading.rows.len() >= BATCH {
            self.write_rows(reading).await?;
        }
        Ok(())
    }

    /// What moved into other spaces is not shown, whatever order the records came in.
    async fn hide_moved(&self, reading: &Reading) -> Result<(), ReplicaError> {
        let (number, leaving) = (self.number, reading.leaving.clone());
        let written = self.session.state.write(move |tx| {
            for (node, target, lives) in &leaving {
                match lives {
                    true => tx.put_leaving(number, *node, *target)?,
                    false => tx.hide_below(number, *node, *target).map(drop)?,
                }
            }
            Ok::<_, StateError>(())
        });
        Ok(written.await?)
    }

    async fn write_rows(&self, reading: &mut Reading) -> Result<(), ReplicaError> {
        let rows = std::mem::take(&mut reading.rows);
        let (number, own) = (self.number, self.session.device.account);
        let written = self.session.state.write(move |tx| {
            for row in &rows {
                write_row(tx, number, row)?;
                if let Record::Member(member) = &row.record
                    && member.account == own
                {
                    set_role(tx, number, member.role)?;
                }
            }
            Ok::<_, StateError>(())
        });
        Ok(written.await?)
    }
}

/// How far a snapshot was read.
struct Reading {
    /// The server that is a member, by the genesis.
    server: Option<AccountId>,
    last: Option<RecordKey>,
    count: u64,
    digest: LtHash,
    rows: Vec<Row>,
    /// Directories that become or, where they live no more, have become spaces of their own.
    leaving: Vec<(NodeId, SpaceId, bool)>,
    has_keys: bool,
}

impl Reading {
    fn of(server: Option<AccountId>) -> Self {
        Self {
            server,
            last: None,
            count: 0,
            digest: LtHash::default(),
            rows: Vec::new(),
            leaving: Vec::new(),
            has_keys: false,
        }
    }
}

fn write_row(tx: &Tx<'_>, number: crate::state::SpaceNumber, row: &Row) -> Result<(), StateError> {
    if let Some(key) = stored_key(row.record.key()) {
        return tx.put_record(number, &key, &row.encoded);
    }
    let Some((node, body)) = &row.node else {
        return Ok(());
    };
    if let Some(body) = body {
        tx.put_remote_body(number, node.node.id, &body.field)?;
    }
    tx.put_remote(number, node)
}

/// The sealed parts of a record; none where one was purged.
fn parts(frame: &SnapshotRecord) -> Vec<Option<&[u8]>> {
    let parts = frame.sealed.iter();
    parts
        .map(|part| part.as_deref().map(Vec::as_slice))
        .collect()
}

/// Checks that the sealed parts are those whose hashes the record names, since the digest is over
/// records alone (A7, A8).
fn check_parts(record: &NodeRecord, parts: &[Option<&[u8]>]) -> Result<(), Alarm> {
    let named = [
        Some(record.place.sealed),
        Some(record.attributes.sealed),
        record.body.map(|body| body.field.sealed),
    ];
    let right = parts.iter().enumerate().all(|(index, part)| {
        let expected = named.get(index).copied().flatten();
        part.is_none_or(|sealed| expected == Some(Hash32::of(sealed)))
    });
    if right { Ok(()) } else { Err(Alarm::Snapshot) }
}

/// Opens the sealed parts of a node's record: name, attributes, body.
fn open_node(
    record: &NodeRecord,
    encoded: &[u8],
    parts: &[Option<&[u8]>],
    position: &Position,
) -> (RemoteRow, Option<OpenedBody>) {
    let part = |index: usize| parts.get(index).copied().flatten();
    let opener = |epoch| {
        let keys = position.keyring.epoch(epoch)?;
        Some(Opener {
            keys,
            tags: position.keyring.tags()?,
        })
    };
    let mut shown = unwritten(record);
    let place = Place {
        parent: record.parent,
        tag: record.tag,
    };
    if let Some(opener) = opener(record.place.epoch) {
        let sealed = part(0);
        shown.name = opener.open_name(record.node, record.place.version, place, sealed);
    }
    if let Some(opener) = opener(record.attributes.epoch) {
        let (version, sealed) = (record.attributes.version, part(1));
        shown.attributes = opener
            .open_attributes(record.node, version, sealed)
            .unwrap_or_default();
    }
    let body = record.body.and_then(|body| {
        let sealed = part(2);
        opener(body.field.epoch)?.open_body(record.node, body.field.version, sealed)
    });
    if let Some(body) = &body {
        (shown.size, shown.hash) = (body.size, body.hash);
    }
    (
        RemoteRow {
            node: shown,
            tag: record.tag,
            record: encoded.to_vec(),
        },
        body,
    )
}

fn malformed(what: &'static str) -> ReplicaError {
    ApiError::Malformed(what.into()).into()
}
