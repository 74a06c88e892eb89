//! Opening connections.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::StateError;

/// Prepared statements kept per connection: more than there are.
const STATEMENTS: usize = 128;
/// How long a connection waits for another: nothing of ours holds a lock that long.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Pages in memory, in KiB, of the writer and of each reader: all of a small tree, and a bound for
/// a large one. Nothing is mapped: mapped pages would count as the daemon's memory.
const WRITER_CACHE_KIB: i64 = 8 << 10;
const READER_CACHE_KIB: i64 = 2 << 10;

/// The one connection that writes. Every commit is on the disk when it returns.
pub(super) fn writer(path: &Path) -> Result<Connection, StateError> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cell_size_check", true)?;
    bound(&connection, WRITER_CACHE_KIB)?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn reader(path: &Path) -> Result<Connection, StateError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.pragma_update(None, "query_only", true)?;
    bound(&connection, READER_CACHE_KIB)?;
    Ok(connection)
}

fn bound(connection: &Connection, cache_kib: i64) -> Result<(), StateError> {
    connection.busy_timeout(PATIENCE)?;
    // Otherwise SQLite plans some statements anew for each value that is bound to them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus::RePrepare;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound_to_it() {
        let place = tempfile::tempdir().unwrap();
        let connection = writer(&place.path().join("state.db")).unwrap();
        let table = "CREATE TABLE records (space INTEGER, key BLOB, PRIMARY KEY (space, key))";
        connection.execute_batch(table).unwrap();
        let sql = "SELECT key FROM records WHERE space = ?1 AND key >= ?2
            AND substr(key, 1, length(?2)) = ?2 ORDER BY key";
        let mut statement = connection.prepare(sql).unwrap();
        for key in [b"a", b"b", b"c"] {
            assert!(!statement.exists((1, key)).unwrap());
        }
        assert_eq!(statement.get_status(RePrepare), 0);
    }
}
