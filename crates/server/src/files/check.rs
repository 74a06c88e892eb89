//! `admin check`: does what is stored still say what the logs say, and is every chunk whole?

use std::collections::BTreeMap;

use hythe_content::seal_hash;
use hythe_model::{ChunkId, Cursor, NodeId, SpaceId};
use hythe_space::account::Accounts;
use hythe_space::{AccountState, ChangeSet, Hash32, MapView, Moment, Record, RecordKey};
use serde::{Deserialize, Serialize};

use super::accounts::read_state;
use super::{Files, FilesError, view};
use crate::blobs::PackName;
use crate::metadata::chunks::{self, ChunkRow, Location};
use crate::metadata::logs::{self, Log, LogKind, LogNo};
use crate::metadata::nodes::{self, NodeRow};
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx, link_capsules, packs};

/// Rows read at once.
const PAGE: u32 = 1000;

/// Change sets read at once.
const ENTRIES: u32 = 100;

/// Findings that are told; more are only counted.
const MAX_TOLD: usize = 1000;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Logs that were folded anew and compared.
    pub logs: u64,
    /// Change sets in them.
    pub change_sets: u64,
    /// Records that were compared.
    pub records: u64,
    /// Chunks whose bytes were read and hashed.
    pub chunks: u64,
    /// Everything that is not as it should be, the first thousand.
    pub findings: Vec<Finding>,
    /// How many findings there are.
    pub found: u64,
    /// How many of them are sums that counting anew sets right.
    pub miscounted: u64,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The space or account, in hexadecimal, or `audit`.
    pub log: String,
    /// What is wrong, in one sentence.
    pub what: String,
}

impl CheckReport {
    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        self.found == 0
    }

    fn find(&mut self, log: &Log, what: impl Into<String>) {
        self.found += 1;
        if self.findings.len() < MAX_TOLD {
            let id = data_encoding::HEXLOWER.encode(&log.id);
            self.findings.push(Finding {
                log: id,
                what: what.into(),
            });
        }
    }
}

impl Files {
    /// Folds every log anew with the pure fold, compares it with the tables, and reads every chunk
    /// of every pack. Changes nothing but the marks of damaged chunks.
    ///
    /// # Errors
    /// The database's or the blob store's: what they hold is judged, not whether they answer.
    pub async fn check(&self) -> Result<CheckReport, FilesError> {
        let mut report = self.inner.database.read_long(check_logs).await?;
        let spaces = self
            .inner
            .database
            .read(|tx| logs::ids(tx, LogKind::Space))
            .await?;
        for id in spaces {
            let log = self
                .inner
                .database
                .read(move |tx| logs::get(tx, &id))
                .await?;
            if let Some(log) = log {
                self.check_chunks(&log, &mut report).await?;
            }
        }
        Ok(report)
    }

    async fn check_chunks(&self, log: &Log, report: &mut CheckReport) -> Result<(), FilesError> {
        let no = log.no;
        let mut after = None;
        loop {
            let read = move |tx: &mut dyn Tx| locate(tx, no, after);
            let page = self.inner.database.read(read).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = Some((last.id, last.seal));
            for (row, pack) in page {
                report.chunks += 1;
                if let Some(what) = self.check_chunk(no, &row, pack).await? {
                    report.find(log, what);
                }
            }
        }
    }

    async fn check_chunk(
        &self,
        log: LogNo,
        row: &ChunkRow,
        pack: Option<PackName>,
    ) -> Result<Option<String>, FilesError> {
        if row.bad {
            return Ok(Some(format!("chunk {} is marked as damaged", row.id)));
        }
        let bytes = match (row.location, pack) {
            (Location::Inline { no }, _) => {
                let read = move |tx: &mut dyn Tx| chunks::read_inline(tx, &[no]);
                let found: Vec<Option<Vec<u8>>> = self.inner.database.read(read).await?;
                found.into_iter().next().flatten().map(bytes::Bytes::from)
            }
            (Location::Pack { offset, .. }, Some(name)) => {
                let range = offset..offset + u64::from(row.length);
                match self.inner.blobs.read(name, range).await {
                    Ok(bytes) => Some(bytes),
                    Err(crate::blobs::BlobError::Missing) => None,
                    Err(error) => return Err(error.into()),
                }
            }
            (Location::Pack { .. }, None) => None,
        };
        if bytes.is_some_and(|bytes| seal_hash(&bytes) == row.seal) {
            return Ok(None);
        }
        let (id, location) = (row.id, row.location);
        let mark = move |tx: &mut dyn Tx| chunks::mark_bad(tx, log, id, location);
        let was_there: bool = self.inner.database.write(mark).await?;
        // Otherwise the job moved it into a pack meanwhile.
        Ok(was_there.then(|| format!("chunk {id} is damaged")))
    }
}

type Located = (ChunkRow, Option<PackName>);

fn locate(
    tx: &mut dyn Tx,
    log: LogNo,
    after: Option<(ChunkId, hythe_model::SealHash)>,
) -> Result<Vec<Located>, DbError> {
    let rows = chunks::page(tx, log, after, PAGE)?;
    let numbers: Vec<_> = rows
        .iter()
        .map(|row| match row.location {
            Location::Pack { pack, .. } => pack,
            Location::Inline { .. } => 0,
        })
        .collect();
    let names = packs::names(tx, &numbers)?;
    Ok(rows
        .into_iter()
        .zip(names.into_iter().map(|name| name.map(PackName)))
        .collect())
}

fn check_logs(tx: &mut dyn Tx) -> Result<CheckReport, DbError> {
    let mut report = CheckReport::default();
    if let Some(no) = super::audit::first_broken(tx)? {
        report.found += 1;
        report.findings.push(Finding {
            log: "audit".to_owned(),
            what: format!("row {no} is not what was written, or a row before it is gone"),
        });
    }
    let mut accounts = Accounts::default();
    for id in logs::ids(tx, LogKind::Account)? {
        let Some(log) = logs::get(tx, &id)? else {
            continue;
        };
        if let Some(state) = check_account(tx, &log, &mut report)? {
            accounts.insert(state);
        }
    }
    for id in logs::ids(tx, LogKind::Space)? {
        let Some(log) = logs::get(tx, &id)? else {
            continue;
        };
        check_space(tx, &log, &accounts, &mut report)?;
    }
    Ok(report)
}

/// Hands every change set of a log to `each`, after comparing it with its row.
fn for_each_entry(
    tx: &mut dyn Tx,
    log: &Log,
    report: &mut CheckReport,
    each: &mut dyn FnMut(&mut CheckReport, &logs::Entry, &ChangeSet) -> bool,
) -> Result<(), DbError> {
    report.logs += 1;
    let mut at = hythe_model::Head::START;
    loop {
        let entries = logs::entries_after(tx, log.no, at.cursor, ENTRIES)?;
        let Some(last) = entries.last() else { break };
        let bytes = logs::change_sets(tx, log.no, at.cursor, last.head.cursor)?;
        for (entry, bytes) in entries.iter().zip(bytes) {
            report.change_sets += 1;
            let Ok(change_set) = ChangeSet::decode(&bytes) else {
                report.find(log, format!("change set {} is damaged", entry.head.cursor));
                return Ok(());
            };
            at = hythe_space::chain::head_next(at, change_set.hash());
            if at != entry.head || change_set.hash() != entry.header {
                report.find(log, format!("the chain breaks at {}", entry.head.cursor));
                return Ok(());
            }
            if !each(report, entry, &change_set) {
                return Ok(());
            }
        }
    }
    if at != log.head {
        report.find(log, "the log does not end where its row says");
    }
    Ok(())
}

fn check_account(
    tx: &mut dyn Tx,
    log: &Log,
    report: &mut CheckReport,
) -> Result<Option<AccountState>, DbError> {
    let mut state: Option<AccountState> = None;
    for_each_entry(tx, log, report, &mut |report, entry, change_set| {
        let next = match state.take() {
            None => AccountState::start(change_set),
            Some(mut state) => state.append(Moment::Replaying, change_set).map(|()| state),
        };
        match next {
            Ok(next) => state = Some(next),
            Err(refusal) => {
                report.find(log, format!("change set {}: {refusal}", entry.head.cursor));
            }
        }
        state.is_some()
    })?;
    if state.as_ref() != Some(&read_state(log)?) {
        report.find(
            log,
            "the stored state of the account is not what its log says",
        );
    }
    Ok(state)
}

fn check_space(
    tx: &mut dyn Tx,
    log: &Log,
    accounts: &Accounts,
    report: &mut CheckReport,
) -> Result<(), DbError> {
    let mut fold = MapView::default();
    for_each_entry(tx, log, report, &mut |report, entry, change_set| {
        if let Err(error) = fold.append(accounts, Moment::Replaying, change_set) {
            report.find(log, format!("change set {}: {error}", entry.head.cursor));
            return false;
        }
        if fold.digest().digest().0 != entry.digest {
            report.find(
                log,
                format!("the state digest differs at {}", entry.head.cursor),
            );
        }
        true
    })?;
    if fold.digest().to_bytes() != log.digest {
        report.find(log, "the state digest is not what the log says");
    }
    let mut expected: Expected<'_> = fold.records().map(|r| (r.key(), r)).collect();
    check_records(tx, log, &mut expected, report)?;
    check_nodes(tx, log, &mut expected, report)?;
    for key in expected.keys() {
        report.find(log, format!("a record is missing: {key:?}"));
    }
    check_accounting(tx, log, report)
}

/// The records that the log leads to and that were not found yet.
type Expected<'f> = BTreeMap<RecordKey, &'f Record>;

fn compare(
    log: &Log,
    bytes: &[u8],
    expected: &mut Expected<'_>,
    report: &mut CheckReport,
) -> Result<Record, DbError> {
    let record = view::record(bytes)?;
    report.records += 1;
    let key = record.key();
    match expected.remove(&key) {
        Some(said) if said.encode() == bytes => {}
        Some(_) => report.find(log, format!("a record is not what the log says: {key:?}")),
        None => report.find(log, format!("a record is too much: {key:?}")),
    }
    Ok(record)
}

fn check_records(
    tx: &mut dyn Tx,
    log: &Log,
    expected: &mut Expected<'_>,
    report: &mut CheckReport,
) -> Result<(), DbError> {
    let kinds = [
        RecordKind::Space,
        RecordKind::Epoch,
        RecordKind::Member,
        RecordKind::Author,
        RecordKind::JoinOffer,
    ];
    for kind in kinds {
        for bytes in records::all(tx, log.no, kind)? {
            let record = compare(log, &bytes, expected, report)?;
            if let Record::Member(member) = record {
                let role = records::role(tx, log.no, member.account)?;
                if role != member.role.map(super::access::role_number) {
                    report.find(log, format!("the role of {} differs", member.account));
                }
            }
        }
    }
    Ok(())
}

fn check_nodes(
    tx: &mut dyn Tx,
    log: &Log,
    expected: &mut Expected<'_>,
    report: &mut CheckReport,
) -> Result<(), DbError> {
    let mut after: Option<NodeId> = None;
    loop {
        let page = nodes::page(tx, log.no, after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.node);
        for row in page {
            let record = compare(log, &row.record, expected, report)?;
            check_row(log, &row, &record, report);
        }
    }
}

/// The columns beside a node's record, and its sealed parts, are what the record says.
fn check_row(log: &Log, row: &NodeRow, record: &Record, report: &mut CheckReport) {
    let Record::Node(node) = record else {
        return report.find(log, format!("the record of node {} is none", row.node));
    };
    let columns_fit = node.node == row.node
        && node.parent == row.parent
        && node.tag == row.tag
        && node.deleted.is_some() == row.deleted.is_some_and(|at| at > Cursor::START);
    let fits = |sealed: &Option<Vec<u8>>, hash: Option<Hash32>| match (sealed, hash) {
        (Some(bytes), Some(hash)) => Hash32::of(bytes) == hash,
        // Purged, or there is none.
        (None, _) => true,
        (Some(_), None) => false,
    };
    let parts_fit = fits(&row.sealed.name, Some(node.place.sealed))
        && fits(&row.sealed.attributes, Some(node.attributes.sealed))
        && fits(&row.sealed.body, node.body.map(|body| body.field.sealed));
    if !columns_fit || !parts_fit {
        report.find(
            log,
            format!("the row of node {} is not what its record says", row.node),
        );
    }
}

/// D5: what is counted equals what is there.
fn check_accounting(tx: &mut dyn Tx, log: &Log, report: &mut CheckReport) -> Result<(), DbError> {
    let shown = link_capsules::bytes_of_log(tx, log.no)?;
    let sum = chunks::counted(tx, log.no)?.saturating_add(shown);
    if sum != log.stored_bytes {
        let space = SpaceId(log.id);
        report.miscounted += 1;
        report.find(
            log,
            format!("space {space} counts {} bytes, has {sum}", log.stored_bytes),
        );
    }
    Ok(())
}
