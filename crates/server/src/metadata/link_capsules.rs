//! What links into sealed spaces show: sealed by the devices that gave them out.

use hythe_model::{LinkId, NodeId};

use super::logs::LogNo;
use super::{DbError, Row, Tx, V};

/// Some nodes of a directory, and their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRow {
    /// The nodes.
    pub nodes: Vec<NodeId>,
    /// The envelope.
    pub seal: Vec<u8>,
    /// What is in it.
    pub sealed: Vec<u8>,
}

/// Replaces what a link shows of a directory; none: of the linked node itself.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn replace(
    tx: &mut dyn Tx,
    link: LinkId,
    log: LogNo,
    directory: Option<NodeId>,
    parts: &[PartRow],
) -> Result<(), DbError> {
    let place = key(directory);
    let sql = "DELETE FROM link_capsules WHERE link = $1 AND directory = $2";
    tx.exec(sql, &[link.as_bytes().into(), place.as_slice().into()])?;
    let joined: Vec<Vec<u8>> = parts.iter().map(|part| join(&part.nodes)).collect();
    let rows: Vec<Vec<V<'_>>> = parts
        .iter()
        .zip(&joined)
        .zip(0_i64..)
        .map(|((part, nodes), number)| {
            vec![
                link.as_bytes().into(),
                log.into(),
                place.as_slice().into(),
                number.into(),
                nodes.as_slice().into(),
                part.seal.as_slice().into(),
                part.sealed.as_slice().into(),
            ]
        })
        .collect();
    tx.many(
        "INSERT INTO link_capsules (link, log, directory, part, nodes, seal, sealed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &rows,
    )?;
    Ok(())
}

/// A part of what a link shows of a directory.
///
/// # Errors
/// The database's.
pub fn part(
    tx: &mut dyn Tx,
    link: LinkId,
    directory: Option<NodeId>,
    number: u32,
) -> Result<Option<PartRow>, DbError> {
    let row = tx.query_one(
        "SELECT nodes, seal, sealed FROM link_capsules \
         WHERE link = $1 AND directory = $2 AND part = $3",
        &[
            link.as_bytes().into(),
            key(directory).as_slice().into(),
            number.into(),
        ],
    )?;
    row.map(read).transpose()
}

/// Bytes that are stored of what a link shows.
///
/// # Errors
/// The database's.
pub fn bytes(tx: &mut dyn Tx, link: LinkId) -> Result<u64, DbError> {
    let sql = "SELECT CAST(COALESCE(SUM(LENGTH(nodes) + LENGTH(seal) + LENGTH(sealed)), 0) \
               AS BIGINT) FROM link_capsules WHERE link = $1";
    let row = tx.query_one(sql, &[link.as_bytes().into()])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// Bytes that are stored of what the links into a space show.
///
/// # Errors
/// The database's.
pub fn bytes_of_log(tx: &mut dyn Tx, log: LogNo) -> Result<u64, DbError> {
    let sql = "SELECT CAST(COALESCE(SUM(LENGTH(nodes) + LENGTH(seal) + LENGTH(sealed)), 0) \
               AS BIGINT) FROM link_capsules WHERE log = $1";
    let row = tx.query_one(sql, &[log.into()])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// Links that ended by themselves and of which something is stored, with the ids of their spaces:
/// their time is over, or the device that gave them out was removed.
///
/// # Errors
/// The database's.
pub fn ended(tx: &mut dyn Tx, now_ms: i64) -> Result<Vec<(LinkId, [u8; 32])>, DbError> {
    let rows = tx.query(
        "SELECT links.link, logs.id FROM links, logs WHERE logs.no = links.log \
         AND (links.revoked_ms IS NOT NULL OR links.expires_ms <= $1 OR EXISTS \
         (SELECT 1 FROM devices WHERE devices.device = links.device \
         AND devices.removed_ms IS NOT NULL)) AND EXISTS \
         (SELECT 1 FROM link_capsules WHERE link_capsules.link = links.link)",
        &[now_ms.into()],
    )?;
    let link = |row: &Row| Ok((LinkId(row.array(0)?), row.array(1)?));
    rows.iter().map(link).collect()
}

/// Forgets what a link shows.
///
/// # Errors
/// The database's.
pub fn forget(tx: &mut dyn Tx, link: LinkId) -> Result<(), DbError> {
    let sql = "DELETE FROM link_capsules WHERE link = $1";
    tx.exec(sql, &[link.as_bytes().into()])?;
    Ok(())
}

fn key(directory: Option<NodeId>) -> Vec<u8> {
    directory.map_or_else(Vec::new, |node| node.as_bytes().to_vec())
}

fn join(nodes: &[NodeId]) -> Vec<u8> {
    nodes.iter().flat_map(|node| *node.as_bytes()).collect()
}

fn read(mut row: Row) -> Result<PartRow, DbError> {
    let (ids, []) = row.bytes(0)?.as_chunks::<{ NodeId::LEN }>() else {
        return Err(DbError::Shape("a list of node ids"));
    };
    Ok(PartRow {
        nodes: ids.iter().map(|id| NodeId(*id)).collect(),
        seal: row.take_bytes(1)?,
        sealed: row.take_bytes(2)?,
    })
}
