//! What accounts say about their owners, and second factors.

use hythe_model::AccountId;

use super::{DbError, Tx};

/// What an account says about its owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileRow {
    /// What others are shown.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// The second factor of an account.
#[derive(Clone, PartialEq, Eq)]
pub struct FactorRow {
    /// The secret, sealed.
    pub sealed: Vec<u8>,
    /// Whether a code of it was shown; only then a login asks for it.
    pub confirmed: bool,
    /// The step of the last code that was taken.
    pub last_step: u64,
}

/// What an account says; nothing unless it was set.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn get(tx: &mut dyn Tx, account: AccountId) -> Result<ProfileRow, DbError> {
    let sql = "SELECT name, email FROM profiles WHERE account = $1";
    let row = tx.query_one(sql, &[account.as_bytes().into()])?;
    row.map_or(Ok(ProfileRow::default()), |row| {
        Ok(ProfileRow {
            name: row.text(0)?.to_owned(),
            email: row.text(1)?.to_owned(),
        })
    })
}

/// Sets what an account says.
///
/// # Errors
/// The database's.
pub fn set(tx: &mut dyn Tx, account: AccountId, row: &ProfileRow) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO profiles (account, name, email) VALUES ($1, $2, $3) ON CONFLICT (account) \
         DO UPDATE SET name = excluded.name, email = excluded.email",
        &[
            account.as_bytes().into(),
            row.name.as_str().into(),
            row.email.as_str().into(),
        ],
    )?;
    Ok(())
}

/// The second factor of an account.
///
/// # Errors
/// The database's.
pub fn factor(tx: &mut dyn Tx, account: AccountId) -> Result<Option<FactorRow>, DbError> {
    let sql = "SELECT sealed, confirmed, last_step FROM second_factors WHERE account = $1";
    let row = tx.query_one(sql, &[account.as_bytes().into()])?;
    row.map(|row| {
        Ok(FactorRow {
            sealed: row.bytes(0)?.to_vec(),
            confirmed: row.flag(1)?,
            last_step: row.count(2)?,
        })
    })
    .transpose()
}

/// Sets the second factor of an account.
///
/// # Errors
/// The database's.
pub fn set_factor(tx: &mut dyn Tx, account: AccountId, row: &FactorRow) -> Result<(), DbError> {
    tx.exec(
        "INSERT INTO second_factors (account, sealed, confirmed, last_step) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (account) DO UPDATE SET sealed = excluded.sealed, \
         confirmed = excluded.confirmed, last_step = excluded.last_step",
        &[
            account.as_bytes().into(),
            row.sealed.as_slice().into(),
            row.confirmed.into(),
            row.last_step.into(),
        ],
    )?;
    Ok(())
}

/// Takes a step of a second factor for used; false when it, or a later one, was used before.
///
/// # Errors
/// The database's.
pub fn use_step(tx: &mut dyn Tx, account: AccountId, step: u64) -> Result<bool, DbError> {
    let sql = "UPDATE second_factors SET last_step = $1 WHERE account = $2 AND last_step < $3";
    let params = [step.into(), account.as_bytes().into(), step.into()];
    Ok(tx.exec(sql, &params)? == 1)
}

/// Removes the second factor of an account.
///
/// # Errors
/// The database's.
pub fn remove_factor(tx: &mut dyn Tx, account: AccountId) -> Result<(), DbError> {
    let sql = "DELETE FROM second_factors WHERE account = $1";
    tx.exec(sql, &[account.as_bytes().into()])?;
    Ok(())
}
