//! Files that somebody puts who has no key of the space: sealed under a secret of their own, and
//! looked at before they become nodes.

use hythe_model::{
    Attributes, Body, EntryName, KeyEpoch, NameError, NodeId, Secret32, SpaceId, UploadId,
    VersionId,
};

use crate::field::{Field, open_field, seal_field};
use crate::keys::{EpochSecret, SpaceKeys};
use crate::layout::{BodyError, FieldRefs, field_refs, load_body};
use crate::seal::{Kind, OpenError};

/// A second has fewer nanoseconds.
const NANOS: u32 = 1_000_000_000;

/// The keys that a file is sealed with on its way: of a secret drawn for it, as if that were the
/// secret of the space's first key epoch.
pub fn parcel_keys(space: SpaceId, secret: Secret32) -> SpaceKeys {
    SpaceKeys::derive(&space, KeyEpoch::FIRST, &EpochSecret::new(secret))
}

/// The sealed fields of a file on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelFields {
    /// The sealed name.
    pub name: Vec<u8>,
    /// The sealed attributes.
    pub attributes: Vec<u8>,
    /// The sealed layout.
    pub body: Vec<u8>,
}

/// A file that was opened and looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelFile {
    /// The name that it is to have.
    pub name: EntryName,
    /// Its attributes.
    pub attributes: Attributes,
    /// The plaintext of its layout.
    pub body: Vec<u8>,
    /// The objects that the layout names.
    pub refs: FieldRefs,
}

/// Why a file on its way is none.
#[derive(Debug, thiserror::Error)]
pub enum ParcelError {
    /// A field is not sealed under the secret.
    #[error("it was sealed for something else")]
    Sealed(#[from] OpenError),
    /// The name can be none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The attributes are none.
    #[error("its attributes are malformed")]
    Attributes,
    /// The layout is none.
    #[error("its layout is malformed")]
    Layout(#[from] BodyError),
    /// It is no file.
    #[error("it is no file")]
    Kind,
}

/// The plaintext of a field of attributes.
pub fn encode_attributes(attributes: Attributes) -> Vec<u8> {
    let mut plain = Vec::new();
    // Writing to a vector cannot fail.
    let written = minicbor::encode(attributes, &mut plain);
    debug_assert!(written.is_ok());
    plain
}

/// Seals the fields of a file on its way.
pub fn seal_parcel(
    keys: &SpaceKeys,
    upload: UploadId,
    name: &EntryName,
    attributes: Attributes,
    body: &[u8],
) -> ParcelFields {
    let encoded = encode_attributes(attributes);
    let (node, version) = called(upload);
    let seal = |field, plain: &[u8]| seal_field(keys, node, field, version, plain);
    ParcelFields {
        name: seal(Field::Name, name.as_bytes()),
        attributes: seal(Field::Attributes, &encoded),
        body: seal(Field::Body, body),
    }
}

/// Opens what [`seal_parcel`] sealed and looks whether it is what it should be: the other side is
/// anybody.
///
/// # Errors
/// See [`ParcelError`].
pub fn open_parcel(
    keys: &SpaceKeys,
    upload: UploadId,
    fields: &ParcelFields,
) -> Result<ParcelFile, ParcelError> {
    let (node, version) = called(upload);
    let open = |field, sealed: &[u8]| open_field(keys, node, field, version, sealed);
    let name = EntryName::new(open(Field::Name, &fields.name)?)?;
    let attributes = read_attributes(&open(Field::Attributes, &fields.attributes)?)?;
    let body = open(Field::Body, &fields.body)?;
    let refs = field_refs(&body)?;
    // Without the nodes of a tree: what the field itself holds tells what it is.
    if let Ok(Body::Link(_)) = load_body(&body, &mut |_| Err(())) {
        return Err(ParcelError::Kind);
    }
    Ok(ParcelFile {
        name,
        attributes,
        body,
        refs,
    })
}

/// Whether every field has the form that sealed spaces write: sealed, and filled up (A31).
pub fn is_filled_up(fields: &ParcelFields) -> bool {
    let all = [&fields.name, &fields.attributes, &fields.body];
    all.iter()
        .all(|sealed| Kind::PaddedField.strip(sealed).is_ok())
}

/// The name, and then the name with a number before its ending: `name (2)` (SC-155). None where
/// that would be no name.
pub fn numbered(name: &EntryName, number: u32) -> Option<EntryName> {
    if number == 1 {
        return Some(name.clone());
    }
    let bytes = name.as_bytes();
    let dot = bytes.iter().rposition(|byte| *byte == b'.');
    let end = dot.filter(|at| *at > 0).unwrap_or(bytes.len());
    let (stem, ending) = bytes.split_at(end);
    let numbered = [stem, format!(" ({number})").as_bytes(), ending].concat();
    EntryName::new(numbered).ok()
}

fn called(upload: UploadId) -> (NodeId, VersionId) {
    (NodeId(upload.0), VersionId(upload.0))
}

fn read_attributes(plain: &[u8]) -> Result<Attributes, ParcelError> {
    let mut decoder = minicbor::Decoder::new(plain);
    let read: Result<Attributes, _> = decoder.decode();
    let attributes = read.map_err(|_| ParcelError::Attributes)?;
    let is_whole = decoder.position() == plain.len();
    if !is_whole || attributes.modified.nanos >= NANOS {
        return Err(ParcelError::Attributes);
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use hythe_model::{Chunker, Layout, LinkTarget, Timestamp};

    use super::*;
    use crate::chunker::class_for;
    use crate::layout::store_body;

    const SPACE: SpaceId = SpaceId([1; 32]);
    const UPLOAD: UploadId = UploadId([2; 16]);

    fn keys() -> SpaceKeys {
        parcel_keys(SPACE, Secret32::new([3; 32]))
    }

    fn name(text: &str) -> EntryName {
        EntryName::new(text.as_bytes().to_vec()).unwrap()
    }

    fn attributes(nanos: u32) -> Attributes {
        let modified = Timestamp { seconds: 5, nanos };
        Attributes {
            executable: true,
            modified,
        }
    }

    fn empty_file() -> Vec<u8> {
        let layout = Layout {
            size: 0,
            chunker: Chunker::Keyed,
            class: class_for(0, None),
            hash: None,
            entries: Vec::new().into(),
        };
        store_body(&keys(), &Body::File(layout)).unwrap().field
    }

    #[test]
    fn what_was_sealed_opens_under_its_secret_and_as_its_upload() {
        for keys in [keys(), keys().padded()] {
            let fields = seal_parcel(&keys, UPLOAD, &name("a"), attributes(7), &empty_file());
            assert_eq!(is_filled_up(&fields), keys.pads());
            let file = open_parcel(&keys, UPLOAD, &fields).unwrap();
            assert_eq!((file.name, file.attributes), (name("a"), attributes(7)));
            assert!(open_parcel(&keys, UploadId([9; 16]), &fields).is_err());
            let other = parcel_keys(SPACE, Secret32::new([4; 32]));
            assert!(open_parcel(&other, UPLOAD, &fields).is_err());
            let other = parcel_keys(SpaceId([2; 32]), Secret32::new([3; 32]));
            assert!(open_parcel(&other, UPLOAD, &fields).is_err());
        }
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let target = LinkTarget::new(b"target".to_vec()).unwrap();
        let link = store_body(&keys(), &Body::Link(target)).unwrap();
        let seal = |attributes, body: &[u8]| {
            let fields = seal_parcel(&keys(), UPLOAD, &name("a"), attributes, body);
            open_parcel(&keys(), UPLOAD, &fields)
        };
        assert!(matches!(
            seal(attributes(1), &link.field),
            Err(ParcelError::Kind)
        ));
        assert!(matches!(
            seal(attributes(NANOS), &empty_file()),
            Err(ParcelError::Attributes)
        ));
        assert!(matches!(
            seal(attributes(1), b"layout"),
            Err(ParcelError::Layout(_))
        ));
        let mut fields = seal_parcel(&keys(), UPLOAD, &name("a"), attributes(1), &empty_file());
        let (node, version) = called(UPLOAD);
        fields.name = seal_field(&keys(), node, Field::Name, version, b"../a");
        assert!(matches!(
            open_parcel(&keys(), UPLOAD, &fields),
            Err(ParcelError::Name(_))
        ));
    }

    #[test]
    fn sc155_a_name_that_is_taken_gets_a_number_before_its_ending() {
        let of = |text: &str, number| {
            let numbered = numbered(&name(text), number).unwrap();
            String::from_utf8(numbered.as_bytes().to_vec()).unwrap()
        };
        assert_eq!(of("a.txt", 1), "a.txt");
        assert_eq!(of("a.txt", 2), "a (2).txt");
        assert_eq!(of("a", 3), "a (3)");
        assert_eq!(of(".hidden", 2), ".hidden (2)");
        assert!(numbered(&name(&"a".repeat(255)), 2).is_none());
    }
}
