//! What whoever runs the server has decided, by name. An absent row means the default.

use super::{DbError, Tx};

/// The value of a setting.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn get(tx: &mut dyn Tx, name: &str) -> Result<Option<String>, DbError> {
    let row = tx.query_one("SELECT value FROM settings WHERE name = $1", &[name.into()])?;
    row.map(|row| Ok(row.text(0)?.to_owned())).transpose()
}

/// Sets a value, or, with none, goes back to the default.
///
/// # Errors
/// The database's.
pub fn set(tx: &mut dyn Tx, name: &str, value: Option<&str>) -> Result<(), DbError> {
    let Some(value) = value else {
        tx.exec("DELETE FROM settings WHERE name = $1", &[name.into()])?;
        return Ok(());
    };
    tx.exec(
        "INSERT INTO settings (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        &[name.into(), value.into()],
    )?;
    Ok(())
}
