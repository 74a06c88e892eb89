//! Files that browsers are sending into open spaces.

use hythe_model::{DeviceId, KeyEpoch, NodeId, UploadId};

use super::logs::LogNo;
use super::{DbError, Row, Tx};

/// The row of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRow {
    /// The upload.
    pub upload: UploadId,
    /// Where the file goes.
    pub log: LogNo,
    /// Who sends it.
    pub device: DeviceId,
    /// The directory it goes into.
    pub parent: NodeId,
    /// The key epoch under which name and parts are sealed.
    pub epoch: KeyEpoch,
    /// Its sealed name.
    pub name: Vec<u8>,
    /// How many bytes it will have.
    pub size: u64,
    /// When it was last modified, in milliseconds since 1970.
    pub modified_ms: i64,
    /// Whether a file of the name gets a new version.
    pub replaces: bool,
    /// When it is forgotten.
    pub expires_ms: i64,
}

/// What of a file is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRow {
    /// Where it begins.
    pub position: u64,
    /// How many bytes it is.
    pub length: u64,
    /// Its sealed list of chunks.
    pub chunks: Vec<u8>,
}

/// Adds an upload, and forgets those whose time has come.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(tx: &mut dyn Tx, row: &UploadRow, now_ms: i64) -> Result<(), DbError> {
    let parts = "DELETE FROM web_upload_parts WHERE upload IN \
                 (SELECT upload FROM web_uploads WHERE expires_ms <= $1)";
    tx.exec(parts, &[now_ms.into()])?;
    let gone = "DELETE FROM web_uploads WHERE expires_ms <= $1";
    tx.exec(gone, &[now_ms.into()])?;
    tx.exec(
        "INSERT INTO web_uploads (upload, log, device, parent, epoch, name, size, modified_ms, \
         replaces, expires_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &[
            row.upload.as_bytes().into(),
            row.log.into(),
            row.device.as_bytes().into(),
            row.parent.as_bytes().into(),
            row.epoch.0.into(),
            row.name.as_slice().into(),
            row.size.into(),
            row.modified_ms.into(),
            row.replaces.into(),
            row.expires_ms.into(),
        ],
    )?;
    Ok(())
}

/// How many a device has under way.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut dyn Tx, device: DeviceId) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) FROM web_uploads WHERE device = $1";
    let row = tx.query_one(sql, &[device.as_bytes().into()])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// An upload of a device.
///
/// # Errors
/// The database's.
pub fn get(
    tx: &mut dyn Tx,
    device: DeviceId,
    upload: UploadId,
    now_ms: i64,
) -> Result<Option<UploadRow>, DbError> {
    let row = tx.query_one(
        "SELECT upload, log, device, parent, epoch, name, size, modified_ms, replaces, expires_ms \
         FROM web_uploads WHERE upload = $1 AND device = $2 AND expires_ms > $3",
        &[
            upload.as_bytes().into(),
            device.as_bytes().into(),
            now_ms.into(),
        ],
    )?;
    row.map(read).transpose()
}

fn read(mut row: Row) -> Result<UploadRow, DbError> {
    Ok(UploadRow {
        upload: UploadId(row.array(0)?),
        log: row.int(1)?,
        device: DeviceId(row.array(2)?),
        parent: NodeId(row.array(3)?),
        epoch: KeyEpoch(u32::try_from(row.int(4)?).map_err(|_| DbError::Shape("an epoch"))?),
        name: row.take_bytes(5)?,
        size: row.count(6)?,
        modified_ms: row.int(7)?,
        replaces: row.int(8)? != 0,
        expires_ms: row.int(9)?,
    })
}

/// Adds a part; one that begins at the same place is replaced.
///
/// # Errors
/// The database's.
pub fn put_part(tx: &mut dyn Tx, upload: UploadId, part: &PartRow) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO web_upload_parts (upload, position, length, chunks) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (upload, position) DO UPDATE SET length = excluded.length, \
         chunks = excluded.chunks",
        &[
            upload.as_bytes().into(),
            part.position.into(),
            part.length.into(),
            part.chunks.as_slice().into(),
        ],
    )?;
    Ok(())
}

/// The parts of an upload, in order.
///
/// # Errors
/// The database's.
pub fn parts(tx: &mut dyn Tx, upload: UploadId) -> Result<Vec<PartRow>, DbError> {
    let rows = tx.query(
        "SELECT position, length, chunks FROM web_upload_parts WHERE upload = $1 \
         ORDER BY position",
        &[upload.as_bytes().into()],
    )?;
    rows.into_iter().map(read_part).collect()
}

fn read_part(mut row: Row) -> Result<PartRow, DbError> {
    Ok(PartRow {
        position: row.count(0)?,
        length: row.count(1)?,
        chunks: row.take_bytes(2)?,
    })
}

/// Where the parts of an upload are, in order: beginnings and lengths.
///
/// # Errors
/// The database's.
pub fn places(tx: &mut dyn Tx, upload: UploadId) -> Result<Vec<(u64, u64)>, DbError> {
    let rows = tx.query(
        "SELECT position, length FROM web_upload_parts WHERE upload = $1 ORDER BY position",
        &[upload.as_bytes().into()],
    )?;
    let read = |row: &Row| Ok((row.count(0)?, row.count(1)?));
    rows.iter().map(read).collect()
}

/// Forgets an upload.
///
/// # Errors
/// The database's.
pub fn remove(tx: &mut dyn Tx, upload: UploadId) -> Result<(), DbError> {
    for sql in [
        "DELETE FROM web_upload_parts WHERE upload = $1",
        "DELETE FROM web_uploads WHERE upload = $1",
    ] {
        tx.exec(sql, &[upload.as_bytes().into()])?;
    }
    Ok(())
}
