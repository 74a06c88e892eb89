//! The nodes that a link shows, opened with the keys of a capsule.

use std::collections::HashMap;

use hythe_content::{CapsulePlace, Field, FieldKey, NodeKeys, load_body, open_capsule};
use hythe_control::{Entry, EntryKind, Octets};
use hythe_model::{Attributes, Body, DeviceId, EntryName, LinkId, NodeId, NodeKind, SpaceId};
use hythe_space::{CapsuleSeal, KemSecret};
use hythe_wire::link::{LinkCapsule, LinkField, LinkNode};

/// What opens capsules of one link.
pub(super) struct Opener {
    pub(super) link: LinkId,
    pub(super) space: SpaceId,
    pub(super) key: KemSecret,
    pub(super) maker: DeviceId,
}

/// A node whose fields were opened.
pub(super) struct Shown {
    pub(super) node: NodeId,
    pub(super) kind: NodeKind,
    /// What stands in the way of showing it under its name.
    pub(super) name: Result<EntryName, String>,
    attributes: Attributes,
    size: Option<u64>,
    target: Option<Vec<u8>>,
    pub(super) body: Option<FieldKey>,
}

impl Opener {
    /// The nodes of one answer. A node without keys is left out: whoever makes what the link shows
    /// has not seen it yet.
    ///
    /// # Errors
    /// Where the capsule is not what the link's maker made, in a sentence.
    pub(super) fn open(
        &self,
        directory: Option<NodeId>,
        nodes: Vec<LinkNode>,
        capsule: Option<&LinkCapsule>,
    ) -> Result<Vec<Shown>, String> {
        let mut keys = match capsule {
            Some(capsule) => self.keys(directory, capsule)?,
            None => HashMap::new(),
        };
        let nodes = nodes.into_iter();
        let opened = nodes.filter_map(|node| {
            let keys = keys.remove(&node.node)?;
            Some(check_kind(&keys, &node).map(|()| self.shown(keys, &node)))
        });
        opened.collect()
    }

    fn keys(
        &self,
        directory: Option<NodeId>,
        capsule: &LinkCapsule,
    ) -> Result<HashMap<NodeId, NodeKeys>, String> {
        let forged = |error: &dyn std::fmt::Display| format!("what the link shows: {error}");
        let seal = CapsuleSeal::decode(&capsule.seal).map_err(|error| forged(&error))?;
        let secret = seal.open(self.link, &self.key, self.maker, &capsule.sealed);
        let secret = secret.map_err(|error| forged(&error))?;
        let link = self.link;
        let place = CapsulePlace { link, directory };
        let nodes = open_capsule(&secret, &place, &capsule.sealed);
        let nodes = nodes.map_err(|error| forged(&error))?;
        Ok(nodes.into_iter().map(|keys| (keys.node, keys)).collect())
    }

    fn shown(&self, keys: NodeKeys, node: &LinkNode) -> Shown {
        let open = |key: Option<&FieldKey>, which, field: &LinkField| {
            let key = key.filter(|key| key.version == field.version)?;
            let sealed = field.sealed.as_ref()?;
            key.open(self.space, node.node, which, sealed).ok()
        };
        let name = open(keys.name.as_ref(), Field::Name, &node.name);
        let name = name.ok_or_else(|| "it cannot be opened".to_owned());
        let name = name.and_then(|name| EntryName::new(name).map_err(|error| error.to_string()));
        let attributes = open(
            keys.attributes.as_ref(),
            Field::Attributes,
            &node.attributes,
        );
        let attributes = attributes.and_then(|plain| minicbor::decode(&plain).ok());
        let body = node.body.as_ref();
        let text = body.and_then(|field| open(keys.body.as_ref(), Field::Body, field));
        let target = text.and_then(|text| match load_body(&text, &mut |_| Err(())) {
            Ok(Body::Link(target)) => Some(target.as_bytes().to_vec()),
            _ => None,
        });
        let version = body.map(|field| field.version);
        Shown {
            node: node.node,
            kind: node.kind,
            name,
            attributes: attributes.unwrap_or_default(),
            size: keys.size.filter(|_| node.kind == NodeKind::File),
            target: target.filter(|_| node.kind == NodeKind::Symlink),
            body: keys.body.filter(|key| Some(key.version) == version),
        }
    }
}

/// What a node is, its maker says. One of before it did so is what the server says.
fn check_kind(keys: &NodeKeys, node: &LinkNode) -> Result<(), String> {
    match keys.kind {
        Some(kind) if kind != node.kind => Err(format!("the kind of node {}", node.node)),
        _ => Ok(()),
    }
}

impl Shown {
    /// Its name; its id where that cannot be shown.
    pub(super) fn name_bytes(&self) -> Vec<u8> {
        match &self.name {
            Ok(name) => name.as_bytes().to_vec(),
            Err(_) => self.node.to_string().into_bytes(),
        }
    }

    /// As a listing shows it under a path.
    pub(super) fn entry(&self, path: Vec<u8>) -> Entry {
        let has_content = matches!(self.kind, NodeKind::File | NodeKind::Symlink);
        Entry {
            path: Octets(path),
            kind: match self.kind {
                NodeKind::Directory => EntryKind::Directory,
                NodeKind::File => EntryKind::File,
                NodeKind::Symlink => EntryKind::Symlink,
                NodeKind::Attachment => EntryKind::Attachment,
            },
            size: self.size,
            modified: has_content.then(|| self.attributes.modified.into()),
            executable: self.kind == NodeKind::File && self.attributes.executable,
            target: self.target.clone().map(Octets),
            node: self.node,
            quarantine: self.name.as_ref().err().cloned(),
        }
    }
}
