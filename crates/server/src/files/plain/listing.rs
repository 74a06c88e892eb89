//! Directories, and the way to a node.

use std::sync::Arc;

use futures::{Stream, stream};
use hythe_model::{Cursor, EntryName, NodeId, SpaceId};

use super::super::access::Want;
use super::super::{Files, FilesError, Principal};
use super::entry::{self, Entry};
use super::{MAX_DEPTH, OpenSpace};
use crate::metadata::{Tx, nodes};

/// Rows that one transaction opens, so that none holds up the others for long.
const PAGE: u32 = 1000;

/// A node with the directories above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodePage {
    /// The node; none for the root.
    pub entry: Option<Entry>,
    /// The way to it from the root, itself included: ids and names.
    pub path: Vec<(NodeId, EntryName)>,
}

/// What a directory holds, in no order.
pub struct Listing<S> {
    /// The position of the log when it was begun: whatever comes after it may be in it or not.
    pub cursor: Cursor,
    /// Its entries, some at a time.
    pub pages: S,
}

/// Where a listing goes on.
struct Next {
    files: Files,
    principal: Principal,
    space: SpaceId,
    directory: NodeId,
    after: Option<Vec<u8>>,
}

impl Files {
    /// A living node of an open space, and the way to it.
    ///
    /// # Errors
    /// [`super::super::Denied`], [`FilesError::NotFound`], [`FilesError::Invalid`] for a sealed
    /// space, or the database's.
    pub async fn plain_node(
        &self,
        principal: &Principal,
        space: SpaceId,
        node: NodeId,
    ) -> Result<NodePage, FilesError> {
        self.still_valid(principal).await?;
        let (inner, principal) = (Arc::clone(&self.inner), principal.clone());
        let read = move |tx: &mut dyn Tx| {
            let space = OpenSpace::enter(tx, &inner, &principal, space, Want::Read)?;
            let mut path = Vec::new();
            let mut found = None;
            let mut at = node;
            while let Some(row) = space.living(tx, at)? {
                if path.len() >= MAX_DEPTH {
                    return Err(FilesError::NotFound("node"));
                }
                let opened = entry::open(&space.keyring, &row)?;
                let opened = opened.ok_or(FilesError::NotFound("node"))?;
                path.push((at, opened.name.clone()));
                at = opened.parent;
                found.get_or_insert(opened);
            }
            path.reverse();
            Ok(NodePage { entry: found, path })
        };
        self.inner.database.read(read).await
    }

    /// What a directory of an open space holds.
    ///
    /// # Errors
    /// As [`Self::plain_node`]; in the stream too.
    pub async fn plain_children(
        &self,
        principal: &Principal,
        space: SpaceId,
        directory: NodeId,
    ) -> Result<
        Listing<impl Stream<Item = Result<Vec<Entry>, FilesError>> + Send + use<>>,
        FilesError,
    > {
        self.still_valid(principal).await?;
        let next = Next {
            files: self.clone(),
            principal: principal.clone(),
            space,
            directory,
            after: Some(Vec::new()),
        };
        let (inner, principal) = (Arc::clone(&self.inner), principal.clone());
        let look = move |tx: &mut dyn Tx| {
            let space = OpenSpace::enter(tx, &inner, &principal, space, Want::Read)?;
            space.directory(tx, directory)?;
            Ok::<_, FilesError>(space.cursor())
        };
        let cursor = self.inner.database.read(look).await?;
        let pages = stream::try_unfold(next, Next::page);
        Ok(Listing { cursor, pages })
    }
}

impl Next {
    async fn page(mut self) -> Result<Option<(Vec<Entry>, Self)>, FilesError> {
        let Some(after) = self.after.take() else {
            return Ok(None);
        };
        let inner = Arc::clone(&self.files.inner);
        let (principal, id, directory) = (self.principal.clone(), self.space, self.directory);
        let read = move |tx: &mut dyn Tx| {
            let space = OpenSpace::enter(tx, &inner, &principal, id, Want::Read)?;
            let rows = nodes::children_after(tx, space.no(), directory, &after, PAGE)?;
            let full = rows.len() >= PAGE as usize;
            let last = rows.last().filter(|_| full);
            let next = last.map(|row| row.tag.as_bytes().to_vec());
            let mut entries = Vec::with_capacity(rows.len());
            for row in &rows {
                entries.extend(entry::open(&space.keyring, row)?);
            }
            Ok::<_, FilesError>((entries, next))
        };
        let (entries, next) = self.files.inner.database.read(read).await?;
        self.after = next;
        Ok(Some((entries, self)))
    }
}
