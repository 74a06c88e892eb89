//! Reading logs, and comparing a client's position with them.

use bytes::Bytes;
use hythe_model::{AccountId, Cursor, Head, ServerEpoch, SpaceId};
use hythe_wire::limits::MAX_LOG_PAGE;

use super::access::{self, Want};
use super::{Files, FilesError, Principal};
use crate::metadata::logs::{self, Log};
use crate::metadata::{DbError, Tx};

/// One position of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The position, and the chain with this change set in it.
    pub head: Head,
    /// Hash of the state digest after it; zeros in an account's log.
    pub digest: [u8; 32],
    /// The encoded change set.
    pub change_set: Bytes,
}

/// Some positions of a log, in order, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// The entries; at least one, if there is one.
    pub entries: Vec<LogEntry>,
    /// Where the log ended at that moment.
    pub head: Head,
}

/// How a client's position compares with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The present life of the server's data.
    pub epoch: ServerEpoch,
    /// Where the log ends.
    pub head: Head,
    /// Hash of the state digest there.
    pub digest: [u8; 32],
    /// Whether the client's position is one of this log's.
    pub agrees: bool,
}

impl Files {
    /// The change sets of a space after a position: `limit` of them at most, and no more than
    /// `max_bytes` together unless the first alone is longer.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn changes(
        &self,
        principal: &Principal,
        space: SpaceId,
        from: Cursor,
        limit: u32,
        max_bytes: u64,
    ) -> Result<LogPage, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Read)?;
            Ok(page(tx, &log, from, limit, max_bytes)?)
        };
        self.inner.database.read(read).await
    }

    /// The change sets of an account's log after a position, bounded as [`Files::changes`]. Any
    /// device may read it that knows the account's id.
    ///
    /// # Errors
    /// [`FilesError::NotFound`], or the database's.
    pub async fn account_log(
        &self,
        principal: &Principal,
        account: AccountId,
        from: Cursor,
        limit: u32,
        max_bytes: u64,
    ) -> Result<LogPage, FilesError> {
        self.still_valid(principal).await?;
        let read = move |tx: &mut dyn Tx| {
            let log = access::account(tx, account)?;
            Ok(page(tx, &log, from, limit, max_bytes)?)
        };
        self.inner.database.read(read).await
    }

    /// The server's own log after a position. It holds public keys only, and who is about to
    /// register needs it before there is an account: anybody may read it.
    ///
    /// # Errors
    /// The database's.
    pub async fn server_log(&self, from: Cursor) -> Result<LogPage, FilesError> {
        self.public_log(self.account(), from).await
    }

    /// The log of the account that gave out a one-time token: the device to come needs it to sign
    /// itself in.
    ///
    /// # Errors
    /// As [`Files::one_time_account`]; [`FilesError::NotFound`] for another account's log.
    pub async fn offered_log(
        &self,
        one_time: &hythe_wire::Token,
        account: AccountId,
        from: Cursor,
    ) -> Result<LogPage, FilesError> {
        let offering = self.one_time_account(one_time).await?;
        if account != offering && account != self.account() {
            return Err(FilesError::NotFound("account"));
        }
        self.public_log(account, from).await
    }

    async fn public_log(&self, account: AccountId, from: Cursor) -> Result<LogPage, FilesError> {
        let read = move |tx: &mut dyn Tx| {
            let log = logs::get(tx, account.as_bytes())?.ok_or(FilesError::NotFound("account"))?;
            Ok(page(tx, &log, from, MAX_LOG_PAGE, PUBLIC_PAGE_BYTES)?)
        };
        self.inner.database.read(read).await
    }

    /// Compares a client's position in a space with the log.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn standing(
        &self,
        principal: &Principal,
        space: SpaceId,
        claimed: Head,
    ) -> Result<Standing, FilesError> {
        self.still_valid(principal).await?;
        let (principal, epoch) = (principal.clone(), self.epoch());
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Read)?;
            standing(tx, &log, epoch, claimed)
        };
        self.inner.database.read(read).await
    }

    /// Compares a client's position in its own account's log with the log.
    ///
    /// # Errors
    /// The database's.
    pub async fn account_standing(
        &self,
        principal: &Principal,
        claimed: Head,
    ) -> Result<Standing, FilesError> {
        self.still_valid(principal).await?;
        let (account, epoch) = (principal.account(), self.epoch());
        let read = move |tx: &mut dyn Tx| {
            let log = logs::get(tx, account.as_bytes())?.ok_or(FilesError::NotFound("account"))?;
            standing(tx, &log, epoch, claimed)
        };
        self.inner.database.read(read).await
    }
}

/// Bytes of a page for somebody without an account: logs of accounts are short.
const PUBLIC_PAGE_BYTES: u64 = 4 << 20;

fn standing(
    tx: &mut dyn Tx,
    log: &Log,
    epoch: ServerEpoch,
    claimed: Head,
) -> Result<Standing, FilesError> {
    let last = logs::entry(tx, log.no, log.head.cursor)?;
    let agrees = match claimed.cursor {
        Cursor::START => claimed == Head::START,
        at => logs::entry(tx, log.no, at)?.is_some_and(|entry| entry.head == claimed),
    };
    let digest = last.map_or([0; 32], |entry| entry.digest);
    Ok(Standing {
        epoch,
        head: log.head,
        digest,
        agrees,
    })
}

pub(super) fn page(
    tx: &mut dyn Tx,
    log: &Log,
    from: Cursor,
    limit: u32,
    max_bytes: u64,
) -> Result<LogPage, DbError> {
    let entries = logs::entries_after(tx, log.no, from, limit.min(MAX_LOG_PAGE))?;
    let mut sum = 0;
    let fitting = entries.iter().take_while(|entry| {
        sum += entry.length;
        sum <= max_bytes
    });
    let fitting = fitting.count().max(1).min(entries.len());
    let entries = &entries[..fitting];
    let Some(last) = entries.last() else {
        return Ok(LogPage {
            entries: Vec::new(),
            head: log.head,
        });
    };
    let change_sets = logs::change_sets(tx, log.no, from, last.head.cursor)?;
    let entries = entries
        .iter()
        .zip(change_sets)
        .map(|(entry, change_set)| LogEntry {
            head: entry.head,
            digest: entry.digest,
            change_set: change_set.into(),
        });
    Ok(LogPage {
        entries: entries.collect(),
        head: log.head,
    })
}
