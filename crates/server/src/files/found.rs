//! Founding logs: their first change sets.

use bytes::Bytes;
use hythe_model::{AccountId, Head};
use hythe_space::{AccountState, ChangeSet, Moment, Operation, chain_next};
use hythe_wire::limits::MAX_FOUNDING_CHANGE_SETS;

use super::accounts::NO_DIGEST;
use super::apply;
use super::commit::{decode, judge};
use super::{FilesError, Inner, members};
use crate::metadata::logs::{self, Log, LogKind, NewLog};
use crate::metadata::{DbError, Tx};

/// Reads the founding change sets of a log.
pub(super) async fn decode_log(log: &[Bytes]) -> Result<Vec<ChangeSet>, FilesError> {
    if log.is_empty() || log.len() > MAX_FOUNDING_CHANGE_SETS {
        return Err(FilesError::invalid(
            "a log begins with one to sixteen change sets",
        ));
    }
    let mut decoded = Vec::with_capacity(log.len());
    for bytes in log {
        decoded.push(decode(bytes.clone()).await?);
    }
    Ok(decoded)
}

/// Writes the log of a new account, which was replayed before.
///
/// # Errors
/// What is wrong with it; the database's.
pub(super) fn account(tx: &mut dyn Tx, log: &[ChangeSet], now_ms: i64) -> Result<Log, FilesError> {
    let genesis = log
        .first()
        .ok_or(FilesError::invalid("the account's log is empty"))?;
    let mut state = AccountState::start(genesis)?;
    let id = state.id();
    let new = NewLog {
        id: id.as_bytes(),
        kind: LogKind::Account,
        open: false,
        owner: None,
        payer: None,
        now_ms,
    };
    let mut row = make(tx, new)?;
    for (index, change_set) in log.iter().enumerate() {
        if index > 0 {
            state.append(Moment::Accepting { now_ms }, change_set)?;
        }
        row.head = Head {
            cursor: row.head.cursor.next(),
            chain: chain_next(row.head.chain, change_set.hash()),
        };
        row.state = state.encode();
        apply::append(tx, &row, change_set, NO_DIGEST, now_ms)?;
    }
    Ok(row)
}

/// Writes the log of a new space of an account; `personal` is the account whose personal space it
/// is.
///
/// # Errors
/// What is wrong with it; the database's.
pub(super) fn space(
    tx: &mut dyn Tx,
    inner: &Inner,
    owner: &AccountState,
    log: &[ChangeSet],
    personal: Option<AccountId>,
    now_ms: i64,
) -> Result<Log, FilesError> {
    let genesis = log
        .first()
        .ok_or(FilesError::invalid("the space's log is empty"))?;
    let [Operation::SpaceGenesis(operation)] = genesis.operations() else {
        return Err(FilesError::invalid(
            "the first change set of a space is its genesis",
        ));
    };
    let open = server_fits(operation.server, inner.account(), personal)?;
    let new = NewLog {
        id: &genesis.log().0,
        kind: LogKind::Space,
        open,
        owner: personal,
        payer: Some(owner.id()),
        now_ms,
    };
    let mut row = make(tx, new)?;
    for change_set in log {
        members::check_new(tx, inner.account(), &row, change_set)?;
        let moment = Moment::Accepting { now_ms };
        let effects = judge(tx, inner.epoch(), &row, owner, moment, change_set)?;
        apply::write_space(tx, &mut row, change_set, &effects, now_ms)?;
    }
    Ok(row)
}

/// Whether a space is open (A30). A personal space is: it is where the web finds an account's files.
fn server_fits(
    named: Option<AccountId>,
    this: AccountId,
    personal: Option<AccountId>,
) -> Result<bool, FilesError> {
    match named {
        Some(server) if server == this => Ok(true),
        Some(_) => Err(FilesError::invalid("the space names another server")),
        None if personal.is_some() => Err(FilesError::invalid("a personal space is an open one")),
        None => Ok(false),
    }
}

fn make(tx: &mut dyn Tx, new: NewLog<'_>) -> Result<Log, FilesError> {
    if !logs::insert(tx, new)? {
        return Err(FilesError::invalid("there is such a log already"));
    }
    Ok(logs::lock(tx, new.id)?.ok_or(DbError::Shape("a new log"))?)
}
