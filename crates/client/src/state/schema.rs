//! Formats of the state database and the steps between them.

use rusqlite::{Connection, TransactionBehavior};

use super::error::StateError;

/// Marks the file as Hythe's ("hyth").
const APPLICATION_ID: i32 = 0x6879_7468;

/// The step that makes format n + 1 of format n stands at position n.
const STEPS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
];

/// The format this program writes.
const NEWEST: u32 = STEPS.len() as u32;

/// Brings a database to the newest format, or refuses one that is newer (SC-092).
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StateError> {
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > NEWEST {
        return Err(StateError::Newer {
            found,
            known: NEWEST,
        });
    }
    if found == NEWEST {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let missing = STEPS.iter().skip(found as usize);
    missing
        .into_iter()
        .try_for_each(|step| transaction.execute_batch(step))?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", NEWEST)?;
    transaction.commit()?;
    Ok(())
}
