//! Edits to sealed operations.

use std::sync::Arc;

use hythe_content::{Field, SpaceKeys, TagKey, seal_field};
use hythe_model::{Attributes, Body, EntryName, LayoutEntry, NodeId, VersionId};
use hythe_space::Draft;
use hythe_space::draft::{SealedFields, SealedNode};
use hythe_space::operation::{
    AttributesWrite, BodyUpdate, BodyWrite, Create, Delete, Place, PlaceWrite, Restore, Update,
};

use super::{Copied, Edit, MAX_EDITS, NewAttributes, NewBody};
use crate::transfer::Prepared;

/// Seals fields under the keys of the current epoch.
pub(super) struct Sealer {
    pub(super) keys: Arc<SpaceKeys>,
    pub(super) tags: Arc<TagKey>,
}

impl Sealer {
    /// Drafts as many edits as fit into one change set, and gives back the others.
    pub(super) fn draft(&self, edits: Vec<Edit>) -> (Draft, Vec<Edit>) {
        let mut draft = Draft::new();
        let mut edits = edits.into_iter();
        let mut rest = Vec::new();
        while let Some(edit) = edits.next() {
            if draft.len() >= MAX_EDITS || (!draft.is_empty() && draft.is_full(edit.size())) {
                rest.push(edit);
                rest.extend(edits.by_ref());
                break;
            }
            self.add(&mut draft, edit);
        }
        (draft, rest)
    }

    fn add(&self, draft: &mut Draft, edit: Edit) {
        match edit {
            Edit::Create {
                node,
                kind,
                parent,
                name,
                attributes,
                new,
                body,
            } => {
                let body = body.zip(new.body);
                let field = |(body, version): &_| self.body(node, *version, body);
                let sealed = SealedNode {
                    name: self.name(node, new.place, &name),
                    attributes: self.attributes(node, new.attributes, attributes),
                    body: body.as_ref().map(field),
                };
                let create = Create {
                    node,
                    kind,
                    place: self.place(parent, &name),
                    place_version: new.place,
                    attributes_version: new.attributes,
                    body: body.map(|(body, version)| body_write(body, version)),
                };
                draft.create(create, sealed);
            }
            Edit::Restore {
                node,
                parent,
                name,
                expected,
                new: version,
            } => {
                let place = self.place(parent, &name);
                let restore = Restore {
                    node,
                    expected,
                    version,
                    place,
                };
                draft.restore(restore, self.name(node, version, &name));
            }
            Edit::Move {
                node,
                parent,
                name,
                expected,
                new: version,
            } => {
                let place = self.place(parent, &name);
                let write = PlaceWrite {
                    expected,
                    version,
                    place,
                };
                rename(draft, node, write, self.name(node, version, &name));
            }
            Edit::Update {
                node,
                attributes,
                body,
            } => self.update(draft, node, attributes, body),
            Edit::Copy(copied) => self.copy(draft, *copied),
            Edit::Clear(operation) => draft.push(operation),
            Edit::Delete { node, expected } => {
                let (place, body) = (expected.place, expected.body);
                draft.delete(Delete { node, place, body });
            }
        }
    }

    fn copy(&self, draft: &mut Draft, copied: Copied) {
        let node = copied.node;
        let (write, field) = copied.body.unzip();
        let sealed = SealedNode {
            name: self.name(node, copied.place_version, &copied.name),
            attributes: self.attributes(node, copied.attributes_version, copied.attributes),
            body: write.as_ref().zip(field).map(|(write, field)| {
                seal_field(&self.keys, node, Field::Body, write.version, &field)
            }),
        };
        let create = Create {
            node,
            kind: copied.kind,
            place: self.place(copied.parent, &copied.name),
            place_version: copied.place_version,
            attributes_version: copied.attributes_version,
            body: write,
        };
        draft.create(create, sealed);
    }

    fn update(
        &self,
        draft: &mut Draft,
        node: NodeId,
        attributes: Option<NewAttributes>,
        body: Option<NewBody>,
    ) {
        let sealed = SealedFields {
            name: None,
            attributes: attributes.map(|write| self.attributes(node, write.new, write.attributes)),
            body: body
                .as_ref()
                .map(|write| self.body(node, write.new, &write.prepared)),
        };
        let update = Update {
            node,
            place: None,
            attributes: attributes.map(|write| AttributesWrite {
                expected: write.expected,
                version: write.new,
            }),
            body: body.map(|write| BodyUpdate {
                expected: write.expected,
                write: body_write(write.prepared, write.new),
            }),
        };
        draft.update(update, sealed);
    }

    fn place(&self, parent: NodeId, name: &EntryName) -> Place {
        Place {
            parent,
            tag: self.tags.tag(parent, name),
        }
    }

    fn name(&self, node: NodeId, version: VersionId, name: &EntryName) -> Vec<u8> {
        seal_field(&self.keys, node, Field::Name, version, name.as_bytes())
    }

    fn attributes(&self, node: NodeId, version: VersionId, attributes: Attributes) -> Vec<u8> {
        let mut plain = Vec::new();
        // Writing to a vector cannot fail.
        let written = minicbor::encode(attributes, &mut plain);
        debug_assert!(written.is_ok());
        seal_field(&self.keys, node, Field::Attributes, version, &plain)
    }

    fn body(&self, node: NodeId, version: VersionId, body: &Prepared) -> Vec<u8> {
        seal_field(&self.keys, node, Field::Body, version, &body.stored.field)
    }
}

impl Edit {
    /// About how many bytes of sealed parts it needs.
    fn size(&self) -> usize {
        if let Self::Copy(copied) = self {
            let stored = copied.body.as_ref();
            return 512 + stored.map_or(0, |(write, field)| field.len() + 32 * write.refs.len());
        }
        let body = match self {
            Self::Create { body, .. } => body.as_ref(),
            Self::Update { body, .. } => body.as_ref().map(|body| &body.prepared),
            _ => None,
        };
        512 + body.map_or(0, |body| {
            body.stored.field.len() + 32 * body.stored.refs.len()
        })
    }
}

fn rename(draft: &mut Draft, node: NodeId, write: PlaceWrite, name: Vec<u8>) {
    let update = Update {
        node,
        place: Some(write),
        attributes: None,
        body: None,
    };
    let sealed = SealedFields {
        name: Some(name),
        ..SealedFields::default()
    };
    draft.update(update, sealed);
}

fn body_write(body: Prepared, version: VersionId) -> BodyWrite {
    BodyWrite {
        version,
        size: sealed_size(&body.body),
        tree: body.stored.tree,
        refs: body.stored.refs,
    }
}

/// Sealed bytes over all chunks, which count against the quota.
fn sealed_size(body: &Body) -> u64 {
    let Body::File(layout) = body else { return 0 };
    let sizes = layout.entries.iter().map(|entry| match entry {
        LayoutEntry::Chunk(chunk) => u64::from(chunk.sealed_length),
        LayoutEntry::Hole(_) => 0,
    });
    sizes.sum()
}
