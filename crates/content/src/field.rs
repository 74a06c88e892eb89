//! The sealed fields of a node: name, attributes, body.

use hythe_model::{KeyEpoch, NodeId, Secret32, SpaceId, VersionId};
use minicbor::{Decode, Encode};

use crate::keys::SpaceKeys;
use crate::padding;
use crate::seal::{self, HEAD_BYTES, Kind, OVERHEAD, OpenError};

/// Which field of a node; each is sealed by itself, so that one can be shown or purged alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The node's name below its parent.
    Name,
    /// Its attributes.
    Attributes,
    /// Its content: a layout or a link text.
    Body,
}

impl Field {
    const fn byte(self) -> u8 {
        match self {
            Self::Name => 1,
            Self::Attributes => 2,
            Self::Body => 3,
        }
    }
}

/// Seals one written state of a field. `version` is the version id that state was given.
pub fn seal_field(
    keys: &SpaceKeys,
    node: NodeId,
    field: Field,
    version: VersionId,
    plain: &[u8],
) -> Vec<u8> {
    if !keys.padded {
        return seal_as(Kind::Field, keys, node, field, version, plain);
    }
    let filled = match field {
        Field::Name | Field::Attributes => padding::fill_small(plain),
        Field::Body => padding::fill_large(plain),
    };
    seal_as(Kind::PaddedField, keys, node, field, version, &filled)
}

fn seal_as(
    kind: Kind,
    keys: &SpaceKeys,
    node: NodeId,
    field: Field,
    version: VersionId,
    plain: &[u8],
) -> Vec<u8> {
    let mut out = Vec::with_capacity(OVERHEAD + plain.len());
    out.extend_from_slice(&kind.head());
    let aad = authenticated(kind, (keys.space(), keys.epoch()), node, field, version);
    let secret = secret(keys, node, field, version);
    seal::seal_small(kind, &secret, &aad, plain, &mut out);
    out
}

/// Opens a field sealed by [`seal_field`] for the same node, field, version, space and key epoch,
/// filled up or not.
///
/// # Errors
/// When it is anything else, or was changed.
pub fn open_field(
    keys: &SpaceKeys,
    node: NodeId,
    field: Field,
    version: VersionId,
    sealed: &[u8],
) -> Result<Vec<u8>, OpenError> {
    field_key(keys, node, field, version).open(keys.space(), node, field, sealed)
}

/// What opens one written state of one field, and nothing else: for whoever may see a node and not
/// the space.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct FieldKey {
    /// The version.
    #[n(0)]
    pub version: VersionId,
    /// The key epoch it is sealed under.
    #[n(1)]
    pub epoch: KeyEpoch,
    #[n(2)]
    secret: Secret32,
}

/// The key of one written state of a field.
pub fn field_key(keys: &SpaceKeys, node: NodeId, field: Field, version: VersionId) -> FieldKey {
    FieldKey {
        version,
        epoch: keys.epoch(),
        secret: secret(keys, node, field, version),
    }
}

impl FieldKey {
    /// Opens the field, as [`open_field`] does with the keys of the space.
    ///
    /// # Errors
    /// As [`open_field`].
    pub fn open(
        &self,
        space: SpaceId,
        node: NodeId,
        field: Field,
        sealed: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        let (kind, rest) = match Kind::PaddedField.strip(sealed) {
            Ok(rest) => (Kind::PaddedField, rest),
            Err(_) => (Kind::Field, Kind::Field.strip(sealed)?),
        };
        let aad = authenticated(kind, (space, self.epoch), node, field, self.version);
        let mut plain = seal::open_small(kind, &self.secret, &aad, rest)?;
        if kind == Kind::PaddedField && !padding::strip(&mut plain) {
            return Err(OpenError::Length);
        }
        Ok(plain)
    }
}

/// The secret of exactly this state of this field.
fn secret(keys: &SpaceKeys, node: NodeId, field: Field, version: VersionId) -> Secret32 {
    let mut hasher = blake3::Hasher::new_keyed(keys.fields.expose());
    hasher.update(&[field.byte()]);
    hasher.update(node.as_bytes());
    hasher.update(version.as_bytes());
    Secret32::new(*hasher.finalize().as_bytes())
}

fn authenticated(
    kind: Kind,
    (space, epoch): (SpaceId, KeyEpoch),
    node: NodeId,
    field: Field,
    version: VersionId,
) -> Vec<u8> {
    let mut aad = Vec::with_capacity(HEAD_BYTES + 1 + 32 + 4 + 16 + 16);
    aad.extend_from_slice(&kind.head());
    aad.push(field.byte());
    aad.extend_from_slice(space.as_bytes());
    aad.extend_from_slice(&epoch.0.to_be_bytes());
    aad.extend_from_slice(node.as_bytes());
    aad.extend_from_slice(version.as_bytes());
    aad
}
