//! Spaces: heads, chains, records of the fold, and this device's own place in their logs.

use hythe_model::{ChainHash, Cursor, Head, HeaderHash, Role, ServerEpoch, SpaceId};
use rusqlite::Row;

use super::columns::{get, get_some, number, role, role_number, signed};
use super::error::StateError;
use super::rows::{Result, Rows, Tx};

/// Number of a space in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceNumber(pub i64);

/// A space this device follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceRow {
    /// Its id.
    pub id: SpaceId,
    /// Its name, as this account calls it.
    pub name: String,
    /// This account's role in it.
    pub role: Role,
    /// The server's epoch when it was last read; none before that.
    pub server_epoch: Option<ServerEpoch>,
    /// How far its log was folded.
    pub head: Head,
    /// Stored form of the sum over its records at that point.
    pub digest: Vec<u8>,
    /// Set while the log of a restored server is read in place of the one that this device knew:
    /// the last position they have in common, or the start where that is not known. The Synced
    /// tree still speaks of the other log then, so nothing may be planned.
    pub common: Option<Head>,
}

/// This device's own change sets in a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRow {
    /// The counter of the one under way, or of the last one whose outcome was not seen.
    pub counter: u64,
    /// The one before the one under way, or the last one whose outcome was not seen; zero for none.
    pub previous: HeaderHash,
    /// One that was signed and may or may not have been accepted: to be sent again, unchanged,
    /// before any other (C6).
    pub underway: Option<Vec<u8>>,
}

const COLUMNS: &str =
    "no, id, name, role, server_epoch, cursor, chain, digest, common_cursor, common_chain";

fn read(row: &Row<'_>) -> Result<(SpaceNumber, SpaceRow)> {
    let space = SpaceRow {
        id: get(row, 1)?,
        name: row.get(2)?,
        role: role(row, 3)?,
        server_epoch: get_some(row, 4)?,
        head: Head {
            cursor: Cursor(number(row, 5)?),
            chain: get(row, 6)?,
        },
        digest: get(row, 7)?,
        common: match get_some(row, 9)? {
            Some(chain) => Some(Head {
                cursor: Cursor(number(row, 8)?),
                chain,
            }),
            None => None,
        },
    };
    Ok((SpaceNumber(row.get(0)?), space))
}

impl Rows<'_> {
    /// All spaces.
    ///
    /// # Errors
    /// The database's.
    pub fn spaces(&self) -> Result<Vec<(SpaceNumber, SpaceRow)>> {
        self.all(
            &format!("SELECT {COLUMNS} FROM spaces ORDER BY no"),
            [],
            read,
        )
    }

    /// A space by its number.
    ///
    /// # Errors
    /// The database's.
    pub fn space(&self, space: SpaceNumber) -> Result<Option<SpaceRow>> {
        let sql = format!("SELECT {COLUMNS} FROM spaces WHERE no = ?1");
        Ok(self.one(&sql, [space.0], read)?.map(|(_, row)| row))
    }

    /// A space by its id.
    ///
    /// # Errors
    /// The database's.
    pub fn space_by_id(&self, id: SpaceId) -> Result<Option<(SpaceNumber, SpaceRow)>> {
        self.one(
            &format!("SELECT {COLUMNS} FROM spaces WHERE id = ?1"),
            [id.as_bytes()],
            read,
        )
    }

    /// The chain hash at a position of the log, as far as this device has folded it.
    ///
    /// # Errors
    /// The database's.
    pub fn chain_at(&self, space: SpaceNumber, cursor: Cursor) -> Result<Option<ChainHash>> {
        let sql = "SELECT chain FROM chain WHERE space = ?1 AND cursor = ?2";
        self.one(sql, (space.0, signed(cursor.0)), |row| get(row, 0))
    }

    /// The first position after which every chain hash is known.
    ///
    /// # Errors
    /// The database's.
    pub fn first_known(&self, space: SpaceNumber) -> Result<Option<Cursor>> {
        let sql = "SELECT cursor FROM chain WHERE space = ?1 ORDER BY cursor LIMIT 1";
        self.one(sql, [space.0], |row| Ok(Cursor(number(row, 0)?)))
    }

    /// A record of the fold that is no node.
    ///
    /// # Errors
    /// The database's.
    pub fn record(&self, space: SpaceNumber, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let sql = "SELECT record FROM records WHERE space = ?1 AND key = ?2";
        self.one(sql, (space.0, key), |row| get(row, 0))
    }

    /// All records whose key begins with `prefix`, in order of their keys.
    ///
    /// # Errors
    /// The database's.
    pub fn records(&self, space: SpaceNumber, prefix: &[u8]) -> Result<Vec<Vec<u8>>> {
        let sql = "SELECT record FROM records WHERE space = ?1 AND key >= ?2
            AND substr(key, 1, length(?2)) = ?2 ORDER BY key";
        self.all(sql, (space.0, prefix), |row| get(row, 0))
    }

    /// This device's place in a space's log; none before its first change set.
    ///
    /// # Errors
    /// The database's.
    pub fn own(&self, space: SpaceNumber) -> Result<Option<OwnRow>> {
        let sql = "SELECT counter, previous, underway FROM own WHERE space = ?1";
        self.one(sql, [space.0], |row| {
            Ok(OwnRow {
                counter: number(row, 0)?,
                previous: get(row, 1)?,
                underway: get_some(row, 2)?,
            })
        })
    }
}

impl Tx<'_> {
    /// Calls a space something.
    ///
    /// # Errors
    /// The database's.
    pub fn name_space(&self, space: SpaceNumber, name: &str) -> Result<()> {
        self.run("UPDATE spaces SET name = ?2 WHERE no = ?1", (space.0, name))
            .map(drop)
    }

    /// The number of a space, which is entered, empty, if it is new here.
    ///
    /// # Errors
    /// The database's.
    pub fn space_number(&self, id: SpaceId) -> Result<SpaceNumber> {
        if let Some((space, _)) = self.space_by_id(id)? {
            return Ok(space);
        }
        let sql = "INSERT INTO spaces (id, name, role, cursor, chain, digest)
            VALUES (?1, '', ?2, 0, ?3, x'') RETURNING no";
        let params = (
            id.as_bytes(),
            role_number(Role::Viewer),
            ChainHash::START.as_bytes(),
        );
        let number = self.one(sql, params, |row| Ok(row.get(0)?))?;
        number
            .map(SpaceNumber)
            .ok_or(StateError::Invalid("space number"))
    }

    /// Replaces what is known of a space itself, its head included.
    ///
    /// # Errors
    /// The database's.
    pub fn update_space(&self, space: SpaceNumber, row: &SpaceRow) -> Result<()> {
        let sql = "UPDATE spaces SET id = ?2, name = ?3, role = ?4, server_epoch = ?5, cursor = ?6,
            chain = ?7, digest = ?8, common_cursor = ?9, common_chain = ?10 WHERE no = ?1";
        let epoch = row.server_epoch.as_ref().map(ServerEpoch::as_bytes);
        let params = (
            space.0,
            row.id.as_bytes(),
            &row.name,
            role_number(row.role),
            epoch,
            signed(row.head.cursor.0),
            row.head.chain.as_bytes(),
            &row.digest,
            row.common.map(|common| signed(common.cursor.0)),
            row.common.as_ref().map(|common| common.chain.as_bytes()),
        );
        self.run(sql, params).map(drop)
    }

    /// Moves the head of a space and remembers the chain hash there.
    ///
    /// # Errors
    /// The database's.
    pub fn advance(&self, space: SpaceNumber, head: Head, digest: &[u8]) -> Result<()> {
        let (cursor, chain) = (signed(head.cursor.0), head.chain.as_bytes());
        let sql = "UPDATE spaces SET cursor = ?2, chain = ?3, digest = ?4 WHERE no = ?1";
        self.run(sql, (space.0, cursor, chain, digest))?;
        let sql = "INSERT INTO chain (space, cursor, chain) VALUES (?1, ?2, ?3)
            ON CONFLICT (space, cursor) DO UPDATE SET chain = excluded.chain";
        self.run(sql, (space.0, cursor, chain)).map(drop)
    }

    /// Keeps a record of the fold that is no node.
    ///
    /// # Errors
    /// The database's.
    pub fn put_record(&self, space: SpaceNumber, key: &[u8], record: &[u8]) -> Result<()> {
        let sql = "INSERT INTO records (space, key, record) VALUES (?1, ?2, ?3)
            ON CONFLICT (space, key) DO UPDATE SET record = excluded.record";
        self.run(sql, (space.0, key, record)).map(drop)
    }

    /// Sets this device's place in a space's log.
    ///
    /// # Errors
    /// The database's.
    pub fn put_own(&self, space: SpaceNumber, own: &OwnRow) -> Result<()> {
        let sql = "INSERT INTO own (space, counter, previous, underway) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (space) DO UPDATE SET counter = excluded.counter,
            previous = excluded.previous, underway = excluded.underway";
        let params = (
            space.0,
            signed(own.counter),
            own.previous.as_bytes(),
            &own.underway,
        );
        self.run(sql, params).map(drop)
    }

    /// Forgets everything read from a space's log: it is read again from the start. What is on
    /// disk, and what was agreed on, stays, and so does what waits to be compared.
    ///
    /// # Errors
    /// The database's.
    pub fn forget_log(&self, space: SpaceNumber) -> Result<()> {
        for table in ["chain", "records", "remote", "remote_body", "own", "moved"] {
            self.run(&format!("DELETE FROM {table} WHERE space = ?1"), [space.0])?;
        }
        let sql = "UPDATE spaces SET server_epoch = NULL, cursor = 0, chain = ?2, digest = x''
            WHERE no = ?1";
        self.run(sql, (space.0, ChainHash::START.as_bytes()))
            .map(drop)
    }
}
