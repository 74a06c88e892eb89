//! What invites are bound to.

use super::{DbError, Tx};

/// How "no limit" is written where NULL says "as other accounts".
const NO_LIMIT: i64 = -1;

/// What an invite is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bound {
    /// The login name; none is any.
    pub login: Option<String>,
    /// The limit that the account gets, where another than that of other new accounts.
    pub limit: Option<Option<u64>>,
}

/// Binds an invite.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn bind(tx: &mut dyn Tx, token_hash: &[u8; 32], bound: &Bound) -> Result<(), DbError> {
    let limit = bound
        .limit
        .map(|limit| limit.map_or(NO_LIMIT, |limit| i64::try_from(limit).unwrap_or(i64::MAX)));
    tx.exec(
        "UPDATE tokens SET login = $1, limit_bytes = $2 WHERE token_hash = $3",
        &[
            bound.login.as_deref().into(),
            limit.into(),
            token_hash.into(),
        ],
    )?;
    Ok(())
}

/// What an invite is bound to.
///
/// # Errors
/// The database's.
pub fn bound(tx: &mut dyn Tx, token_hash: &[u8; 32]) -> Result<Bound, DbError> {
    let row = tx.query_one(
        "SELECT login, limit_bytes FROM tokens WHERE token_hash = $1",
        &[token_hash.into()],
    )?;
    let Some(row) = row else {
        return Ok(Bound::default());
    };
    Ok(Bound {
        login: row.text_or_null(0)?.map(str::to_owned),
        limit: row.int_or_null(1)?.map(|limit| u64::try_from(limit).ok()),
    })
}
