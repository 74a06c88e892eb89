//! Nodes of one space, made once more in another: the chunks that are stored already are taken over,
//! only fields are sealed anew.

use hythe_content::field_refs;
use hythe_control::Failure;
use hythe_model::{ChunkId, EntryName, NodeId, NodeKind};
use hythe_space::operation::BodyWrite;
use hythe_space::{NodeRecord, Record};
use hythe_wire::limits::MAX_MISSING_CHUNKS;

use super::attempt::{NotCarried, Planned, carry_out};
use super::words::{refused, unlaid};
use crate::commit::{Copied, Edit};
use crate::daemon::{Door, Space, unreachable};
use crate::state::{Rows, SpaceNumber, StateError};

/// Nodes that are copied at a time: their chunks are taken over, then they are committed.
const AT_ONCE: usize = 1000;

/// Two spaces, one of which gets nodes of the other.
pub(super) struct Copying<'d> {
    pub door: &'d Door,
    pub from: &'d Space,
    pub to: &'d Space,
}

/// As what a node is made in the other space.
pub(super) struct Target {
    pub node: NodeId,
    pub parent: NodeId,
    /// Its name there; none for the one it has.
    pub name: Option<EntryName>,
}

/// The record of a node, as the fold has it.
pub(super) fn record(
    rows: &Rows<'_>,
    space: SpaceNumber,
    node: NodeId,
) -> Result<Option<NodeRecord>, StateError> {
    let Some(bytes) = rows.node_record(space, node)? else {
        return Ok(None);
    };
    match Record::decode(&bytes) {
        Ok(Record::Node(record)) => Ok(Some(record)),
        _ => Err(StateError::Invalid("record of the fold")),
    }
}

/// What cannot be read could not be carried over, and would be lost from sight.
pub(super) fn check_readable(
    rows: &Rows<'_>,
    space: SpaceNumber,
    folder: NodeId,
    place: &str,
) -> Result<(), Failure> {
    for id in rows.remote_below(space, folder)? {
        let Some(node) = rows.remote_node(space, id)? else {
            continue;
        };
        let lacks_body = node.kind != NodeKind::Directory && rows.remote_body(space, id)?.is_none();
        if node.name.is_err() || lacks_body {
            return Err(
                refused(format!("{place} holds something that cannot be read"))
                    .because(format!("node {id}"))
                    .next("`hythe verify` says more of it."),
            );
        }
        if record(rows, space, id)?.is_some_and(|record| record.leaving.is_some()) {
            return Err(refused(format!("A folder in {place} is being shared"))
                .next("Share that one to its end first."));
        }
    }
    Ok(())
}

impl Copying<'_> {
    /// Makes nodes, parents before children, as far as they are not there yet.
    pub(super) async fn run(
        &self,
        nodes: &[NodeId],
        target: impl Fn(&Rows<'_>, NodeId) -> Result<Option<Target>, StateError>,
    ) -> Result<(), NotCarried> {
        for nodes in nodes.chunks(AT_ONCE) {
            self.adopt(nodes).await?;
            let plan = |rows: &Rows<'_>| {
                let mut edits = Vec::new();
                for node in nodes {
                    if let Some(target) = target(rows, *node)? {
                        edits.extend(self.copied(rows, *node, target)?);
                    }
                }
                Ok(Planned::new(edits, ()))
            };
            carry_out(self.door, self.to, plan).await?;
        }
        Ok(())
    }

    /// The edit that makes a node in the other space; none where it is there.
    fn copied(&self, rows: &Rows<'_>, id: NodeId, target: Target) -> Result<Option<Edit>, Failure> {
        if rows.remote_node(self.to.number, target.node)?.is_some() {
            return Ok(None);
        }
        let number = self.from.number;
        let (node, record) = (rows.remote_node(number, id)?, record(rows, number, id)?);
        let (Some(node), Some(record)) = (node, record) else {
            return Ok(None);
        };
        let name = target.name.or(node.name.ok());
        let name = name.ok_or_else(|| refused(format!("Node {id} has no name to be read")))?;
        let body = match record.body {
            None => None,
            Some(body) => {
                let field = rows.remote_body(number, id)?;
                let field = field.ok_or_else(|| refused(format!("Node {id} cannot be read")))?;
                let write = BodyWrite {
                    version: body.field.version,
                    size: body.size,
                    tree: body.tree,
                    refs: references(node.kind, &field)?,
                };
                Some((write, field))
            }
        };
        Ok(Some(Edit::Copy(Box::new(Copied {
            node: target.node,
            kind: node.kind,
            parent: target.parent,
            name,
            attributes: node.attributes,
            place_version: record.place.version,
            attributes_version: record.attributes.version,
            body,
        }))))
    }

    /// Has the other space take over the chunks that nodes refer to.
    async fn adopt(&self, nodes: &[NodeId]) -> Result<(), Failure> {
        let number = self.from.number;
        let mut wanted: Vec<ChunkId> = Vec::new();
        for id in nodes {
            let (node, field) = self.door.shared.state.read(|rows| {
                let node = rows.remote_node(number, *id)?;
                Ok::<_, StateError>((node, rows.remote_body(number, *id)?))
            })?;
            if let (Some(node), Some(field)) = (node, field) {
                wanted.extend(references(node.kind, &field)?);
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        for ids in wanted.chunks(MAX_MISSING_CHUNKS) {
            let api = &self.door.shared.api;
            let adopted = api.adopt(self.to.id, self.from.id, ids.to_vec());
            let missing = adopted.await.map_err(|error| unreachable(&error))?;
            if !missing.is_empty() {
                tracing::warn!(count = missing.len(), "chunks to be taken over are missing");
            }
        }
        Ok(())
    }
}

/// The stored objects that a body names.
fn references(kind: NodeKind, field: &[u8]) -> Result<Vec<ChunkId>, Failure> {
    match kind {
        NodeKind::File => Ok(field_refs(field).map_err(unlaid)?.ids),
        // The text of a link, and the space of an attachment, stand in the field itself.
        _ => Ok(Vec::new()),
    }
}
