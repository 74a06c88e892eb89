//! Chunks and stored layout nodes: where they are, and what layout nodes refer to.

use hythe_model::{ChunkId, DeviceId, SealHash};

use super::logs::LogNo;
use super::packs::PackNo;
use super::{DbError, Row, Tx, V};

/// Where the sealed bytes of a chunk are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In a pack, from this offset on.
    Pack {
        /// The pack.
        pack: PackNo,
        /// Offset of the first byte.
        offset: u64,
    },
    /// In the table of small chunks, until a job moves them into a pack.
    Inline {
        /// Number of the row.
        no: i64,
    },
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkKind {
    /// A piece of content.
    Data = 0,
    /// A stored layout node; whether all it refers to is there has not been shown yet.
    Layout = 1,
    /// A stored layout node, and all below it is there.
    CompleteLayout = 2,
}

/// The row of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRow {
    /// Its id.
    pub id: ChunkId,
    /// Hash of its sealed bytes.
    pub seal: SealHash,
    /// Length of its sealed bytes.
    pub length: u32,
    /// Where they are.
    pub location: Location,
    /// What it is.
    pub kind: ChunkKind,
    /// Whether a read found other bytes than were stored.
    pub bad: bool,
}

/// A small chunk to be kept in the database.
#[derive(Debug, Clone, Copy)]
pub struct InlineChunk<'a> {
    /// Its id.
    pub id: ChunkId,
    /// Its sealed bytes.
    pub sealed: &'a [u8],
}

/// A small chunk that waits for a pack.
#[derive(Debug, Clone)]
pub struct WaitingChunk {
    /// Number of the row.
    pub no: i64,
    /// The log it belongs to.
    pub log: LogNo,
    /// Its id.
    pub id: ChunkId,
    /// Its sealed bytes.
    pub sealed: Vec<u8>,
}

/// The stored forms of chunks, in order; nearly always one, and none where there is no such chunk.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn find(tx: &mut dyn Tx, log: LogNo, ids: &[ChunkId]) -> Result<Vec<Vec<ChunkRow>>, DbError> {
    let found = tx.lookup(
        "SELECT chunk, seal, length, pack, position, layout, bad FROM chunks \
         WHERE log = $1 AND chunk = $2",
        &keys(log, ids),
    )?;
    found
        .iter()
        .map(|rows| rows.iter().map(read_chunk).collect())
        .collect()
}

/// The rows of exactly these forms, in order; none where there is no such form.
///
/// # Errors
/// The database's.
pub fn find_forms(
    tx: &mut dyn Tx,
    log: LogNo,
    forms: &[(ChunkId, SealHash)],
) -> Result<Vec<Option<ChunkRow>>, DbError> {
    let keys: Vec<Vec<V<'_>>> = forms
        .iter()
        .map(|(id, seal)| vec![log.into(), id.as_bytes().into(), seal.as_bytes().into()])
        .collect();
    let found = tx.lookup(
        "SELECT chunk, seal, length, pack, position, layout, bad FROM chunks \
         WHERE log = $1 AND chunk = $2 AND seal = $3",
        &keys,
    )?;
    found
        .iter()
        .map(|rows| rows.first().map(read_chunk).transpose())
        .collect()
}

/// Adds forms of chunks that are not there.
///
/// # Errors
/// The database's, also when one is there.
pub fn insert(tx: &mut dyn Tx, log: LogNo, chunks: &[ChunkRow]) -> Result<(), DbError> {
    let rows: Vec<Vec<V<'_>>> = chunks
        .iter()
        .map(|chunk| {
            let (pack, position) = columns(chunk.location);
            vec![
                log.into(),
                chunk.id.as_bytes().into(),
                chunk.seal.as_bytes().into(),
                chunk.length.into(),
                pack,
                position,
                V::Int(chunk.kind as i64),
                chunk.bad.into(),
            ]
        })
        .collect();
    tx.many(
        "INSERT INTO chunks (log, chunk, seal, length, pack, position, layout, bad) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &rows,
    )?;
    Ok(())
}

/// Adds forms of chunks that are not there and whose bytes count for another space.
///
/// # Errors
/// The database's, also when one is there.
pub fn insert_adopted(tx: &mut dyn Tx, log: LogNo, chunks: &[ChunkRow]) -> Result<(), DbError> {
    insert(tx, log, chunks)?;
    let rows: Vec<Vec<V<'_>>> = chunks
        .iter()
        .map(|chunk| {
            let (id, seal) = (chunk.id.as_bytes(), chunk.seal.as_bytes());
            vec![log.into(), id.into(), seal.into()]
        })
        .collect();
    tx.many(
        "UPDATE chunks SET adopted = 1 WHERE log = $1 AND chunk = $2 AND seal = $3",
        &rows,
    )?;
    Ok(())
}

/// Gives forms that were found bad another copy of the same bytes.
///
/// # Errors
/// The database's.
pub fn replace(tx: &mut dyn Tx, log: LogNo, chunks: &[ChunkRow]) -> Result<(), DbError> {
    let rows: Vec<Vec<V<'_>>> = chunks
        .iter()
        .map(|chunk| {
            let (pack, position) = columns(chunk.location);
            vec![
                pack,
                position,
                log.into(),
                chunk.id.as_bytes().into(),
                chunk.seal.as_bytes().into(),
            ]
        })
        .collect();
    tx.many(
        "UPDATE chunks SET pack = $1, position = $2, bad = 0 \
         WHERE log = $3 AND chunk = $4 AND seal = $5",
        &rows,
    )?;
    Ok(())
}

/// Marks the copy of a chunk at one location as bad; false when another has taken its place.
///
/// # Errors
/// The database's.
pub fn mark_bad(
    tx: &mut dyn Tx,
    log: LogNo,
    id: ChunkId,
    location: Location,
) -> Result<bool, DbError> {
    let (pack, position) = columns(location);
    let changed = tx.exec(
        "UPDATE chunks SET bad = 1 WHERE log = $1 AND chunk = $2 AND pack = $3 \
         AND position = $4 AND bad = 0",
        &[log.into(), id.as_bytes().into(), pack, position],
    )?;
    Ok(changed == 1)
}

/// Stored forms after one of them, by id and seal, for checks.
///
/// # Errors
/// The database's.
pub fn page(
    tx: &mut dyn Tx,
    log: LogNo,
    after: Option<(ChunkId, SealHash)>,
    limit: u32,
) -> Result<Vec<ChunkRow>, DbError> {
    let empty: &[u8] = &[];
    let (chunk, seal) = match &after {
        Some((chunk, seal)) => (chunk.as_bytes().as_slice(), seal.as_bytes().as_slice()),
        None => (empty, empty),
    };
    let rows = tx.query(
        "SELECT chunk, seal, length, pack, position, layout, bad FROM chunks \
         WHERE log = $1 AND (chunk, seal) > ($2, $3) ORDER BY chunk, seal LIMIT $4",
        &[log.into(), chunk.into(), seal.into(), limit.into()],
    )?;
    rows.iter().map(read_chunk).collect()
}

/// Sealed bytes of the chunks that count for a space.
///
/// # Errors
/// The database's.
pub fn counted(tx: &mut dyn Tx, log: LogNo) -> Result<u64, DbError> {
    let sql = "SELECT CAST(COALESCE(SUM(length), 0) AS BIGINT) FROM chunks \
               WHERE log = $1 AND adopted = 0";
    let row = tx.query_one(sql, &[log.into()])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// How many chunks are marked as bad, over all logs.
///
/// # Errors
/// The database's.
pub fn count_bad(tx: &mut dyn Tx) -> Result<u64, DbError> {
    let row = tx.query_one("SELECT COUNT(*) FROM chunks WHERE bad <> 0", &[])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// Keeps small chunks in the database; returns where, in order.
///
/// # Errors
/// The database's.
pub fn insert_inline(
    tx: &mut dyn Tx,
    log: LogNo,
    chunks: &[InlineChunk<'_>],
) -> Result<Vec<Location>, DbError> {
    let rows: Vec<Vec<V<'_>>> = chunks
        .iter()
        .map(|chunk| vec![log.into(), chunk.id.as_bytes().into(), chunk.sealed.into()])
        .collect();
    let numbers = tx.lookup(
        "INSERT INTO inline_chunks (log, chunk, sealed) VALUES ($1, $2, $3) RETURNING no",
        &rows,
    )?;
    let read = |rows: &Vec<Row>| match rows.first() {
        Some(row) => Ok(Location::Inline { no: row.int(0)? }),
        None => Err(DbError::Shape("the number of a new row")),
    };
    numbers.iter().map(read).collect()
}

/// The sealed bytes of small chunks, in order; none where the job has moved one meanwhile.
///
/// # Errors
/// The database's.
pub fn read_inline(tx: &mut dyn Tx, numbers: &[i64]) -> Result<Vec<Option<Vec<u8>>>, DbError> {
    let keys: Vec<Vec<V<'_>>> = numbers.iter().map(|no| vec![(*no).into()]).collect();
    let found = tx.lookup("SELECT sealed FROM inline_chunks WHERE no = $1", &keys)?;
    let read = |rows: Vec<Row>| rows.into_iter().next().map(|mut row| row.take_bytes(0));
    found
        .into_iter()
        .map(|rows| read(rows).transpose())
        .collect()
}

/// The oldest small chunks that wait for a pack.
///
/// # Errors
/// The database's.
pub fn waiting(tx: &mut dyn Tx, limit: u32) -> Result<Vec<WaitingChunk>, DbError> {
    let sql = "SELECT no, log, chunk, sealed FROM inline_chunks ORDER BY no LIMIT $1";
    let rows = tx.query(sql, &[limit.into()])?;
    rows.into_iter()
        .map(|mut row| {
            Ok(WaitingChunk {
                no: row.int(0)?,
                log: row.int(1)?,
                id: ChunkId(row.array(2)?),
                sealed: row.take_bytes(3)?,
            })
        })
        .collect()
}

/// How many small chunks wait for a pack, and how many bytes they have.
///
/// # Errors
/// The database's.
pub fn count_waiting(tx: &mut dyn Tx) -> Result<(u64, u64), DbError> {
    let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(LENGTH(sealed)), 0) AS BIGINT) \
               FROM inline_chunks";
    tx.query_one(sql, &[])?
        .map_or(Ok((0, 0)), |row| Ok((row.count(0)?, row.count(1)?)))
}

/// Points small chunks into a pack that holds them now, and forgets their rows. `offsets` are
/// their places in the pack, in the same order.
///
/// # Errors
/// The database's.
pub fn move_into_pack(
    tx: &mut dyn Tx,
    chunks: &[WaitingChunk],
    pack: PackNo,
    offsets: &[u64],
) -> Result<(), DbError> {
    let rows: Vec<Vec<V<'_>>> = chunks
        .iter()
        .zip(offsets)
        .map(|(chunk, offset)| {
            vec![
                pack.into(),
                (*offset).into(),
                chunk.log.into(),
                chunk.id.as_bytes().into(),
                chunk.no.into(),
            ]
        })
        .collect();
    tx.many(
        "UPDATE chunks SET pack = $1, position = $2 WHERE log = $3 AND chunk = $4 \
         AND pack = 0 AND position = $5",
        &rows,
    )?;
    let numbers: Vec<Vec<V<'_>>> = chunks.iter().map(|chunk| vec![chunk.no.into()]).collect();
    tx.many("DELETE FROM inline_chunks WHERE no = $1", &numbers)?;
    Ok(())
}

/// Remembers what a stored layout node refers to; an earlier list of the same node is replaced.
///
/// # Errors
/// The database's.
pub fn put_refs(
    tx: &mut dyn Tx,
    log: LogNo,
    node: ChunkId,
    refs: &[ChunkId],
) -> Result<(), DbError> {
    let joined: Vec<u8> = refs.iter().flat_map(|id| id.0).collect();
    tx.exec(
        "INSERT INTO layout_refs (log, chunk, refs) VALUES ($1, $2, $3) \
         ON CONFLICT (log, chunk) DO UPDATE SET refs = excluded.refs",
        &[log.into(), node.as_bytes().into(), joined.into()],
    )?;
    Ok(())
}

/// What a stored layout node refers to; none when it is no such node.
///
/// # Errors
/// The database's.
pub fn refs(tx: &mut dyn Tx, log: LogNo, node: ChunkId) -> Result<Option<Vec<ChunkId>>, DbError> {
    let sql = "SELECT refs FROM layout_refs WHERE log = $1 AND chunk = $2";
    let Some(row) = tx.query_one(sql, &[log.into(), node.as_bytes().into()])? else {
        return Ok(None);
    };
    let (ids, []) = row.bytes(0)?.as_chunks::<{ ChunkId::LEN }>() else {
        return Err(DbError::Shape("a list of chunk ids"));
    };
    Ok(Some(ids.iter().map(|id| ChunkId(*id)).collect()))
}

/// Remembers that everything below a stored layout node is there.
///
/// # Errors
/// The database's.
pub fn set_complete(tx: &mut dyn Tx, log: LogNo, node: ChunkId) -> Result<(), DbError> {
    let sql = "UPDATE chunks SET layout = 2 WHERE log = $1 AND chunk = $2 AND layout = 1";
    tx.exec(sql, &[log.into(), node.as_bytes().into()])?;
    Ok(())
}

/// Begins or prolongs the lease of a device on a log.
///
/// # Errors
/// The database's.
pub fn lease(
    tx: &mut dyn Tx,
    log: LogNo,
    device: DeviceId,
    now_ms: i64,
    expires_ms: i64,
) -> Result<(), DbError> {
    // An expired lease begins anew; a live one keeps its beginning, on which earlier answers rest.
    tx.exec(
        "INSERT INTO leases (log, device, begun_ms, expires_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (log, device) DO UPDATE SET expires_ms = excluded.expires_ms, \
         begun_ms = CASE WHEN leases.expires_ms < excluded.begun_ms THEN excluded.begun_ms \
         ELSE leases.begun_ms END",
        &[
            log.into(),
            device.as_bytes().into(),
            now_ms.into(),
            expires_ms.into(),
        ],
    )?;
    Ok(())
}

fn keys(log: LogNo, ids: &[ChunkId]) -> Vec<Vec<V<'_>>> {
    ids.iter()
        .map(|id| vec![log.into(), id.as_bytes().into()])
        .collect()
}

fn columns(location: Location) -> (V<'static>, V<'static>) {
    match location {
        Location::Pack { pack, offset } => (pack.into(), offset.into()),
        Location::Inline { no } => (V::Int(0), no.into()),
    }
}

fn read_chunk(row: &Row) -> Result<ChunkRow, DbError> {
    let location = match row.int(3)? {
        0 => Location::Inline { no: row.int(4)? },
        pack => Location::Pack {
            pack,
            offset: row.count(4)?,
        },
    };
    let kind = match row.int(5)? {
        0 => ChunkKind::Data,
        1 => ChunkKind::Layout,
        _ => ChunkKind::CompleteLayout,
    };
    Ok(ChunkRow {
        id: ChunkId(row.array(0)?),
        seal: SealHash(row.array(1)?),
        length: u32::try_from(row.int(2)?).map_err(|_| DbError::Shape("a length"))?,
        location,
        kind,
        bad: row.flag(6)?,
    })
}
