//! The steps that change the log.

use std::collections::{BTreeMap, BTreeSet};

use hythe_model::{Attributes, NodeId, NodeKind, VersionId};

use crate::conflict_name::aside_name;
use crate::context::IdSource;
use crate::draft::Draft;
use crate::order::{Motion, Side, order};
use crate::plan::Step;
use crate::tree::{LocalNode, Place, TreeError, Versions};
use crate::view::View;

/// Writes the remote half: first the shape, then content and attributes.
pub(crate) fn steps(draft: &mut Draft<'_>, ids: &mut dyn IdSource) -> Result<Vec<Step>, TreeError> {
    let root = draft.shape.view.root;
    let mut side = Log(&mut draft.shape.view);
    let motions = order(&mut side, root, &draft.remote_wanted, &draft.remote_gone)?;
    let mut writer = Writer {
        view: &mut draft.shape.view,
        ids,
        places: BTreeMap::new(),
    };
    let mut steps = Vec::with_capacity(motions.len() + draft.sends.len());
    let mut put = BTreeSet::new();
    for motion in motions {
        if let Motion::Put(node, _) = motion {
            put.insert(node);
        }
        steps.extend(writer.step(motion)?);
    }
    for (node, step) in std::mem::take(&mut draft.sends) {
        // A deleted node is written to only after it came back.
        if draft.shape.view.item(node)?.live().is_some() || put.contains(&node) {
            steps.push(step);
        }
    }
    Ok(steps)
}

struct Writer<'a, 'b> {
    view: &'a mut View<'b>,
    ids: &'a mut dyn IdSource,
    /// Place versions that steps of this plan make.
    places: BTreeMap<NodeId, VersionId>,
}

impl Writer<'_, '_> {
    fn step(&mut self, motion: Motion) -> Result<Option<Step>, TreeError> {
        Ok(match motion {
            Motion::Put(node, to) => self.put(node, to)?,
            Motion::Aside(node, to) => self.relocate(node, to)?,
            Motion::Remove(node, _) => self.remove(node)?,
        })
    }

    fn put(&mut self, node: NodeId, to: Place) -> Result<Option<Step>, TreeError> {
        let item = self.view.item(node)?.clone();
        Ok(match (item.remote, item.local) {
            (None, Some(local)) => Some(create(node, to, &local, self.ids)),
            (Some(remote), _) if remote.deleted => {
                let (expected, new) = (remote.versions.place, self.ids.version());
                Some(Step::RemoteRestore {
                    node,
                    to,
                    expected,
                    new,
                })
            }
            (Some(_), _) => self.relocate(node, to)?,
            (None, None) => None,
        })
    }

    fn relocate(&mut self, node: NodeId, to: Place) -> Result<Option<Step>, TreeError> {
        let Some(there) = self.place_version(node)? else {
            return Ok(None);
        };
        let new = self.ids.version();
        self.places.insert(node, new);
        Ok(Some(Step::RemoteMove {
            node,
            to,
            expected: there,
            new,
        }))
    }

    fn remove(&mut self, node: NodeId) -> Result<Option<Step>, TreeError> {
        let Some(place) = self.place_version(node)? else {
            return Ok(None);
        };
        let remote = self.view.item(node)?.live();
        Ok(remote.map(|remote| {
            let expected = Versions {
                place,
                ..remote.versions
            };
            Step::RemoteDelete { node, expected }
        }))
    }

    /// The place version that is there when the next step runs.
    fn place_version(&mut self, node: NodeId) -> Result<Option<VersionId>, TreeError> {
        let there = self
            .view
            .item(node)?
            .live()
            .map(|remote| remote.versions.place);
        Ok(self.places.get(&node).copied().or(there))
    }
}

fn create(node: NodeId, to: Place, local: &LocalNode, ids: &mut dyn IdSource) -> Step {
    let directory = local.kind == NodeKind::Directory;
    let body = if directory { None } else { Some(ids.version()) };
    Step::RemoteCreate {
        node,
        to,
        kind: local.kind,
        attributes: if directory {
            Attributes::default()
        } else {
            local.attributes()
        },
        new: Versions {
            place: ids.version(),
            attributes: ids.version(),
            body,
        },
        stamp: local.stamp,
    }
}

/// The log as a side to bring in order.
struct Log<'a, 'b>(&'a mut View<'b>);

impl Side for Log<'_, '_> {
    fn place(&mut self, node: NodeId) -> Result<Option<Place>, TreeError> {
        // A node with a name that cannot be used stands where no other node can be.
        let nameless = |parent| Place::new(parent, aside_name(node));
        let live = self.0.item(node)?.live();
        Ok(live.map(|remote| remote.place().unwrap_or_else(|| nameless(remote.parent))))
    }

    fn occupant(&mut self, place: &Place) -> Result<Option<NodeId>, TreeError> {
        self.0.node_at(place)
    }

    fn children(&mut self, node: NodeId) -> Result<Vec<NodeId>, TreeError> {
        self.0.remote_children(node)
    }
}
