//! What cannot be synced, why, and what to do about it. For people; nothing decides by it.

use hythe_model::{NodeId, TreePath};
use rusqlite::Row;

use super::columns::get;
use super::error::StateError;
use super::folders::FolderNumber;
use super::rows::{Result, Rows, Tx};

/// Who found a problem. Each finder replaces its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemSource {
    /// A look at the disk.
    Scan,
    /// The planner.
    Plan,
    /// Carrying out a step.
    Execute,
}

/// What a problem is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A node.
    Node(NodeId),
    /// A place on the disk that is no node: exact bytes below the folder, `/` between names.
    Path(Vec<u8>),
}

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemRow {
    /// Who found it.
    pub source: ProblemSource,
    /// What it is about.
    pub subject: Subject,
    /// Where that is, below the folder, as far as known.
    pub path: Vec<u8>,
    /// Why, as a sentence.
    pub reason: String,
    /// What a person can do, as a sentence; empty when there is nothing.
    pub action: String,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it is tried again, in milliseconds since 1970.
    pub retry_ms: Option<i64>,
}

impl ProblemSource {
    fn number(self) -> i64 {
        match self {
            Self::Scan => 0,
            Self::Plan => 1,
            Self::Execute => 2,
        }
    }

    fn read(number: i64) -> Result<Self> {
        match number {
            0 => Ok(Self::Scan),
            1 => Ok(Self::Plan),
            2 => Ok(Self::Execute),
            _ => Err(StateError::Invalid("source of a problem")),
        }
    }
}

const NODE: u8 = b'n';
const PATH: u8 = b'p';

impl Subject {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Node(node) => [&[NODE], node.as_bytes().as_slice()].concat(),
            Self::Path(path) => [&[PATH], path.as_slice()].concat(),
        }
    }

    fn read(bytes: &[u8]) -> Result<Self> {
        let wrong = StateError::Invalid("subject of a problem");
        match bytes.split_first() {
            Some((&NODE, id)) => NodeId::from_slice(id).map(Self::Node).map_err(|_| wrong),
            Some((&PATH, path)) => Ok(Self::Path(path.to_vec())),
            _ => Err(wrong),
        }
    }
}

fn read(row: &Row<'_>) -> Result<ProblemRow> {
    Ok(ProblemRow {
        source: ProblemSource::read(row.get(0)?)?,
        subject: Subject::read(&get::<Vec<u8>>(row, 1)?)?,
        path: get(row, 2)?,
        reason: row.get(3)?,
        action: row.get(4)?,
        since_ms: row.get(5)?,
        retry_ms: row.get(6)?,
    })
}

impl Rows<'_> {
    /// Whether a finder has any problem on the list.
    ///
    /// # Errors
    /// The database's.
    pub fn has_problems(&self, folder: FolderNumber, source: ProblemSource) -> Result<bool> {
        let sql = "SELECT 1 FROM problems WHERE folder = ?1 AND source = ?2 LIMIT 1";
        Ok(self
            .one(sql, (folder.0, source.number()), |_| Ok(()))?
            .is_some())
    }

    /// How many problems of a folder do not pass by themselves.
    ///
    /// # Errors
    /// The database's.
    pub fn count_lasting(&self, folder: FolderNumber) -> Result<u64> {
        let sql = "SELECT COUNT(*) FROM problems WHERE folder = ?1 AND retry IS NULL";
        let count = self.one(sql, [folder.0], |row| Ok(row.get::<_, i64>(0)?))?;
        Ok(count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or(0))
    }

    /// All problems of a folder.
    ///
    /// # Errors
    /// The database's.
    pub fn problems(&self, folder: FolderNumber) -> Result<Vec<ProblemRow>> {
        let sql = "SELECT source, subject, path, reason, action, since, retry FROM problems
            WHERE folder = ?1 ORDER BY path, source, subject";
        self.all(sql, [folder.0], read)
    }
}

impl Tx<'_> {
    /// Lists a problem. One that is listed already keeps the time since when it is.
    ///
    /// # Errors
    /// The database's.
    pub fn put_problem(&self, folder: FolderNumber, problem: &ProblemRow) -> Result<()> {
        let sql =
            "INSERT INTO problems (folder, source, subject, path, reason, action, since, retry)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT (folder, source, subject) DO UPDATE SET path = excluded.path,
                reason = excluded.reason, action = excluded.action, retry = excluded.retry";
        let params = (
            folder.0,
            problem.source.number(),
            problem.subject.bytes(),
            &problem.path,
            &problem.reason,
            &problem.action,
            problem.since_ms,
            problem.retry_ms,
        );
        self.run(sql, params).map(drop)
    }

    /// Takes a problem off the list.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_problem(
        &self,
        folder: FolderNumber,
        source: ProblemSource,
        subject: &Subject,
    ) -> Result<()> {
        let sql = "DELETE FROM problems WHERE folder = ?1 AND source = ?2 AND subject = ?3";
        self.run(sql, (folder.0, source.number(), subject.bytes()))
            .map(drop)
    }

    /// Takes all problems of one finder with entries right in a directory off the list.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_problems_in(
        &self,
        folder: FolderNumber,
        source: ProblemSource,
        directory: &[u8],
    ) -> Result<()> {
        let below = if directory.is_empty() {
            Vec::new()
        } else {
            [directory, b"/"].concat()
        };
        let sql = "DELETE FROM problems WHERE folder = ?1 AND source = ?2
            AND substr(path, 1, length(?3)) = ?3
            AND instr(substr(path, length(?3) + 1), x'2f') = 0";
        self.run(sql, (folder.0, source.number(), below)).map(drop)
    }

    /// Takes all problems of one finder at and below a path off the list.
    ///
    /// # Errors
    /// The database's.
    pub fn remove_problems_below(
        &self,
        folder: FolderNumber,
        source: ProblemSource,
        path: &TreePath,
    ) -> Result<()> {
        let source = source.number();
        if path.is_root() {
            let sql = "DELETE FROM problems WHERE folder = ?1 AND source = ?2";
            return self.run(sql, (folder.0, source)).map(drop);
        }
        let sql = "DELETE FROM problems WHERE folder = ?1 AND source = ?2
            AND (path = ?3 OR substr(path, 1, length(?4)) = ?4)";
        let path = path.to_bytes();
        let below = [path.as_slice(), b"/"].concat();
        self.run(sql, (folder.0, source, path, below)).map(drop)
    }
}
