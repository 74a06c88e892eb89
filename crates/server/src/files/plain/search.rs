//! Names that hold a text, in a whole open space.
//!
//! Every name is opened anew: nothing of it is kept anywhere in the clear (docs/leaks.md), and a
//! hundred thousand take a moment.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

use futures::{Stream, stream};
use hythe_model::{Cursor, EntryName, NodeId, NodeKind, SpaceId};

use super::super::access::Want;
use super::super::{Files, FilesError, Principal};
use super::entry::{self, Entry, EntryBody};
use super::listing::Listing;
use super::{MAX_DEPTH, OpenSpace};
use crate::metadata::nodes;
use crate::metadata::{DbError, Tx};

/// Rows that one transaction opens, so that none holds up the others for long.
const PAGE: u32 = 2000;

/// Found names after which a search ends: nobody reads on.
const MAX_FOUND: usize = 1000;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Words that the name holds, whatever their case.
    pub words: Vec<String>,
    /// Of this kind only.
    pub kind: Option<NodeKind>,
    /// Files of at least so many bytes.
    pub min_size: Option<u64>,
    /// Files of at most so many.
    pub max_size: Option<u64>,
    /// Files modified at or after this, in seconds since 1970.
    pub after: Option<i64>,
    /// Files modified before this.
    pub before: Option<i64>,
}

/// A node that was found, and the directories it is in, from the root down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The node.
    pub entry: Entry,
    /// Their names.
    pub path: Vec<EntryName>,
}

/// Where a search goes on.
struct Next {
    files: Files,
    principal: Principal,
    space: SpaceId,
    search: Arc<Search>,
    after: Option<NodeId>,
    /// Found so far; none when the search is over.
    found: Option<usize>,
}

impl Files {
    /// Looks for nodes of an open space by name. A search ends with a thousand.
    ///
    /// # Errors
    /// As [`Self::plain_children`].
    pub async fn plain_search(
        &self,
        principal: &Principal,
        space: SpaceId,
        search: Search,
    ) -> Result<
        Listing<impl Stream<Item = Result<Vec<Found>, FilesError>> + Send + use<>>,
        FilesError,
    > {
        self.still_valid(principal).await?;
        let next = Next {
            files: self.clone(),
            principal: principal.clone(),
            space,
            search: Arc::new(search),
            after: None,
            found: Some(0),
        };
        let (inner, principal) = (Arc::clone(&self.inner), principal.clone());
        let look = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter(tx, &inner, &principal, space, Want::Read)?;
            Ok::<Cursor, FilesError>(open.cursor())
        };
        let cursor = self.inner.database.read(look).await?;
        let pages = stream::try_unfold(next, Next::page);
        Ok(Listing { cursor, pages })
    }
}

impl Next {
    async fn page(mut self) -> Result<Option<(Vec<Found>, Self)>, FilesError> {
        let Some(before) = self.found.take() else {
            return Ok(None);
        };
        let inner = Arc::clone(&self.files.inner);
        let (principal, id, after) = (self.principal.clone(), self.space, self.after);
        let search = Arc::clone(&self.search);
        let read = move |tx: &mut dyn Tx| {
            let open = OpenSpace::enter(tx, &inner, &principal, id, Want::Read)?;
            let rows = nodes::page(tx, open.no(), after, PAGE)?;
            let full = rows.len() >= PAGE as usize;
            let last = rows.last().filter(|_| full).map(|row| row.node);
            let mut above = Above::default();
            let mut found = Vec::new();
            for row in rows.iter().filter(|row| row.deleted.is_none()) {
                let opened = entry::open(&open.keyring, row)?;
                let Some(entry) = opened.filter(|entry| search.finds(entry)) else {
                    continue;
                };
                // What a deleted directory holds is deleted too.
                let path = above.path(tx, &open, entry.parent)?;
                found.push(Found { entry, path });
            }
            Ok::<_, FilesError>((found, last))
        };
        let (mut found, last) = self.files.inner.database.read_long(read).await?;
        found.truncate(MAX_FOUND - before);
        let sum = before + found.len();
        self.after = last;
        self.found = last.filter(|_| sum < MAX_FOUND).map(|_| sum);
        Ok(Some((found, self)))
    }
}

impl Search {
    fn finds(&self, entry: &Entry) -> bool {
        let name = String::from_utf8_lossy(entry.name.as_bytes()).to_lowercase();
        let named = self.words.iter().all(|word| name.contains(word.as_str()));
        let kind = self.kind.is_none_or(|kind| entry.kind == kind);
        named && kind && self.fits(entry)
    }

    /// What is asked of files is true of no directory.
    fn fits(&self, entry: &Entry) -> bool {
        let size = match entry.body {
            Some(EntryBody::File { size, .. }) => Some(size),
            _ => None,
        };
        let time = size.map(|_| entry.modified.seconds);
        self.min_size
            .is_none_or(|min| size.is_some_and(|size| size >= min))
            && self
                .max_size
                .is_none_or(|max| size.is_some_and(|size| size <= max))
            && self
                .after
                .is_none_or(|at| time.is_some_and(|time| time >= at))
            && self
                .before
                .is_none_or(|at| time.is_some_and(|time| time < at))
    }
}

/// Directories that were opened on the way.
#[derive(Default)]
struct Above(HashMap<NodeId, Option<(NodeId, EntryName)>>);

impl Above {
    fn path(
        &mut self,
        tx: &mut dyn Tx,
        open: &OpenSpace,
        parent: NodeId,
    ) -> Result<Vec<EntryName>, DbError> {
        let (mut at, mut path) = (parent, Vec::new());
        while at != NodeId::ROOT && path.len() < MAX_DEPTH {
            let known = match self.0.entry(at) {
                Slot::Occupied(known) => known.into_mut(),
                Slot::Vacant(unknown) => {
                    let row = nodes::get(tx, open.no(), at)?;
                    let opened = row
                        .map(|row| entry::open(&open.keyring, &row))
                        .transpose()?;
                    unknown.insert(opened.flatten().map(|entry| (entry.parent, entry.name)))
                }
            };
            let Some((above, name)) = known else {
                break;
            };
            path.push(name.clone());
            at = *above;
        }
        path.reverse();
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use hythe_model::{Timestamp, VersionId};

    use super::*;

    fn file(name: &str, size: u64, seconds: i64) -> Entry {
        Entry {
            node: NodeId([1; 16]),
            parent: NodeId::ROOT,
            kind: NodeKind::File,
            name: EntryName::new(name).unwrap(),
            modified: Timestamp { seconds, nanos: 0 },
            executable: false,
            body: Some(EntryBody::File {
                size,
                version: VersionId([2; 16]),
            }),
        }
    }

    #[test]
    fn a_search_finds_what_all_of_it_is_true_of() {
        let words = |words: &[&str]| Search {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            ..Search::default()
        };
        let one = file("Été in Rom.JPG", 100, 50);
        assert!(words(&["rom", "été"]).finds(&one));
        assert!(!words(&["rom", "paris"]).finds(&one));
        let of = |search: Search| search.finds(&one);
        assert!(of(Search {
            min_size: Some(100),
            max_size: Some(100),
            ..Search::default()
        }));
        assert!(!of(Search {
            min_size: Some(101),
            ..Search::default()
        }));
        assert!(of(Search {
            after: Some(50),
            before: Some(51),
            ..Search::default()
        }));
        assert!(!of(Search {
            before: Some(50),
            ..Search::default()
        }));
        assert!(!of(Search {
            kind: Some(NodeKind::Directory),
            ..Search::default()
        }));
        let directory = Entry {
            kind: NodeKind::Directory,
            body: None,
            ..one.clone()
        };
        assert!(
            !Search {
                min_size: Some(0),
                ..Search::default()
            }
            .finds(&directory)
        );
    }
}
