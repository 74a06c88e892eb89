//! Links, and how they were used.

use hythe_model::{AccountId, Cursor, DeviceId, LinkId, NodeId, OpeningId, Secret32};

use super::logs::LogNo;
use super::{DbError, Row, Tx, V};

/// Uses of one link that are kept.
const MAX_USES: i64 = 1000;

/// The row of a link. No `Debug`.
#[derive(Clone)]
pub struct LinkRow {
    /// The link.
    pub link: LinkId,
    /// The space.
    pub log: LogNo,
    /// The node that it shows.
    pub node: NodeId,
    /// Who gave it out.
    pub account: AccountId,
    /// On which device.
    pub device: DeviceId,
    /// Hash of the token that whoever has it shows.
    pub verifier: Secret32,
    /// What the device signed.
    pub grant: Vec<u8>,
    /// When it was given out, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it ends.
    pub expires_ms: Option<i64>,
    /// How often files may be opened.
    pub limit: Option<u32>,
    /// How often files were opened.
    pub downloads: u32,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
}

/// What was done with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Looked at what it shows.
    Looked = 0,
    /// Opened a file.
    Opened = 1,
    /// Put a file.
    Put = 2,
}

/// One use of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseRow {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What was done.
    pub action: Action,
    /// From which network.
    pub network: String,
    /// The file that was opened.
    pub opened: Option<Opening>,
}

/// A file that was opened through a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// What its chunks are asked for by.
    pub opening: OpeningId,
    /// The file.
    pub node: NodeId,
    /// The position of the change set that wrote its content.
    pub written: Cursor,
}

/// Adds a link; false when it is there.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(tx: &mut dyn Tx, row: &LinkRow) -> Result<bool, DbError> {
    let changed = tx.exec(
        "INSERT INTO links (link, log, node, account, device, verifier, link_grant, created_ms, \
         expires_ms, downloads_limit, downloads) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0) \
         ON CONFLICT DO NOTHING",
        &[
            row.link.as_bytes().into(),
            row.log.into(),
            row.node.as_bytes().into(),
            row.account.as_bytes().into(),
            row.device.as_bytes().into(),
            row.verifier.expose().into(),
            row.grant.as_slice().into(),
            row.created_ms.into(),
            row.expires_ms.into(),
            row.limit.map(i64::from).into(),
        ],
    )?;
    Ok(changed == 1)
}

/// A link.
///
/// # Errors
/// The database's.
pub fn get(tx: &mut dyn Tx, link: LinkId) -> Result<Option<LinkRow>, DbError> {
    let row = tx.query_one(
        "SELECT link, log, node, account, device, verifier, link_grant, created_ms, expires_ms, \
         downloads_limit, downloads, revoked_ms FROM links WHERE link = $1",
        &[link.as_bytes().into()],
    )?;
    row.map(read).transpose()
}

/// The links into a space, newest first.
///
/// # Errors
/// The database's.
pub fn of_space(tx: &mut dyn Tx, log: LogNo) -> Result<Vec<LinkRow>, DbError> {
    let rows = tx.query(
        "SELECT link, log, node, account, device, verifier, link_grant, created_ms, expires_ms, \
         downloads_limit, downloads, revoked_ms FROM links WHERE log = $1 \
         ORDER BY created_ms DESC, link",
        &[log.into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// How many links into a space were not revoked.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut dyn Tx, log: LogNo) -> Result<u64, DbError> {
    let sql = "SELECT COUNT(*) FROM links WHERE log = $1 AND revoked_ms IS NULL";
    let row = tx.query_one(sql, &[log.into()])?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// Ends a link.
///
/// # Errors
/// The database's.
pub fn revoke(tx: &mut dyn Tx, link: LinkId, now_ms: i64) -> Result<(), DbError> {
    let sql = "UPDATE links SET revoked_ms = $1 WHERE link = $2 AND revoked_ms IS NULL";
    tx.exec(sql, &[now_ms.into(), link.as_bytes().into()])?;
    Ok(())
}

/// Forgets revoked links that were revoked before a moment, and their uses.
///
/// # Errors
/// The database's.
pub fn sweep(tx: &mut dyn Tx, log: LogNo, before_ms: i64) -> Result<(), DbError> {
    let uses = "DELETE FROM link_uses WHERE link IN \
                (SELECT link FROM links WHERE log = $1 AND revoked_ms < $2)";
    tx.exec(uses, &[log.into(), before_ms.into()])?;
    let links = "DELETE FROM links WHERE log = $1 AND revoked_ms < $2";
    tx.exec(links, &[log.into(), before_ms.into()])?;
    Ok(())
}

/// Counts one opening; false when the link was used as often as it may be.
///
/// # Errors
/// The database's.
pub fn count_download(tx: &mut dyn Tx, link: LinkId) -> Result<bool, DbError> {
    let sql = "UPDATE links SET downloads = downloads + 1 WHERE link = $1 \
               AND (downloads_limit IS NULL OR downloads < downloads_limit)";
    Ok(tx.exec(sql, &[link.as_bytes().into()])? == 1)
}

/// Notes a use, and forgets the oldest.
///
/// # Errors
/// The database's.
pub fn note(tx: &mut dyn Tx, link: LinkId, log: LogNo, used: &UseRow) -> Result<(), DbError> {
    let opened = used.opened.as_ref();
    tx.exec(
        "INSERT INTO link_uses (link, log, at_ms, action, network, node, opening, written) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            link.as_bytes().into(),
            log.into(),
            used.at_ms.into(),
            V::Int(used.action as i64),
            used.network.as_str().into(),
            opened.map(|one| one.node.as_bytes()).into(),
            opened.map(|one| one.opening.as_bytes()).into(),
            opened.map(|one| one.written.0 as i64).into(),
        ],
    )?;
    tx.exec(
        "DELETE FROM link_uses WHERE link = $1 AND no < COALESCE((SELECT no FROM link_uses \
         WHERE link = $1 ORDER BY no DESC LIMIT 1 OFFSET $2), 0)",
        &[link.as_bytes().into(), MAX_USES.into()],
    )?;
    Ok(())
}

/// How a link was used, newest first.
///
/// # Errors
/// The database's.
pub fn uses(tx: &mut dyn Tx, link: LinkId) -> Result<Vec<UseRow>, DbError> {
    let rows = tx.query(
        "SELECT at_ms, action, network, node, opening, written FROM link_uses WHERE link = $1 \
         ORDER BY no DESC",
        &[link.as_bytes().into()],
    )?;
    rows.iter().map(read_use).collect()
}

/// An opening, and when it was.
///
/// # Errors
/// The database's.
pub fn opening(
    tx: &mut dyn Tx,
    link: LinkId,
    opening: OpeningId,
) -> Result<Option<UseRow>, DbError> {
    let row = tx.query_one(
        "SELECT at_ms, action, network, node, opening, written FROM link_uses \
         WHERE link = $1 AND opening = $2",
        &[link.as_bytes().into(), opening.as_bytes().into()],
    )?;
    row.as_ref().map(read_use).transpose()
}

fn read(mut row: Row) -> Result<LinkRow, DbError> {
    let small = |value: i64| u32::try_from(value).map_err(|_| DbError::Shape("a count"));
    Ok(LinkRow {
        link: LinkId(row.array(0)?),
        log: row.int(1)?,
        node: NodeId(row.array(2)?),
        account: AccountId(row.array(3)?),
        device: DeviceId(row.array(4)?),
        verifier: Secret32::new(row.array(5)?),
        grant: row.take_bytes(6)?,
        created_ms: row.int(7)?,
        expires_ms: row.int_or_null(8)?,
        limit: row.int_or_null(9)?.map(small).transpose()?,
        downloads: small(row.int(10)?)?,
        revoked_ms: row.int_or_null(11)?,
    })
}

fn read_use(row: &Row) -> Result<UseRow, DbError> {
    let opened = match row.bytes_or_null(4)? {
        Some(_) => Some(Opening {
            opening: OpeningId(row.array(4)?),
            node: NodeId(row.array(3)?),
            written: Cursor(row.count(5)?),
        }),
        None => None,
    };
    Ok(UseRow {
        at_ms: row.int(0)?,
        action: match row.int(1)? {
            0 => Action::Looked,
            1 => Action::Opened,
            2 => Action::Put,
            _ => return Err(DbError::Shape("a use of a link")),
        },
        network: row.text(2)?.to_owned(),
        opened,
    })
}
