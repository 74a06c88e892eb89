//! Single values by name.

use super::columns::get;
use super::rows::{Result, Rows, Tx};

impl Rows<'_> {
    /// The value of a setting; none when it was never set.
    ///
    /// # Errors
    /// The database's, as for everything here.
    pub fn setting(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.one("SELECT value FROM settings WHERE key = ?1", [key], |row| {
            get(row, 0)
        })
    }
}

impl Tx<'_> {
    /// Sets a setting.
    ///
    /// # Errors
    /// The database's.
    pub fn set_setting(&self, key: &str, value: &[u8]) -> Result<()> {
        let sql = "INSERT INTO settings (key, value) VALUES (?1, ?2)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        self.run(sql, (key, value)).map(drop)
    }

    /// Forgets a setting.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_setting(&self, key: &str) -> Result<()> {
        self.run("DELETE FROM settings WHERE key = ?1", [key])
            .map(drop)
    }
}
