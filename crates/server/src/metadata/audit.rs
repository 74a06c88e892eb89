//! What was administered: rows that are added and never changed.

use super::{DbError, Row, Tx};

/// One thing that was done, or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number.
    pub no: i64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who did it.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// With which values. Never a secret.
    pub detail: String,
    /// What it came to.
    pub outcome: String,
    /// Hash of this row and the link of the one before.
    pub link: [u8; 32],
}

impl AuditRow {
    /// The link that a row must have after another.
    pub fn link_after(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("hythe 1 audit link");
        hasher.update(before);
        hasher.update(&self.at_ms.to_be_bytes());
        for text in [
            &self.actor,
            &self.action,
            &self.subject,
            &self.detail,
            &self.outcome,
        ] {
            hasher.update(&(text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

/// The link before the first row.
pub const START: [u8; 32] = [0; 32];

/// Adds a row; its number and link are given here.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn append(tx: &mut dyn Tx, row: &AuditRow) -> Result<(), DbError> {
    // One after the other: each row names the one before.
    tx.exec("UPDATE server SET starts = starts", &[])?;
    let last = tx.query_one("SELECT link FROM audit ORDER BY no DESC LIMIT 1", &[])?;
    let before = last.map_or(Ok(START), |last| last.array(0))?;
    let link = row.link_after(&before);
    tx.exec(
        "INSERT INTO audit (at_ms, actor, action, subject, detail, outcome, link) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            row.at_ms.into(),
            row.actor.as_str().into(),
            row.action.as_str().into(),
            row.subject.as_str().into(),
            row.detail.as_str().into(),
            row.outcome.as_str().into(),
            (&link).into(),
        ],
    )?;
    Ok(())
}

/// The newest rows, oldest of them first.
///
/// # Errors
/// The database's.
pub fn newest(tx: &mut dyn Tx, limit: u32) -> Result<Vec<AuditRow>, DbError> {
    let rows = tx.query(
        "SELECT no, at_ms, actor, action, subject, detail, outcome, link FROM audit \
         ORDER BY no DESC LIMIT $1",
        &[limit.into()],
    )?;
    rows.iter().rev().map(read).collect()
}

/// Rows after a number, oldest first.
///
/// # Errors
/// The database's.
pub fn after(tx: &mut dyn Tx, no: i64, limit: u32) -> Result<Vec<AuditRow>, DbError> {
    let rows = tx.query(
        "SELECT no, at_ms, actor, action, subject, detail, outcome, link FROM audit \
         WHERE no > $1 ORDER BY no LIMIT $2",
        &[no.into(), limit.into()],
    )?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<AuditRow, DbError> {
    Ok(AuditRow {
        no: row.int(0)?,
        at_ms: row.int(1)?,
        actor: row.text(2)?.to_owned(),
        action: row.text(3)?.to_owned(),
        subject: row.text(4)?.to_owned(),
        detail: row.text(5)?.to_owned(),
        outcome: row.text(6)?.to_owned(),
        link: row.array(7)?,
    })
}
