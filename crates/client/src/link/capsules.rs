//! What links into sealed spaces show: made here, by the device that gave them out.

use std::collections::BTreeSet;
use std::sync::Arc;

use hythe_content::{CapsulePlace, Field, NodeKeys, SpaceKeys, field_key, seal_capsule};
use hythe_model::{KeyEpoch, LinkKind, NodeId, NodeKind, SpaceId};
use hythe_space::{CapsuleSeal, CryptoError, Entropy, FieldRecord, LinkGrant, Record, SigningKey};
use hythe_wire::link::{
    CapsulePart, DirectoryCapsules, LinkCapsule, LinkCapsulesRequest, MAX_CAPSULE_DIRECTORIES,
    MAX_CAPSULE_PARTS, MAX_LINK_PAGE,
};

use crate::net::{Api, ApiError};
use crate::replica::{Keyring, Replica, ReplicaError};
use crate::state::{Rows, SpaceNumber, State, StateError};

/// Sealed bytes of one request, about.
const REQUEST_BYTES: usize = 1 << 20;

/// Why what a link shows was not made.
#[derive(Debug, thiserror::Error)]
pub enum CapsuleError {
    /// The server did not do what was asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The state of this device cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The space cannot be read on.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The system gives no randomness, or the link's key is none.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// What is to be made anew of what a link shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dirty {
    /// Everything.
    All,
    /// What hangs on these nodes.
    Nodes(BTreeSet<NodeId>),
}

/// Makes and sends what a link shows.
pub(crate) struct Maker<'m> {
    pub(crate) api: &'m Api,
    pub(crate) state: &'m Arc<State>,
    pub(crate) number: SpaceNumber,
    pub(crate) space: SpaceId,
    pub(crate) keys: Vec<(KeyEpoch, Arc<SpaceKeys>)>,
    pub(crate) signing: SigningKey,
}

impl<'m> Maker<'m> {
    /// Of a space, with the keys that this device has of it now.
    pub(crate) async fn of(
        replica: &Replica,
        api: &'m Api,
        state: &'m Arc<State>,
        signing: SigningKey,
    ) -> Result<Self, CapsuleError> {
        let keys = replica.with_keys(Keyring::epochs).await?;
        Ok(Self {
            api,
            state,
            number: replica.number(),
            space: replica.space(),
            keys,
            signing,
        })
    }

    /// Makes anew what is dirty of what a link shows.
    pub(crate) async fn refresh(
        &self,
        grant: &LinkGrant,
        dirty: &Dirty,
    ) -> Result<(), CapsuleError> {
        let mut places = self.places(grant, dirty)?.into_iter().peekable();
        while places.peek().is_some() {
            let (mut directories, mut bytes) = (Vec::new(), 0);
            while bytes < REQUEST_BYTES && directories.len() < MAX_CAPSULE_DIRECTORIES {
                let Some(place) = places.next() else { break };
                let made = self.directory(grant, place)?;
                let sealed = made.parts.iter().map(|part| part.capsule.sealed.len());
                bytes += sealed.sum::<usize>();
                directories.push(made);
            }
            let request = LinkCapsulesRequest { directories };
            let (space, link) = (self.space, grant.link);
            self.api.put_link_capsules(space, link, &request).await?;
        }
        Ok(())
    }

    /// The directories that are to be made anew; none stands for the linked node itself.
    fn places(
        &self,
        grant: &LinkGrant,
        dirty: &Dirty,
    ) -> Result<BTreeSet<Option<NodeId>>, StateError> {
        let number = self.number;
        self.state.read(|rows| {
            let mut places = BTreeSet::new();
            match dirty {
                // Who may only put sees what it is called, and nothing below.
                Dirty::All if grant.kind == LinkKind::Upload => {
                    places.insert(None);
                }
                Dirty::Nodes(nodes) if grant.kind == LinkKind::Upload => {
                    places.extend(nodes.contains(&grant.node).then_some(None));
                }
                Dirty::All => {
                    places.insert(None);
                    add_tree(rows, number, grant.node, &mut places)?;
                }
                Dirty::Nodes(nodes) => {
                    for node in nodes {
                        add_node(rows, number, grant.node, *node, &mut places)?;
                    }
                }
            }
            Ok(places)
        })
    }

    fn directory(
        &self,
        grant: &LinkGrant,
        directory: Option<NodeId>,
    ) -> Result<DirectoryCapsules, CapsuleError> {
        let nodes = self.nodes(grant, directory)?;
        let parts = nodes.chunks(MAX_LINK_PAGE).take(MAX_CAPSULE_PARTS);
        let parts = parts.map(|nodes| self.part(grant, directory, nodes));
        Ok(DirectoryCapsules {
            directory,
            parts: parts.collect::<Result<_, _>>()?,
        })
    }

    fn nodes(
        &self,
        grant: &LinkGrant,
        directory: Option<NodeId>,
    ) -> Result<Vec<NodeKeys>, StateError> {
        let number = self.number;
        self.state.read(|rows| {
            let ids: Vec<NodeId> = match directory {
                None => vec![grant.node],
                Some(directory) => {
                    let listed = rows.remote_list(number, directory)?.into_iter();
                    let own = listed.filter(|node| node.kind != NodeKind::Attachment);
                    own.map(|node| node.id).collect()
                }
            };
            let mut keys = Vec::with_capacity(ids.len());
            for id in ids {
                keys.extend(self.keys_of(rows, id)?);
            }
            Ok(keys)
        })
    }

    fn keys_of(&self, rows: &Rows<'_>, node: NodeId) -> Result<Option<NodeKeys>, StateError> {
        let Some(row) = rows.remote(self.number, node)? else {
            return Ok(None);
        };
        let Ok(Record::Node(record)) = Record::decode(&row.record) else {
            return Ok(None);
        };
        let key = |field: &FieldRecord, which| {
            let keys = self.keys.iter().find(|(epoch, _)| *epoch == field.epoch);
            keys.map(|(_, keys)| field_key(keys, node, which, field.version))
        };
        let body = record.body.as_ref().map(|body| &body.field);
        Ok(Some(NodeKeys {
            node,
            name: key(&record.place, Field::Name),
            attributes: key(&record.attributes, Field::Attributes),
            body: body.and_then(|field| key(field, Field::Body)),
            size: (record.kind == NodeKind::File).then_some(row.node.size),
            kind: Some(record.kind),
        }))
    }

    fn part(
        &self,
        grant: &LinkGrant,
        directory: Option<NodeId>,
        nodes: &[NodeKeys],
    ) -> Result<CapsulePart, CryptoError> {
        let mut entropy = Entropy::system()?;
        let (link, secret) = (grant.link, entropy.secret());
        let sealed = seal_capsule(&secret, &CapsulePlace { link, directory }, nodes);
        let (to, maker) = (&grant.key, &self.signing);
        let seal = CapsuleSeal::make(link, to, &secret, &sealed, maker, &mut entropy)?;
        Ok(CapsulePart {
            nodes: nodes.iter().map(|keys| keys.node).collect(),
            capsule: LinkCapsule {
                seal: seal.encode().into(),
                sealed: sealed.into(),
            },
        })
    }
}

/// Adds a directory and all below it.
fn add_tree(
    rows: &Rows<'_>,
    number: SpaceNumber,
    top: NodeId,
    places: &mut BTreeSet<Option<NodeId>>,
) -> Result<(), StateError> {
    let mut open = vec![top];
    while let Some(directory) = open.pop() {
        places.insert(Some(directory));
        let children = rows.remote_list(number, directory)?.into_iter();
        let below = children.filter(|child| child.kind == NodeKind::Directory);
        open.extend(below.map(|child| child.id));
    }
    Ok(())
}

/// Adds what hangs on a node that changed: the directory it is in, and where it may have come from
/// elsewhere, what is in it.
fn add_node(
    rows: &Rows<'_>,
    number: SpaceNumber,
    top: NodeId,
    node: NodeId,
    places: &mut BTreeSet<Option<NodeId>>,
) -> Result<(), StateError> {
    let Some(row) = rows.remote_node(number, node)? else {
        return Ok(());
    };
    if node == top {
        places.insert(None);
    }
    let mut at = node;
    while at != top && at != NodeId::ROOT {
        at = rows
            .remote_node(number, at)?
            .map_or(NodeId::ROOT, |row| row.parent);
    }
    if at != top {
        return Ok(());
    }
    if node != top {
        places.insert(Some(row.parent));
    }
    if row.kind == NodeKind::Directory && !row.deleted {
        add_tree(rows, number, node, places)?;
    }
    Ok(())
}
