//! Logs of spaces and accounts, and their entries.

use hythe_model::{AccountId, ChainHash, Cursor, DeviceId, Head, HeaderHash};

use super::{DbError, Row, Tx, V};

/// Short name of a log in the other tables.
pub type LogNo = i64;

/// What a log belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// A space.
    Space = 0,
    /// An account.
    Account = 1,
}

/// The row of a log.
#[derive(Debug, Clone)]
pub struct Log {
    /// Its short name.
    pub no: LogNo,
    /// Space id or account id.
    pub id: [u8; 32],
    /// Which of them.
    pub kind: LogKind,
    /// Whether the server is a member.
    pub open: bool,
    /// The account whose personal space it is.
    pub owner: Option<AccountId>,
    /// Where it ends.
    pub head: Head,
    /// The sum behind the state digest; empty for an account.
    pub digest: Vec<u8>,
    /// Sealed bytes of all its chunks.
    pub stored_bytes: u64,
    /// The folded state of an account; empty for a space.
    pub state: Vec<u8>,
}

/// A log that is about to get its first entry.
#[derive(Debug, Clone, Copy)]
pub struct NewLog<'a> {
    /// Space id or account id.
    pub id: &'a [u8; 32],
    /// Which of them.
    pub kind: LogKind,
    /// Whether the server is a member.
    pub open: bool,
    /// The account whose personal space it is.
    pub owner: Option<AccountId>,
    /// The account that a space counts for.
    pub payer: Option<AccountId>,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

/// The row of an entry, without its change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its position and the chain there.
    pub head: Head,
    /// Hash of its header.
    pub header: HeaderHash,
    /// Hash of the state digest after it.
    pub digest: [u8; 32],
    /// The device that signed it.
    pub author: DeviceId,
    /// When it was accepted, in milliseconds since 1970.
    pub received_ms: i64,
    /// Length of its change set in bytes.
    pub length: u64,
}

/// Makes a log without entries; false when the id is taken.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(tx: &mut dyn Tx, log: NewLog<'_>) -> Result<bool, DbError> {
    let changed = tx.exec(
        "INSERT INTO logs (id, kind, open, owner, cursor, chain, digest, stored_bytes, state, \
         created_ms, payer) VALUES ($1, $2, $3, $4, 0, $5, $6, 0, $7, $8, $9) \
         ON CONFLICT DO NOTHING",
        &[
            log.id.into(),
            V::Int(log.kind as i64),
            log.open.into(),
            log.owner.as_ref().map(AccountId::as_bytes).into(),
            ChainHash::START.as_bytes().into(),
            V::from(Vec::new()),
            V::from(Vec::new()),
            log.now_ms.into(),
            log.payer.as_ref().map(AccountId::as_bytes).into(),
        ],
    )?;
    Ok(changed == 1)
}

/// A log's row, locked until the transaction ends: whoever changes a log or what hangs on it
/// begins with this, so that changes of one log happen one after the other.
///
/// # Errors
/// The database's.
pub fn lock(tx: &mut dyn Tx, id: &[u8; 32]) -> Result<Option<Log>, DbError> {
    let row = tx.query_one(
        "UPDATE logs SET cursor = cursor WHERE id = $1 RETURNING no, id, kind, open, owner, \
         cursor, chain, digest, stored_bytes, state",
        &[id.into()],
    )?;
    row.map(read_log).transpose()
}

/// A log's row.
///
/// # Errors
/// The database's.
pub fn get(tx: &mut dyn Tx, id: &[u8; 32]) -> Result<Option<Log>, DbError> {
    let row = tx.query_one(
        "SELECT no, id, kind, open, owner, cursor, chain, digest, stored_bytes, state FROM logs \
         WHERE id = $1",
        &[id.into()],
    )?;
    row.map(read_log).transpose()
}

/// A log's row, by its short name.
///
/// # Errors
/// The database's.
pub fn by_no(tx: &mut dyn Tx, no: LogNo) -> Result<Option<Log>, DbError> {
    let row = tx.query_one(
        "SELECT no, id, kind, open, owner, cursor, chain, digest, stored_bytes, state FROM logs \
         WHERE no = $1",
        &[no.into()],
    )?;
    row.map(read_log).transpose()
}

/// Where a log ends, without the rest of its row.
///
/// # Errors
/// The database's.
pub fn head(tx: &mut dyn Tx, id: &[u8; 32]) -> Result<Option<Head>, DbError> {
    let row = tx.query_one("SELECT cursor, chain FROM logs WHERE id = $1", &[id.into()])?;
    row.map(|row| {
        Ok(Head {
            cursor: Cursor(row.count(0)?),
            chain: ChainHash(row.array(1)?),
        })
    })
    .transpose()
}

/// The ids of all logs of a kind, in the order they were made.
///
/// # Errors
/// The database's.
pub fn ids(tx: &mut dyn Tx, kind: LogKind) -> Result<Vec<[u8; 32]>, DbError> {
    let sql = "SELECT id FROM logs WHERE kind = $1 ORDER BY no";
    tx.query(sql, &[V::Int(kind as i64)])?
        .iter()
        .map(|row| row.array(0))
        .collect()
}

/// Sets where a log ends, its digest and its state.
///
/// # Errors
/// The database's.
pub fn set_head(
    tx: &mut dyn Tx,
    no: LogNo,
    head: Head,
    digest: &[u8],
    state: &[u8],
) -> Result<(), DbError> {
    tx.exec(
        "UPDATE logs SET cursor = $1, chain = $2, digest = $3, state = $4 WHERE no = $5",
        &[
            head.cursor.0.into(),
            head.chain.as_bytes().into(),
            digest.into(),
            state.into(),
            no.into(),
        ],
    )?;
    Ok(())
}

/// Counts sealed bytes that a log's chunks take more, or, if negative, less.
///
/// # Errors
/// The database's.
pub fn add_stored(tx: &mut dyn Tx, no: LogNo, bytes: i64) -> Result<(), DbError> {
    let sql = "UPDATE logs SET stored_bytes = stored_bytes + $1 WHERE no = $2";
    tx.exec(sql, &[bytes.into(), no.into()])?;
    Ok(())
}

/// Appends an entry.
///
/// # Errors
/// The database's, also when the position is taken.
pub fn append(tx: &mut dyn Tx, no: LogNo, entry: &Entry, change_set: &[u8]) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO entries (log, cursor, header, chain, digest, author, received_ms, length, \
         change_set) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            no.into(),
            entry.head.cursor.0.into(),
            entry.header.as_bytes().into(),
            entry.head.chain.as_bytes().into(),
            (&entry.digest).into(),
            entry.author.as_bytes().into(),
            entry.received_ms.into(),
            entry.length.into(),
            change_set.into(),
        ],
    )?;
    Ok(())
}

/// The entry at a position, without its change set.
///
/// # Errors
/// The database's.
pub fn entry(tx: &mut dyn Tx, no: LogNo, at: Cursor) -> Result<Option<Entry>, DbError> {
    let row = tx.query_one(
        "SELECT cursor, chain, header, digest, author, received_ms, length FROM entries \
         WHERE log = $1 AND cursor = $2",
        &[no.into(), at.0.into()],
    )?;
    row.as_ref().map(read_entry).transpose()
}

/// Entries after a position, oldest first, without their change sets.
///
/// # Errors
/// The database's.
pub fn entries_after(
    tx: &mut dyn Tx,
    no: LogNo,
    after: Cursor,
    limit: u32,
) -> Result<Vec<Entry>, DbError> {
    let rows = tx.query(
        "SELECT cursor, chain, header, digest, author, received_ms, length FROM entries \
         WHERE log = $1 AND cursor > $2 ORDER BY cursor LIMIT $3",
        &[no.into(), after.0.into(), limit.into()],
    )?;
    rows.iter().map(read_entry).collect()
}

/// The change sets after one position up to another, oldest first.
///
/// # Errors
/// The database's.
pub fn change_sets(
    tx: &mut dyn Tx,
    no: LogNo,
    after: Cursor,
    up_to: Cursor,
) -> Result<Vec<Vec<u8>>, DbError> {
    let rows = tx.query(
        "SELECT change_set FROM entries WHERE log = $1 AND cursor > $2 AND cursor <= $3 \
         ORDER BY cursor",
        &[no.into(), after.0.into(), up_to.0.into()],
    )?;
    rows.into_iter().map(|mut row| row.take_bytes(0)).collect()
}

/// The position of a change set, found by the hash of its header.
///
/// # Errors
/// The database's.
pub fn position_of(
    tx: &mut dyn Tx,
    no: LogNo,
    header: HeaderHash,
) -> Result<Option<Cursor>, DbError> {
    let sql = "SELECT cursor FROM entries WHERE log = $1 AND header = $2";
    let row = tx.query_one(sql, &[no.into(), header.as_bytes().into()])?;
    row.map(|row| Ok(Cursor(row.count(0)?))).transpose()
}

/// The sum of all positions, those of removed spaces too: grows with each change set of the server, and is smaller only in an
/// older copy of the database.
///
/// # Errors
/// The database's.
pub fn revision(tx: &mut dyn Tx) -> Result<u64, DbError> {
    let sql = "SELECT CAST(COALESCE(SUM(cursor), 0) AS BIGINT) FROM \
               (SELECT cursor FROM logs UNION ALL SELECT cursor FROM removed_logs) AS positions";
    tx.query_one(sql, &[])?.map_or(Ok(0), |row| row.count(0))
}

fn read_log(mut row: Row) -> Result<Log, DbError> {
    let kind = if row.int(2)? == 0 {
        LogKind::Space
    } else {
        LogKind::Account
    };
    Ok(Log {
        no: row.int(0)?,
        id: row.array(1)?,
        kind,
        open: row.flag(3)?,
        owner: match row.bytes_or_null(4)? {
            Some(_) => Some(AccountId(row.array(4)?)),
            None => None,
        },
        head: Head {
            cursor: Cursor(row.count(5)?),
            chain: ChainHash(row.array(6)?),
        },
        digest: row.take_bytes(7)?,
        stored_bytes: row.count(8)?,
        state: row.take_bytes(9)?,
    })
}

fn read_entry(row: &Row) -> Result<Entry, DbError> {
    Ok(Entry {
        head: Head {
            cursor: Cursor(row.count(0)?),
            chain: ChainHash(row.array(1)?),
        },
        header: HeaderHash(row.array(2)?),
        digest: row.array(3)?,
        author: DeviceId(row.array(4)?),
        received_ms: row.int(5)?,
        length: row.count(6)?,
    })
}
