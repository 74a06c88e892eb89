//! What was: older versions of a file, and what was deleted.

use std::sync::Arc;

use hythe_content::{Field, open_field, size_and_hash};
use hythe_model::{AccountId, Cursor, DeviceId, EntryName, LinkId, NodeId, SpaceId, VersionId};
use hythe_wire::history::{HistoryEntry, OnBehalf};

use super::super::access::Want;
use super::super::history::{self, TrashPlace};
use super::super::parcel::NO_SESSION;
use super::super::{Files, FilesError, Principal};
use super::entry::{self, Entry};
use super::{MAX_DEPTH, OpenSpace};
use crate::metadata::logs::LogNo;
use crate::metadata::nodes::NodeRow;
use crate::metadata::{DbError, Tx, accounts, devices, links, nodes};

/// Versions of a file that are listed; older ones are there, and `hythe history` lists them.
const MAX_VERSIONS: usize = 1000;

/// Change sets that are looked at in one go.
const PAGE: u32 = 100;

/// Things of the trash that one page shows.
const TRASH_PAGE: usize = 200;

/// A state of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastVersion {
    /// It.
    pub version: VersionId,
    /// How many bytes it has; none where they are gone.
    pub size: Option<u64>,
    /// When it was written, by the clock of who wrote it, in milliseconds since 1970.
    pub time_ms: i64,
    /// Who wrote it.
    pub by: Author,
    /// How it came, where it was signed on somebody's behalf.
    pub through: Option<Through>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The account; none where nobody knows any more.
    pub account: Option<AccountId>,
    /// Its login name.
    pub login: Option<String>,
    /// The device that signed.
    pub device: DeviceId,
    /// Its name, for its own account.
    pub device_name: Option<String>,
}

/// How something came that was signed on somebody's behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// Through a link that the account gave out.
    Link,
    /// Through the server, in a browser or another program.
    Server,
    /// As a file that a member put who may do nothing else.
    Inbox,
}

/// Something in the trash: what one change set deleted, without what was below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trashed {
    /// What it was.
    pub entry: Entry,
    /// Names of the directories it was in, from the root down.
    pub path: Vec<EntryName>,
    /// When it was deleted, in milliseconds since 1970.
    pub deleted_ms: i64,
    /// By whom.
    pub by: Author,
}

impl Files {
    /// The versions of a file, newest first.
    ///
    /// # Errors
    /// As [`Self::plain_node`].
    pub async fn plain_versions(
        &self,
        principal: &Principal,
        space: SpaceId,
        node: NodeId,
    ) -> Result<Vec<PastVersion>, FilesError> {
        self.still_valid(principal).await?;
        let (inner, asker) = (Arc::clone(&self.inner), principal.clone());
        let read = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter(tx, &inner, &asker, space, Want::Read)?;
            let mut versions = Vec::new();
            let mut before = Some(Cursor(u64::MAX));
            while let Some(at) = before.filter(|_| versions.len() < MAX_VERSIONS) {
                let mut entries = Vec::new();
                before = history::page(tx, open.no(), node, at, PAGE, &mut entries)?;
                for entry in &entries {
                    versions.extend(version(tx, &open, &asker, node, entry)?);
                }
            }
            match versions.is_empty() {
                true => Err(FilesError::NotFound("file")),
                false => Ok(versions),
            }
        };
        self.inner.database.read(read).await
    }

    /// What was deleted in an open space, the last first; and where the next page begins.
    ///
    /// # Errors
    /// As [`Self::plain_node`].
    pub async fn plain_trash(
        &self,
        principal: &Principal,
        space: SpaceId,
        after: Option<TrashPlace>,
    ) -> Result<(Vec<Trashed>, Option<TrashPlace>), FilesError> {
        self.still_valid(principal).await?;
        let (inner, asker) = (Arc::clone(&self.inner), principal.clone());
        let read = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter(tx, &inner, &asker, space, Want::Read)?;
            let (mut found, mut at) = (Vec::new(), after);
            loop {
                let from = at.map(|place| (place.cursor, place.node));
                let rows = nodes::deleted_after(tx, open.no(), from, PAGE)?;
                let full = rows.len() >= PAGE as usize;
                for row in &rows {
                    let cursor = row.deleted.ok_or(DbError::Shape("a deleted node"))?;
                    at = Some(TrashPlace {
                        cursor,
                        node: row.node,
                    });
                    found.extend(trashed(tx, &open, &asker, row, cursor)?);
                }
                if !full {
                    return Ok((found, None));
                }
                if found.len() >= TRASH_PAGE {
                    return Ok((found, at));
                }
            }
        };
        self.inner.database.read(read).await
    }
}

/// The content that an entry of a history wrote; none where it wrote none.
fn version(
    tx: &mut dyn Tx,
    open: &OpenSpace,
    asker: &Principal,
    node: NodeId,
    entry: &HistoryEntry,
) -> Result<Option<PastVersion>, DbError> {
    let Some(body) = &entry.body else {
        return Ok(None);
    };
    let plain = body_of(open, node, entry);
    let size = plain.and_then(|plain| size_and_hash(&plain).map(|(size, _)| size));
    let behalf = entry.behalf;
    let through = behalf.map(|behalf| through(tx, open.no(), behalf));
    Ok(Some(PastVersion {
        version: body.version,
        size,
        time_ms: entry.time_ms,
        by: author(tx, asker, entry.author, behalf)?,
        through: through.transpose()?,
    }))
}

/// The plaintext of the body that an entry of a history wrote.
pub(super) fn body_of(open: &OpenSpace, node: NodeId, entry: &HistoryEntry) -> Option<Vec<u8>> {
    let body = entry.body.as_ref()?;
    let keys = open.keyring.epoch(entry.key_epoch)?;
    open_field(keys, node, Field::Body, body.version, body.sealed.as_ref()?).ok()
}

/// The entry of a node's history that wrote a version.
///
/// # Errors
/// [`FilesError::NotFound`].
pub(super) fn find_version(
    tx: &mut dyn Tx,
    open: &OpenSpace,
    node: NodeId,
    version: VersionId,
) -> Result<HistoryEntry, FilesError> {
    let mut before = Some(Cursor(u64::MAX));
    while let Some(at) = before {
        let mut entries = Vec::new();
        before = history::page(tx, open.no(), node, at, PAGE, &mut entries)?;
        let is = |entry: &HistoryEntry| entry.body.as_ref().is_some_and(|b| b.version == version);
        if let Some(found) = entries.into_iter().find(is) {
            return Ok(found);
        }
    }
    Err(FilesError::NotFound("version"))
}

fn through(tx: &mut dyn Tx, log: LogNo, behalf: OnBehalf) -> Result<Through, DbError> {
    if behalf.session == NO_SESSION {
        return Ok(Through::Inbox);
    }
    let link = links::get(tx, LinkId(behalf.session.0))?;
    Ok(match link.is_some_and(|link| link.log == log) {
        true => Through::Link,
        false => Through::Server,
    })
}

/// Who did something, as far as whoever asks may know.
fn author(
    tx: &mut dyn Tx,
    asker: &Principal,
    device: DeviceId,
    behalf: Option<OnBehalf>,
) -> Result<Author, DbError> {
    let row = devices::get(tx, device)?;
    let signed = row.as_ref().map(|row| row.account);
    let account = behalf.map(|behalf| behalf.account).or(signed);
    let login = match account {
        Some(account) => accounts::get(tx, account)?.map(|row| row.login),
        None => None,
    };
    let is_own = |row: &devices::DeviceRow| behalf.is_none() && row.account == asker.account();
    Ok(Author {
        account,
        login,
        device,
        device_name: row.filter(is_own).map(|row| row.name),
    })
}

fn trashed(
    tx: &mut dyn Tx,
    open: &OpenSpace,
    asker: &Principal,
    row: &NodeRow,
    cursor: Cursor,
) -> Result<Option<Trashed>, DbError> {
    let parent = match row.parent {
        NodeId::ROOT => None,
        parent => nodes::get(tx, open.no(), parent)?,
    };
    // What went together with its directory comes back with it.
    if parent
        .as_ref()
        .is_some_and(|parent| parent.deleted == Some(cursor))
    {
        return Ok(None);
    }
    let Some(entry) = entry::open(&open.keyring, row)? else {
        return Ok(None);
    };
    let mut path = Vec::new();
    let mut above = parent;
    while let Some(row) = above.filter(|_| path.len() < MAX_DEPTH) {
        path.extend(entry::open(&open.keyring, &row)?.map(|entry| entry.name));
        above = match row.parent {
            NodeId::ROOT => None,
            parent => nodes::get(tx, open.no(), parent)?,
        };
    }
    path.reverse();
    let (author_of, time_ms, behalf) = history::signed(tx, open.no(), cursor)?;
    Ok(Some(Trashed {
        entry,
        path,
        deleted_ms: time_ms,
        by: author(tx, asker, author_of, behalf)?,
    }))
}
