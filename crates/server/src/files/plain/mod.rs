//! Open spaces as people read them: names, attributes and content opened by the server's device, which
//! is a member like any other (D2). Under every door that serves plain files.
//!
//! A sealed space has nothing here: there the reader's own device opens everything.

mod archive;
mod content;
mod edit;
mod entry;
mod listing;
mod past;
mod search;
mod spaces;
mod upload;
mod write;

use std::sync::Arc;

use hythe_model::{Cursor, NodeId, SpaceId};
use hythe_space::{NodeRecord, Record};

use super::access::{self, Want};
use super::keyring::Keyring;
use super::linked::is_directory;
use super::{FilesError, Inner, Principal, view};
use crate::metadata::logs::{Log, LogNo};
use crate::metadata::nodes::{self, NodeRow};
use crate::metadata::{DbError, Tx};

pub use content::{Content, ContentStream};
pub use edit::{Edit, Edited, OnTaken};
pub use entry::{Entry, EntryBody};
pub use listing::{Listing, NodePage};
pub use past::{Author, PastVersion, Through, Trashed};
pub use search::{Found, Search};
pub use spaces::NamedSpace;
pub use upload::{NewFile, UploadState};

/// Directories above a node that are looked at: deeper than any path of a file system.
const MAX_DEPTH: usize = 4096;

/// An open space that somebody may read, with the keys to it.
struct OpenSpace {
    log: Log,
    keyring: Arc<Keyring>,
}

impl OpenSpace {
    /// The space, for whoever may do in it what they want to.
    ///
    /// # Errors
    /// As [`access::space`]; [`FilesError::Invalid`] for a sealed space.
    fn enter(
        tx: &mut dyn Tx,
        inner: &Inner,
        principal: &Principal,
        space: SpaceId,
        want: Want,
    ) -> Result<Self, FilesError> {
        let log = access::space(tx, principal, space, want)?;
        Self::of_log(tx, inner, log)
    }

    /// As [`Self::enter`], and the log stays locked until the transaction ends.
    fn enter_locked(
        tx: &mut dyn Tx,
        inner: &Inner,
        principal: &Principal,
        space: SpaceId,
        want: Want,
    ) -> Result<Self, FilesError> {
        let log = access::locked(tx, principal, space, want)?;
        Self::of_log(tx, inner, log)
    }

    fn of_log(tx: &mut dyn Tx, inner: &Inner, log: Log) -> Result<Self, FilesError> {
        if !log.open {
            return Err(FilesError::invalid(
                "the space is sealed: only its members' devices can open what it holds",
            ));
        }
        let keyring = Arc::new(Keyring::load(tx, inner, &log)?);
        Ok(Self { log, keyring })
    }

    fn no(&self) -> LogNo {
        self.log.no
    }

    fn cursor(&self) -> Cursor {
        self.log.head.cursor
    }

    /// That there is a directory.
    ///
    /// # Errors
    /// [`FilesError::NotFound`].
    fn directory(&self, tx: &mut dyn Tx, node: NodeId) -> Result<(), FilesError> {
        let row = self.living(tx, node)?;
        match is_directory(row.as_ref())? {
            true => Ok(()),
            false => Err(FilesError::NotFound("directory")),
        }
    }

    /// A living node; none for the root, which has no record.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] where there is no such node or it was deleted.
    fn living(&self, tx: &mut dyn Tx, node: NodeId) -> Result<Option<NodeRow>, FilesError> {
        if node == NodeId::ROOT {
            return Ok(None);
        }
        let row = nodes::get(tx, self.no(), node)?.filter(|row| row.deleted.is_none());
        row.map(Some).ok_or(FilesError::NotFound("node"))
    }
}

fn record(row: &NodeRow) -> Result<NodeRecord, DbError> {
    match view::record(&row.record)? {
        Record::Node(record) => Ok(record),
        _ => Err(DbError::Shape("the record of a node")),
    }
}
