//! Changes that people ask for by name: the server's device seals and signs them, on behalf of whoever
//! asked (D2).

use std::collections::HashMap;
use std::sync::Arc;

use hythe_content::{Field, encode_attributes, numbered, open_field, seal_field, size_and_hash};
use hythe_model::{
    Attributes, Cursor, EntryName, NameTag, NodeId, NodeKind, OperationId, SpaceId, VersionId,
};
use hythe_space::draft::{SealedFields, SealedNode};
use hythe_space::limits::MAX_OPERATIONS;
use hythe_space::operation::{
    BodyUpdate, BodyWrite, Create, Delete, Place, PlaceWrite, Restore, Update,
};
use hythe_space::{Behalf, Draft, Entropy, Moment, NodeRecord};

use super::super::access::Want;
use super::super::objects::Objects;
use super::super::quota::Payer;
use super::super::{Files, FilesError, Inner, Principal, apply, commit, restored};
use super::{Entry, OpenSpace, entry, past, record};
use crate::clock::now_ms;
use crate::metadata::nodes::{self, NodeRow};
use crate::metadata::{DbError, Tx};

/// Names that are tried where one is taken: `name (2)` and so on.
const NAMES: u32 = 1000;

/// What somebody wants changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A new directory.
    MakeDirectory {
        /// Where.
        parent: NodeId,
        /// Its name.
        name: EntryName,
        /// What where the name is taken.
        taken: OnTaken,
    },
    /// Another name, another directory, or both.
    Move {
        /// What.
        node: NodeId,
        /// Where to.
        parent: NodeId,
        /// Its name there.
        name: EntryName,
        /// What where the name is taken.
        taken: OnTaken,
    },
    /// The same again, a directory with all that is below it.
    Copy {
        /// What.
        node: NodeId,
        /// Where to.
        parent: NodeId,
        /// Its name there.
        name: EntryName,
        /// What where the name is taken.
        taken: OnTaken,
    },
    /// To the trash, a directory with all that is below it.
    Delete {
        /// What.
        node: NodeId,
    },
    /// An older version of a file becomes its present one.
    RestoreVersion {
        /// The file.
        node: NodeId,
        /// The version.
        version: VersionId,
    },
    /// Back from the trash, with what was deleted together with it, under a name that is free.
    Restore {
        /// What.
        node: NodeId,
    },
}

/// What is done where a name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTaken {
    /// Nothing: the whole is refused.
    Refuse,
    /// The name becomes `name (2)`, or the next that is free.
    Number,
}

/// What an edit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The position of the log at which it is.
    pub cursor: Cursor,
    /// Of each edit the node that it is about, and its name from now on.
    pub nodes: Vec<(NodeId, EntryName)>,
}

impl Files {
    /// Makes changes in an open space: all of them, or none.
    ///
    /// # Errors
    /// [`super::super::Denied`], [`FilesError::NotFound`], [`super::super::Refused`] where a name is
    /// taken or a directory would come to lie in itself, [`FilesError::Invalid`] for a sealed space
    /// and for more than 10,000 nodes at once, or the database's.
    pub async fn plain_edit(
        &self,
        principal: &Principal,
        space: SpaceId,
        edits: Vec<Edit>,
    ) -> Result<Edited, FilesError> {
        self.still_valid(principal).await?;
        let (inner, principal) = (Arc::clone(&self.inner), principal.clone());
        let work = move |tx: &mut dyn Tx| edit_in(tx, &inner, &principal, space, &edits);
        let (edited, committed) = self.inner.database.write(work).await?;
        if let Some(committed) = committed {
            self.inner.committed(&committed);
        }
        Ok(edited)
    }
}

fn edit_in(
    tx: &mut dyn Tx,
    inner: &Inner,
    principal: &Principal,
    space: SpaceId,
    edits: &[Edit],
) -> Result<(Edited, Option<apply::Committed>), FilesError> {
    let open = OpenSpace::enter_locked(tx, inner, principal, space, Want::Upload)?;
    let mut sheet = Sheet::new(tx, inner, open, principal)?;
    let mut nodes = Vec::with_capacity(edits.len());
    for edit in edits {
        nodes.push(sheet.add(edit)?);
    }
    if sheet.draft.is_empty() {
        let cursor = sheet.open.cursor();
        return Ok((Edited { cursor, nodes }, None));
    }
    let payer = Payer::of(principal, None);
    let committed = sheet.commit(inner, Objects::default(), payer)?;
    let cursor = committed.head.cursor;
    Ok((Edited { cursor, nodes }, Some(committed)))
}

/// Until the space is shared with the server there is nothing to seal with.
pub(super) fn keyless() -> FilesError {
    FilesError::invalid("the server has no key of the space yet")
}

/// A change set that is being written.
pub(super) struct Sheet<'t> {
    tx: &'t mut dyn Tx,
    pub(super) open: OpenSpace,
    stamp: hythe_space::Stamp,
    entropy: Entropy,
    pub(super) draft: Draft,
    /// Names that this change set takes (true) or frees.
    names: HashMap<(NodeId, NameTag), bool>,
}

impl<'t> Sheet<'t> {
    pub(super) fn new(
        tx: &'t mut dyn Tx,
        inner: &Inner,
        open: OpenSpace,
        principal: &Principal,
    ) -> Result<Self, FilesError> {
        let broken = |error| FilesError::Storage(Box::new(error));
        let mut entropy = Entropy::system().map_err(broken)?;
        let operation = OperationId(entropy.bytes());
        let (seen, device) = (inner.identity.account_head(), inner.identity.device());
        let mut stamp = restored::stamp(tx, &open.log, seen, device, operation)?;
        stamp.behalf = Some(Behalf {
            account: principal.account(),
            session: principal.session(),
        });
        Ok(Self {
            tx,
            open,
            stamp,
            entropy,
            draft: Draft::new(),
            names: HashMap::new(),
        })
    }

    /// Signs and writes it.
    pub(super) fn commit(
        mut self,
        inner: &Inner,
        objects: Objects,
        payer: Payer,
    ) -> Result<apply::Committed, FilesError> {
        let now_ms = now_ms();
        let change_set = self.draft.sign(self.stamp, inner.identity.key())?;
        let server = inner.accounts.get(self.tx, inner.account())?;
        let moment = Moment::Accepting { now_ms };
        let log = &mut self.open.log;
        let judged = commit::judge(self.tx, inner.epoch(), log, &server, moment, &change_set);
        let effects = judged?;
        let prepared = commit::Prepared::new(change_set.clone(), objects.clone())?;
        objects.record(self.tx, log.no, payer, now_ms)?;
        commit::check_chunks(self.tx, log, &prepared)?;
        let committed = apply::write_space(self.tx, log, &change_set, &effects, now_ms)?;
        inner.checkpoint_if_due(self.tx, log, now_ms)?;
        Ok(committed)
    }

    fn add(&mut self, edit: &Edit) -> Result<(NodeId, EntryName), FilesError> {
        match edit {
            Edit::MakeDirectory {
                parent,
                name,
                taken,
            } => {
                let (name, place) = self.place(*parent, name, *taken)?;
                let node = self.create(NodeKind::Directory, &name, place, Attributes::default());
                Ok((node?, name))
            }
            Edit::Move {
                node,
                parent,
                name,
                taken,
            } => self.shift(*node, *parent, name, *taken),
            Edit::Copy {
                node,
                parent,
                name,
                taken,
            } => self.copy(*node, *parent, name, *taken),
            Edit::Delete { node } => self.delete(*node),
            Edit::Restore { node } => self.restore(*node),
            Edit::RestoreVersion { node, version } => self.restore_version(*node, *version),
        }
    }

    pub(super) fn version(&mut self) -> VersionId {
        VersionId(self.entropy.bytes())
    }

    pub(super) fn seal(
        &self,
        node: NodeId,
        field: Field,
        version: VersionId,
        plain: &[u8],
    ) -> Result<Vec<u8>, FilesError> {
        let keys = self.open.keyring.epoch(self.stamp.key_epoch);
        let keys = keys.ok_or_else(keyless)?;
        Ok(seal_field(keys, node, field, version, plain))
    }

    fn tag(&self, parent: NodeId, name: &EntryName) -> Result<NameTag, FilesError> {
        let tags = self.open.keyring.tags().ok_or_else(keyless)?;
        Ok(tags.tag(parent, name))
    }

    /// The place of a name, or of the first like it that is free; it is taken from now on.
    pub(super) fn place(
        &mut self,
        parent: NodeId,
        wanted: &EntryName,
        taken: OnTaken,
    ) -> Result<(EntryName, Place), FilesError> {
        let most = match taken {
            OnTaken::Refuse => 1,
            OnTaken::Number => NAMES,
        };
        for number in 1..=most {
            let name = numbered(wanted, number);
            let name = name.ok_or_else(|| FilesError::invalid("the name is too long"))?;
            let tag = self.tag(parent, &name)?;
            // What refuses is left to the fold, which says what is there.
            if taken == OnTaken::Refuse || !self.is_taken(parent, tag)? {
                self.names.insert((parent, tag), true);
                return Ok((name, Place { parent, tag }));
            }
        }
        Err(FilesError::invalid("too many files have this name"))
    }

    /// A node's id that nobody has.
    pub(super) fn fresh_node(&mut self) -> NodeId {
        NodeId(self.entropy.bytes())
    }

    /// The living file of a name.
    pub(super) fn file_at(
        &mut self,
        parent: NodeId,
        name: &EntryName,
    ) -> Result<Option<NodeId>, FilesError> {
        let tag = self.tag(parent, name)?;
        let found = nodes::children(self.tx, self.open.no(), &[(parent, tag)])?;
        let Some(node) = found.into_iter().flatten().next() else {
            return Ok(None);
        };
        let (_, record) = self.living(node)?;
        Ok((record.kind == NodeKind::File).then_some(node))
    }

    /// A node, opened.
    pub(super) fn entry(&self, row: &NodeRow) -> Result<Entry, FilesError> {
        let opened = entry::open(&self.open.keyring, row)?;
        opened.ok_or(FilesError::NotFound("node"))
    }

    fn is_taken(&mut self, parent: NodeId, tag: NameTag) -> Result<bool, DbError> {
        if let Some(taken) = self.names.get(&(parent, tag)) {
            return Ok(*taken);
        }
        let found = nodes::children(self.tx, self.open.no(), &[(parent, tag)])?;
        Ok(found.iter().any(Option::is_some))
    }

    /// A new node without content.
    fn create(
        &mut self,
        kind: NodeKind,
        name: &EntryName,
        place: Place,
        attributes: Attributes,
    ) -> Result<NodeId, FilesError> {
        self.room()?;
        let node = self.fresh_node();
        let version = self.version();
        let sealed = SealedNode {
            name: self.seal(node, Field::Name, version, name.as_bytes())?,
            attributes: self.seal(
                node,
                Field::Attributes,
                version,
                &encode_attributes(attributes),
            )?,
            body: None,
        };
        let create = Create {
            node,
            kind,
            place,
            place_version: version,
            attributes_version: version,
            body: None,
        };
        self.draft.create(create, sealed);
        Ok(node)
    }

    fn room(&self) -> Result<(), FilesError> {
        match self.draft.len() < MAX_OPERATIONS && !self.draft.is_full(0) {
            true => Ok(()),
            false => Err(FilesError::invalid(format!(
                "at most {MAX_OPERATIONS} files and directories are changed at once"
            ))),
        }
    }

    /// A living node that is not the root.
    pub(super) fn living(&mut self, node: NodeId) -> Result<(NodeRow, NodeRecord), FilesError> {
        let row = self.open.living(self.tx, node)?;
        let row = row.ok_or_else(|| FilesError::invalid("the root of a space stays as it is"))?;
        let record = record(&row)?;
        Ok((row, record))
    }

    fn shift(
        &mut self,
        node: NodeId,
        parent: NodeId,
        name: &EntryName,
        taken: OnTaken,
    ) -> Result<(NodeId, EntryName), FilesError> {
        self.room()?;
        let (_, record) = self.living(node)?;
        self.names.insert((record.parent, record.tag), false);
        let (name, place) = self.place(parent, name, taken)?;
        if (place.parent, place.tag) == (record.parent, record.tag) {
            return Ok((node, name));
        }
        let version = self.version();
        let sealed = SealedFields {
            name: Some(self.seal(node, Field::Name, version, name.as_bytes())?),
            ..SealedFields::default()
        };
        let update = Update {
            node,
            place: Some(PlaceWrite {
                expected: record.place.version,
                version,
                place,
            }),
            attributes: None,
            body: None,
        };
        self.draft.update(update, sealed);
        Ok((node, name))
    }

    fn delete(&mut self, node: NodeId) -> Result<(NodeId, EntryName), FilesError> {
        let (row, _) = self.living(node)?;
        let name = self.name_of(&row)?;
        let (mut open, mut found) = (vec![row], Vec::new());
        while let Some(row) = open.pop() {
            let record = record(&row)?;
            if record.kind == NodeKind::Directory {
                open.extend(self.children(record.node)?);
            }
            self.names.insert((record.parent, record.tag), false);
            found.push(record);
        }
        // Each was taken before what it holds.
        for record in found.into_iter().rev() {
            self.room()?;
            self.draft.delete(Delete {
                node: record.node,
                place: record.place.version,
                body: record.body.map(|body| body.field.version),
            });
        }
        Ok((node, name))
    }

    fn children(&mut self, node: NodeId) -> Result<Vec<NodeRow>, FilesError> {
        let most = u32::try_from(MAX_OPERATIONS + 1).unwrap_or(u32::MAX);
        Ok(nodes::children_after(
            self.tx,
            self.open.no(),
            node,
            &[],
            most,
        )?)
    }

    fn name_of(&self, row: &NodeRow) -> Result<EntryName, FilesError> {
        self.entry(row).map(|entry| entry.name)
    }

    fn copy(
        &mut self,
        node: NodeId,
        parent: NodeId,
        name: &EntryName,
        taken: OnTaken,
    ) -> Result<(NodeId, EntryName), FilesError> {
        let (row, _) = self.living(node)?;
        let (name, place) = self.place(parent, name, taken)?;
        let top = self.copy_one(&row, &name, place)?;
        let mut open = vec![(node, top)];
        while let Some((from, to)) = open.pop() {
            for row in self.children(from)? {
                // Not into itself without end: what was copied is in no row yet.
                let name = self.name_of(&row)?;
                let tag = self.tag(to, &name)?;
                let made = self.copy_one(&row, &name, Place { parent: to, tag })?;
                open.push((row.node, made));
            }
        }
        Ok((top, name))
    }

    /// A node with the same content and attributes.
    fn copy_one(
        &mut self,
        row: &NodeRow,
        name: &EntryName,
        place: Place,
    ) -> Result<NodeId, FilesError> {
        let from = record(row)?;
        let unread = || FilesError::NotFound("content");
        let keyring = Arc::clone(&self.open.keyring);
        let open = |which, field: &hythe_space::FieldRecord, sealed: &Option<Vec<u8>>| {
            let keys = keyring.epoch(field.epoch).ok_or_else(unread)?;
            let sealed = sealed.as_deref().ok_or_else(unread)?;
            open_field(keys, from.node, which, field.version, sealed).map_err(|_| unread())
        };
        let attributes = open(Field::Attributes, &from.attributes, &row.sealed.attributes)?;
        let body = match &from.body {
            Some(body) => Some(open(Field::Body, &body.field, &row.sealed.body)?),
            None => None,
        };
        self.room()?;
        let node = NodeId(self.entropy.bytes());
        let version = self.version();
        let refs = body.as_deref().map(hythe_content::field_refs);
        let refs = refs.transpose().map_err(|_| unread())?;
        let write = match (&from.body, refs) {
            (Some(body), Some(refs)) => Some(BodyWrite {
                version,
                size: body.size,
                tree: refs.tree,
                refs: refs.ids,
            }),
            _ => None,
        };
        let sealed = SealedNode {
            name: self.seal(node, Field::Name, version, name.as_bytes())?,
            attributes: self.seal(node, Field::Attributes, version, &attributes)?,
            body: match body {
                Some(plain) => Some(self.seal(node, Field::Body, version, &plain)?),
                None => None,
            },
        };
        let create = Create {
            node,
            kind: from.kind,
            place,
            place_version: version,
            attributes_version: version,
            body: write,
        };
        self.draft.create(create, sealed);
        Ok(node)
    }

    /// The content of an older version, as a new one.
    fn restore_version(
        &mut self,
        node: NodeId,
        version: VersionId,
    ) -> Result<(NodeId, EntryName), FilesError> {
        self.room()?;
        let gone = || FilesError::NotFound("version");
        let (row, record) = self.living(node)?;
        let name = self.name_of(&row)?;
        let expected = record.body.ok_or_else(gone)?.field.version;
        let past = past::find_version(self.tx, &self.open, node, version)?;
        let plain = past::body_of(&self.open, node, &past).ok_or_else(gone)?;
        let refs = hythe_content::field_refs(&plain).map_err(|_| gone())?;
        let (size, _) = size_and_hash(&plain).ok_or_else(gone)?;
        let version = self.version();
        let sealed = SealedFields {
            body: Some(self.seal(node, Field::Body, version, &plain)?),
            ..SealedFields::default()
        };
        let write = BodyWrite {
            version,
            size,
            tree: refs.tree,
            refs: refs.ids,
        };
        let update = Update {
            node,
            place: None,
            attributes: None,
            body: Some(BodyUpdate { expected, write }),
        };
        self.draft.update(update, sealed);
        Ok((node, name))
    }

    /// A deleted node, with all that one change set deleted together with it.
    fn restore(&mut self, node: NodeId) -> Result<(NodeId, EntryName), FilesError> {
        let none = || FilesError::NotFound("node in the trash");
        let row = nodes::get(self.tx, self.open.no(), node)?.ok_or_else(none)?;
        let deleted = row.deleted.ok_or_else(none)?;
        let parent = match self.open.living(self.tx, row.parent) {
            Ok(_) => row.parent,
            Err(FilesError::NotFound(_)) => NodeId::ROOT,
            Err(error) => return Err(error),
        };
        let name = self.name_of(&row)?;
        let (name, place) = self.place(parent, &name, OnTaken::Number)?;
        let together = nodes::deleted_at(self.tx, self.open.no(), deleted)?;
        let mut below: HashMap<NodeId, Vec<NodeRow>> = HashMap::new();
        for row in together {
            below.entry(row.parent).or_default().push(row);
        }
        let mut open = vec![(row, name.clone(), place)];
        while let Some((row, name, place)) = open.pop() {
            for child in below.remove(&row.node).unwrap_or_default() {
                let name = self.name_of(&child)?;
                let (parent, tag) = (child.parent, child.tag);
                open.push((child, name, Place { parent, tag }));
            }
            self.room()?;
            let (record, version) = (record(&row)?, self.version());
            let sealed = self.seal(row.node, Field::Name, version, name.as_bytes())?;
            let restore = Restore {
                node: row.node,
                expected: record.place.version,
                version,
                place,
            };
            self.draft.restore(restore, sealed);
        }
        Ok((node, name))
    }
}
