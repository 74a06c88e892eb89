//! Devices: what they told about themselves, and when and where they were last seen.

use hythe_model::{AccountId, DeviceId};

use super::{DbError, Row, Tx, V};

/// The row of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// The device.
    pub device: DeviceId,
    /// Its account.
    pub account: AccountId,
    /// The name its owner gave it.
    pub name: String,
    /// Operating system and processor.
    pub platform: String,
    /// Version of its software.
    pub version: String,
    /// Its sync folders, as JSON.
    pub folders: String,
    /// Address it was last seen from.
    pub address: Option<String>,
    /// Port it was last seen from.
    pub port: Option<u16>,
    /// When it was last seen, in milliseconds since 1970.
    pub last_seen_ms: Option<i64>,
    /// When it was registered.
    pub created_ms: i64,
    /// When it was removed from its account.
    pub removed_ms: Option<i64>,
}

/// Where and when a device was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The device.
    pub device: DeviceId,
    /// The address, if there was one.
    pub address: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// When, in milliseconds since 1970.
    pub seen_ms: i64,
}

const COLUMNS_OF_ACCOUNT: &str = "SELECT device, account, name, platform, version, folders, \
     address, port, last_seen_ms, created_ms, removed_ms FROM devices WHERE account = $1 \
     ORDER BY created_ms, device";

const COLUMNS_OF_TOKEN: &str = "SELECT device, account, name, platform, version, folders, \
     address, port, last_seen_ms, created_ms, removed_ms FROM devices WHERE token_hash = $1";

const COLUMNS_OF_DEVICE: &str = "SELECT device, account, name, platform, version, folders, \
     address, port, last_seen_ms, created_ms, removed_ms FROM devices WHERE device = $1";

/// Adds a device; false when the device or its token is there already.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn insert(tx: &mut dyn Tx, device: &DeviceRow, token_hash: &[u8; 32]) -> Result<bool, DbError> {
    let changed = tx.exec(
        "INSERT INTO devices (device, account, token_hash, name, platform, version, folders, \
         address, port, last_seen_ms, created_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING",
        &[
            device.device.as_bytes().into(),
            device.account.as_bytes().into(),
            token_hash.into(),
            device.name.as_str().into(),
            device.platform.as_str().into(),
            device.version.as_str().into(),
            device.folders.as_str().into(),
            device.address.as_deref().into(),
            device.port.map(u32::from).into(),
            device.last_seen_ms.into(),
            device.created_ms.into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Whether a device of whoever has a login name was last seen at an address.
///
/// # Errors
/// The database's.
pub fn is_at(tx: &mut dyn Tx, login: &str, address: &str) -> Result<bool, DbError> {
    let row = tx.query_one(
        "SELECT 1 FROM devices d JOIN accounts a ON a.account = d.account \
         WHERE a.login = $1 AND d.address = $2 AND d.removed_ms IS NULL LIMIT 1",
        &[login.into(), address.into()],
    )?;
    Ok(row.is_some())
}

/// The device that holds a token, removed or not.
///
/// # Errors
/// The database's.
pub fn by_token(tx: &mut dyn Tx, token_hash: &[u8; 32]) -> Result<Option<DeviceRow>, DbError> {
    let row = tx.query_one(COLUMNS_OF_TOKEN, &[token_hash.into()])?;
    row.as_ref().map(read).transpose()
}

/// A device, removed or not.
///
/// # Errors
/// The database's.
pub fn get(tx: &mut dyn Tx, device: DeviceId) -> Result<Option<DeviceRow>, DbError> {
    let row = tx.query_one(COLUMNS_OF_DEVICE, &[device.as_bytes().into()])?;
    row.as_ref().map(read).transpose()
}

/// All devices of an account, removed ones included, oldest first.
///
/// # Errors
/// The database's.
pub fn of_account(tx: &mut dyn Tx, account: AccountId) -> Result<Vec<DeviceRow>, DbError> {
    let rows = tx.query(COLUMNS_OF_ACCOUNT, &[account.as_bytes().into()])?;
    rows.iter().map(read).collect()
}

/// Marks a device as removed; false when it was, or is none of the account's.
///
/// # Errors
/// The database's.
pub fn remove(
    tx: &mut dyn Tx,
    account: AccountId,
    device: DeviceId,
    now_ms: i64,
) -> Result<bool, DbError> {
    let changed = tx.exec(
        "UPDATE devices SET removed_ms = $1 WHERE account = $2 AND device = $3 \
         AND removed_ms IS NULL",
        &[
            now_ms.into(),
            account.as_bytes().into(),
            device.as_bytes().into(),
        ],
    )?;
    Ok(changed == 1)
}

/// Sets what a device tells about itself; none stays as it is.
///
/// # Errors
/// The database's.
pub fn describe(
    tx: &mut dyn Tx,
    device: DeviceId,
    name: Option<&str>,
    folders: Option<&str>,
) -> Result<(), DbError> {
    tx.exec(
        "UPDATE devices SET name = COALESCE($1, name), folders = COALESCE($2, folders) \
         WHERE device = $3",
        &[name.into(), folders.into(), device.as_bytes().into()],
    )?;
    Ok(())
}

/// Remembers where and when devices were last seen.
///
/// # Errors
/// The database's.
pub fn seen(tx: &mut dyn Tx, visits: &[Visit]) -> Result<(), DbError> {
    let rows: Vec<Vec<V<'_>>> = visits
        .iter()
        .map(|visit| {
            vec![
                visit.seen_ms.into(),
                visit.address.as_deref().into(),
                visit.port.map(u32::from).into(),
                visit.device.as_bytes().into(),
            ]
        })
        .collect();
    tx.many(
        "UPDATE devices SET last_seen_ms = $1, address = COALESCE($2, address), \
         port = COALESCE($3, port) WHERE device = $4",
        &rows,
    )?;
    Ok(())
}

fn read(row: &Row) -> Result<DeviceRow, DbError> {
    Ok(DeviceRow {
        device: DeviceId(row.array(0)?),
        account: AccountId(row.array(1)?),
        name: row.text(2)?.to_owned(),
        platform: row.text(3)?.to_owned(),
        version: row.text(4)?.to_owned(),
        folders: row.text(5)?.to_owned(),
        address: row.text_or_null(6)?.map(str::to_owned),
        port: row
            .int_or_null(7)?
            .map(u16::try_from)
            .transpose()
            .map_err(|_| DbError::Shape("a port"))?,
        last_seen_ms: row.int_or_null(8)?,
        created_ms: row.int(9)?,
        removed_ms: row.int_or_null(10)?,
    })
}
