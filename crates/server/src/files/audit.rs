//! Every administrative action leaves a row: who, what, to whom, when, and what it came to.
//!
//! The row is written in the transaction of the action, so there is none without the other; what
//! was refused gets a row too. Each row holds a hash over itself and the one before, which `admin
//! check` follows.

use std::fmt;

use hythe_model::AccountId;
use serde::{Deserialize, Serialize};

use super::{Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::audit::{self, AuditRow, START};
use crate::metadata::{DbError, Tx};

/// Rows that are read at once.
const PAGE: u32 = 1000;

/// Longest text of a row; names are far shorter.
const MAX_TEXT: usize = 1024;

/// Who administers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Whoever runs the server on its machine.
    Machine,
    /// The server, by itself.
    Server,
    /// An account that may administer.
    Account(AccountId),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine => f.write_str("machine"),
            Self::Server => f.write_str("server"),
            Self::Account(account) => write!(f, "account {account}"),
        }
    }
}

/// An administrative action, as it is written down. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Action {
    /// Who.
    pub(super) actor: Actor,
    /// What, in one word.
    pub(super) name: &'static str,
    /// To whom or what.
    pub(super) subject: String,
    /// With which values.
    pub(super) detail: String,
}

/// One row, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who: `machine`, `server`, or `account` and its id.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// With which values.
    pub detail: String,
    /// `done`, or why not.
    pub outcome: String,
}

impl Action {
    /// Writes it down with what it came to.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn record(&self, tx: &mut dyn Tx, outcome: &str) -> Result<(), DbError> {
        let row = AuditRow {
            no: 0,
            at_ms: now_ms(),
            actor: self.actor.to_string(),
            action: self.name.to_owned(),
            subject: cut(&self.subject),
            detail: cut(&self.detail),
            outcome: cut(outcome),
            link: START,
        };
        audit::append(tx, &row)
    }
}

/// The beginning of a text, at a border of characters.
fn cut(text: &str) -> String {
    let end = (0..=MAX_TEXT.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

impl Files {
    /// Does something in one transaction and writes down that it was done, or why not.
    ///
    /// # Errors
    /// Those of the work; the database's.
    pub(super) async fn audited<T: Send + 'static>(
        &self,
        action: Action,
        mut work: impl FnMut(&mut dyn Tx) -> Result<T, FilesError> + Send + 'static,
    ) -> Result<T, FilesError> {
        let database = &self.inner.database;
        let recorded = action.clone();
        let done = database
            .write(move |tx| {
                let done = work(tx)?;
                recorded.record(tx, "done")?;
                Ok::<_, FilesError>(done)
            })
            .await;
        if let Err(error) = &done {
            let outcome = format!("refused: {error}");
            let written = database.write(move |tx| action.record(tx, &outcome)).await;
            if let Err(error) = written {
                // Without its database the server does nothing anyway.
                tracing::error!(%error, "a refused administrative action was not written down");
            }
        }
        done
    }

    /// What was administered lately, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>, FilesError> {
        let read = move |tx: &mut dyn Tx| audit::newest(tx, limit);
        let rows = self.inner.database.read(read).await?;
        let entries = rows.into_iter().map(|row| AuditEntry {
            at_ms: row.at_ms,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
            outcome: row.outcome,
        });
        Ok(entries.collect())
    }
}

/// The number of the first row that is not what was written; none when all are.
///
/// # Errors
/// The database's.
pub(super) fn first_broken(tx: &mut dyn Tx) -> Result<Option<i64>, DbError> {
    let (mut no, mut link) = (0, START);
    loop {
        let page = audit::after(tx, no, PAGE)?;
        if page.is_empty() {
            return Ok(None);
        }
        for row in page {
            if row.link != row.link_after(&link) {
                return Ok(Some(row.no));
            }
            (no, link) = (row.no, row.link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(MAX_TEXT);
        assert_eq!(cut(&long).len(), MAX_TEXT);
        assert_eq!(cut(&format!("a{long}")).len(), MAX_TEXT - 1);
    }
}
