//! What a link shows: the keys of the nodes of one directory, and of nothing else.

use hythe_model::{LinkId, NodeId, NodeKind, Secret32};
use minicbor::{Decode, Encode};

use crate::field::FieldKey;
use crate::seal::OpenError;
use crate::wrap::{Purpose, open_under, seal_under};

/// Most nodes of one capsule.
pub const CAPSULE_NODES: usize = 1000;

const CAPSULE: Purpose = Purpose::new("hythe 2026-11-23 content v1: capsule of a link");

/// Which part of what a link shows a capsule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct CapsulePlace {
    /// The link.
    #[n(0)]
    pub link: LinkId,
    /// The directory whose children it is about; none: the linked node itself.
    #[n(1)]
    pub directory: Option<NodeId>,
}

/// What opens the fields of one node. A field that could not be opened has no key.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct NodeKeys {
    /// The node.
    #[n(0)]
    pub node: NodeId,
    /// Opens its name.
    #[n(1)]
    pub name: Option<FieldKey>,
    /// Opens its attributes.
    #[n(2)]
    pub attributes: Option<FieldKey>,
    /// Opens its layout or link text.
    #[n(3)]
    pub body: Option<FieldKey>,
    /// Length of its content, so that a listing can tell it.
    #[n(4)]
    pub size: Option<u64>,
    /// What it is; none in capsules that were made before this was told.
    #[n(5)]
    pub kind: Option<NodeKind>,
}

/// Seals the keys of some nodes under a secret drawn for exactly this.
pub fn seal_capsule(secret: &Secret32, place: &CapsulePlace, nodes: &[NodeKeys]) -> Vec<u8> {
    let mut plain = zeroize::Zeroizing::new(Vec::new());
    // Writing to a vector cannot fail.
    let written = minicbor::encode(nodes, &mut *plain);
    debug_assert!(written.is_ok());
    seal_under(secret, CAPSULE, &aad(place), &plain)
}

/// Opens what [`seal_capsule`] sealed for the same place.
///
/// # Errors
/// When secret or place are others, or what was inside is no list of at most [`CAPSULE_NODES`].
pub fn open_capsule(
    secret: &Secret32,
    place: &CapsulePlace,
    sealed: &[u8],
) -> Result<Vec<NodeKeys>, OpenError> {
    let plain = zeroize::Zeroizing::new(open_under(secret, CAPSULE, &aad(place), sealed)?);
    read_capsule(&plain)
}

/// Reads what was in a capsule.
///
/// # Errors
/// When it is no list of at most [`CAPSULE_NODES`].
pub fn read_capsule(plain: &[u8]) -> Result<Vec<NodeKeys>, OpenError> {
    let mut decoder = minicbor::Decoder::new(plain);
    let count = decoder.array().map_err(|_| OpenError::Length)?;
    let count = count.and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count <= CAPSULE_NODES);
    let mut nodes = Vec::new();
    for _ in 0..count.ok_or(OpenError::Length)? {
        nodes.push(decoder.decode().map_err(|_| OpenError::Length)?);
    }
    if decoder.position() == plain.len() {
        Ok(nodes)
    } else {
        Err(OpenError::Length)
    }
}

fn aad(place: &CapsulePlace) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = minicbor::encode(place, &mut bytes);
    debug_assert!(written.is_ok());
    bytes
}

#[cfg(test)]
mod tests {
    use hythe_model::{KeyEpoch, SpaceId, VersionId};

    use super::*;
    use crate::field::{Field, field_key, open_field, seal_field};
    use crate::keys::{EpochSecret, SpaceKeys};

    const SPACE: SpaceId = SpaceId([1; 32]);

    fn keys() -> SpaceKeys {
        let secret = EpochSecret::new(Secret32::new([7; 32]));
        SpaceKeys::derive(&SPACE, KeyEpoch(3), &secret)
    }

    fn place(n: u8) -> CapsulePlace {
        CapsulePlace {
            link: LinkId([n; 16]),
            directory: None,
        }
    }

    #[test]
    fn a_field_key_opens_its_own_version_of_its_own_field_only() {
        let (keys, node, version) = (keys(), NodeId([2; 16]), VersionId([3; 16]));
        let name = seal_field(&keys, node, Field::Name, version, b"name");
        let key = field_key(&keys, node, Field::Name, version);
        assert_eq!(key.open(SPACE, node, Field::Name, &name).unwrap(), b"name");
        let later = VersionId([4; 16]);
        for other in [
            seal_field(&keys, node, Field::Name, later, b"name"),
            seal_field(&keys, node, Field::Body, version, b"name"),
            seal_field(&keys, NodeId([9; 16]), Field::Name, version, b"name"),
        ] {
            assert!(key.open(SPACE, node, Field::Name, &other).is_err());
        }
        assert!(key.open(SPACE, node, Field::Body, &name).is_err());
        assert!(
            key.open(SpaceId([8; 32]), node, Field::Name, &name)
                .is_err()
        );
        assert!(open_field(&keys, node, Field::Name, version, &name).is_ok());
    }

    /// As capsules were written before they told kinds; such are stored.
    #[derive(Encode)]
    struct Before {
        #[n(0)]
        node: NodeId,
        #[n(1)]
        name: Option<FieldKey>,
        #[n(2)]
        attributes: Option<FieldKey>,
        #[n(3)]
        body: Option<FieldKey>,
        #[n(4)]
        size: Option<u64>,
    }

    #[test]
    fn a_capsule_of_before_kinds_were_told_opens_and_tells_none() {
        let secret = Secret32::new([5; 32]);
        for size in [Some(5), None] {
            let node = NodeId([2; 16]);
            let (name, attributes, body) = (None, None, None);
            let before = [Before {
                node,
                name,
                attributes,
                body,
                size,
            }];
            let plain = minicbor::to_vec(&before[..]).unwrap();
            let sealed = seal_under(&secret, CAPSULE, &aad(&place(1)), &plain);
            let opened = open_capsule(&secret, &place(1), &sealed).unwrap();
            let [one] = &opened[..] else {
                panic!("one node")
            };
            assert!((one.node, one.size, one.kind) == (node, size, None));
            assert!(seal_capsule(&secret, &place(1), &opened) == sealed);
        }
    }

    #[test]
    fn a_capsule_opens_at_its_place_only() {
        let keys = keys();
        let (node, version) = (NodeId([2; 16]), VersionId([3; 16]));
        let nodes = [NodeKeys {
            node,
            name: Some(field_key(&keys, node, Field::Name, version)),
            attributes: None,
            body: None,
            size: Some(5),
            kind: Some(NodeKind::File),
        }];
        let secret = Secret32::new([5; 32]);
        let sealed = seal_capsule(&secret, &place(1), &nodes);
        assert!(open_capsule(&secret, &place(1), &sealed).unwrap() == nodes);
        assert!(open_capsule(&secret, &place(2), &sealed).is_err());
        assert!(open_capsule(&Secret32::new([6; 32]), &place(1), &sealed).is_err());
        let many = vec![nodes[0].clone(); CAPSULE_NODES + 1];
        let sealed = seal_capsule(&secret, &place(1), &many);
        assert!(open_capsule(&secret, &place(1), &sealed).is_err());
    }
}
