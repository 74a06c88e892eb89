//! Files that wait in the inboxes of sealed spaces.

use hythe_model::{AccountId, ChunkId, LinkId, UploadId};

use super::logs::LogNo;
use super::{DbError, Row, Tx};

/// A file that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelRow {
    /// The upload.
    pub upload: UploadId,
    /// The link that it came through; none: from a member.
    pub link: Option<LinkId>,
    /// Who put it, or gave the link out.
    pub account: AccountId,
    /// The key epoch of the inbox's key.
    pub epoch: u32,
    /// The wrapped secret.
    pub wrapped: Vec<u8>,
    /// The sealed name.
    pub name: Vec<u8>,
    /// The sealed attributes.
    pub attributes: Vec<u8>,
    /// The sealed layout.
    pub body: Vec<u8>,
    /// Sealed bytes over all its chunks.
    pub size: u64,
    /// Who put it.
    pub signature: Vec<u8>,
    /// Whether `refs` is one root.
    pub tree: bool,
    /// What its layout names.
    pub refs: Vec<ChunkId>,
}

/// How a parcel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The link that it came through.
    pub link: Option<LinkId>,
    /// Who put it, or gave the link out.
    pub account: AccountId,
    /// Whether no member could take it in.
    pub refused: bool,
}

/// How many files there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Files that wait.
    pub waiting: u64,
    /// Bytes of their fields.
    pub bytes: u64,
    /// Files that no member could take in.
    pub refused: u64,
}

/// Keeps a file until it is taken in.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(tx: &mut dyn Tx, log: LogNo, row: &ParcelRow, now_ms: i64) -> Result<(), DbError> {
    let refs: Vec<u8> = row.refs.iter().flat_map(|id| *id.as_bytes()).collect();
    let size = i64::try_from(row.size).unwrap_or(i64::MAX);
    tx.exec(
        "INSERT INTO parcels (log, upload, link, account, received_ms, epoch, wrapped, name, \
         attributes, body, size, signature, tree, refs) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &[
            log.into(),
            row.upload.as_bytes().into(),
            row.link.as_ref().map(LinkId::as_bytes).into(),
            row.account.as_bytes().into(),
            now_ms.into(),
            row.epoch.into(),
            row.wrapped.as_slice().into(),
            row.name.as_slice().into(),
            row.attributes.as_slice().into(),
            row.body.as_slice().into(),
            size.into(),
            row.signature.as_slice().into(),
            i64::from(row.tree).into(),
            refs.as_slice().into(),
        ],
    )?;
    Ok(())
}

/// How a parcel stands; none where there is no such one.
///
/// # Errors
/// The database's.
pub fn standing(
    tx: &mut dyn Tx,
    log: LogNo,
    upload: UploadId,
) -> Result<Option<Standing>, DbError> {
    let row = tx.query_one(
        "SELECT link, account, refused_ms FROM parcels WHERE log = $1 AND upload = $2",
        &[log.into(), upload.as_bytes().into()],
    )?;
    let read = |row: Row| {
        Ok(Standing {
            link: link(&row, 0)?,
            account: AccountId(row.array(1)?),
            refused: row.int_or_null(2)?.is_some(),
        })
    };
    row.map(read).transpose()
}

/// The files that wait, the oldest first.
///
/// # Errors
/// The database's.
pub fn waiting(tx: &mut dyn Tx, log: LogNo, limit: u32) -> Result<Vec<ParcelRow>, DbError> {
    let rows = tx.query(
        "SELECT upload, link, account, epoch, wrapped, name, attributes, body, size, signature, \
         tree, refs FROM parcels WHERE log = $1 AND refused_ms IS NULL ORDER BY no LIMIT $2",
        &[log.into(), limit.into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// How many files there are in a space, or of them that came through one link.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut dyn Tx, log: LogNo, of: Option<LinkId>) -> Result<Counts, DbError> {
    let row = tx.query_one(
        "SELECT COUNT(*) - COUNT(refused_ms), COUNT(refused_ms), \
         CAST(COALESCE(SUM(LENGTH(wrapped) + LENGTH(name) + LENGTH(attributes) + LENGTH(body)), 0) \
         AS BIGINT) FROM parcels WHERE log = $1 AND ($2 = 0 OR link = $3)",
        &[
            log.into(),
            i64::from(of.is_some()).into(),
            of.as_ref().map(LinkId::as_bytes).into(),
        ],
    )?;
    let row = row.ok_or(DbError::Shape("a count"))?;
    Ok(Counts {
        waiting: row.count(0)?,
        refused: row.count(1)?,
        bytes: row.count(2)?,
    })
}

/// Forgets a file: it was taken in.
///
/// # Errors
/// The database's.
pub fn remove(tx: &mut dyn Tx, log: LogNo, upload: UploadId) -> Result<(), DbError> {
    let sql = "DELETE FROM parcels WHERE log = $1 AND upload = $2";
    tx.exec(sql, &[log.into(), upload.as_bytes().into()])?;
    Ok(())
}

/// Notes that a file could not be taken in, and forgets what it held; false when it does not wait.
///
/// # Errors
/// The database's.
pub fn refuse(tx: &mut dyn Tx, log: LogNo, upload: UploadId, now_ms: i64) -> Result<bool, DbError> {
    let nothing: &[u8] = &[];
    let changed = tx.exec(
        "UPDATE parcels SET refused_ms = $1, wrapped = $2, name = $2, attributes = $2, \
         body = $2, signature = $2, refs = $2 \
         WHERE log = $3 AND upload = $4 AND refused_ms IS NULL",
        &[
            now_ms.into(),
            nothing.into(),
            log.into(),
            upload.as_bytes().into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Forgets files that were refused before a moment.
///
/// # Errors
/// The database's.
pub fn sweep(tx: &mut dyn Tx, log: LogNo, before_ms: i64) -> Result<(), DbError> {
    let sql = "DELETE FROM parcels WHERE log = $1 AND refused_ms < $2";
    tx.exec(sql, &[log.into(), before_ms.into()])?;
    Ok(())
}

fn link(row: &Row, column: usize) -> Result<Option<LinkId>, DbError> {
    match row.bytes_or_null(column)? {
        Some(_) => Ok(Some(LinkId(row.array(column)?))),
        None => Ok(None),
    }
}

fn read(mut row: Row) -> Result<ParcelRow, DbError> {
    let (ids, []) = row.bytes(11)?.as_chunks::<{ ChunkId::LEN }>() else {
        return Err(DbError::Shape("a list of chunks"));
    };
    let refs = ids.iter().map(|id| ChunkId(*id)).collect();
    Ok(ParcelRow {
        upload: UploadId(row.array(0)?),
        link: link(&row, 1)?,
        account: AccountId(row.array(2)?),
        epoch: u32::try_from(row.int(3)?).map_err(|_| DbError::Shape("a key epoch"))?,
        wrapped: row.take_bytes(4)?,
        name: row.take_bytes(5)?,
        attributes: row.take_bytes(6)?,
        body: row.take_bytes(7)?,
        size: row.count(8)?,
        signature: row.take_bytes(9)?,
        tree: row.int(10)? != 0,
        refs,
    })
}
