//! Cards of inboxes, signatures of what is put, and what is in it: any bytes, and true ones of which some
//! were changed. What was changed is nobody's word, and opens to no file.
#![no_main]

use std::sync::LazyLock;

use hythe_content::{ParcelFields, SpaceKeys, open_parcel, parcel_keys, seal_parcel};
use hythe_model::{
    Attributes, Body, Chunker, EntryName, KeyEpoch, Layout, LinkId, Secret32, SpaceId, UploadId,
};
use hythe_space::inbox::{InboxCard, Parcel, ParcelSignature, SignedCard, Taker};
use hythe_space::{SigningKey, Via, inbox_key};
use libfuzzer_sys::fuzz_target;

const SPACE: SpaceId = SpaceId([1; 32]);
const UPLOAD: UploadId = UploadId([2; 16]);

/// A card and a file as they were made.
struct Scene {
    keys: SpaceKeys,
    signing: SigningKey,
    card: Vec<u8>,
    fields: ParcelFields,
    signature: Vec<u8>,
}

static SCENE: LazyLock<Option<Scene>> = LazyLock::new(|| {
    let signing = SigningKey::from_seed(&Secret32::new([1; 32]));
    let secret = Secret32::new([9; 32]);
    let key = inbox_key(SPACE, KeyEpoch::FIRST, &secret).public().ok()?;
    let epoch = KeyEpoch::FIRST;
    let card = InboxCard {
        suite: 0,
        space: SPACE,
        taker: Taker::Members { epoch, key },
        time_ms: 4,
    };
    let keys = parcel_keys(SPACE, secret).padded();
    let layout = Layout {
        size: 0,
        chunker: Chunker::Keyed,
        class: hythe_content::class_for(0, None),
        hash: None,
        entries: Vec::new().into(),
    };
    let body = hythe_content::store_body(&keys, &Body::File(layout)).ok()?;
    let name = EntryName::new(b"name".to_vec()).ok()?;
    let fields = seal_parcel(&keys, UPLOAD, &name, Attributes::default(), &body.field);
    let signature = parcel(&fields).sign(&signing).encode();
    Some(Scene {
        card: card.sign(&signing).encode(),
        keys,
        signing,
        fields,
        signature,
    })
});

fn parcel(fields: &ParcelFields) -> Parcel<'_> {
    Parcel {
        space: SPACE,
        number: 1,
        via: Via::Link(LinkId([3; 16])),
        upload: UPLOAD,
        wrapped: b"wrapped",
        name: &fields.name,
        attributes: &fields.attributes,
        body: &fields.body,
        size: 0,
    }
}

/// True bytes with some changed: three bytes of input say where and how, each.
fn changed(truth: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = truth.to_vec();
    for edit in edits.chunks_exact(3) {
        let place = usize::from(edit[0]) * 256 + usize::from(edit[1]);
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= edit[2];
        }
    }
    bytes
}

fuzz_target!(|data: &[u8]| {
    let Some(scene) = SCENE.as_ref() else { return };
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let bytes = |truth: &[u8]| match kind & 4 {
        0 => changed(truth, rest),
        _ => rest.to_vec(),
    };
    match kind & 3 {
        0 => {
            let bytes = bytes(&scene.card);
            let Ok(read) = SignedCard::decode(&bytes) else {
                return;
            };
            assert_eq!(read.encode(), bytes);
            let believed = read.by(scene.signing.device_id(), SPACE).is_ok();
            assert_eq!(believed, bytes == scene.card);
        }
        1 => {
            let bytes = bytes(&scene.signature);
            let Ok(read) = ParcelSignature::decode(&bytes) else {
                return;
            };
            assert_eq!(read.encode(), bytes);
            let own = read.author() == scene.signing.public();
            let believed = own && read.check(&parcel(&scene.fields)).is_ok();
            assert_eq!(believed, bytes == scene.signature);
        }
        2 => {
            let fields = ParcelFields {
                name: bytes(&scene.fields.name),
                ..scene.fields.clone()
            };
            let opened = open_parcel(&scene.keys, UPLOAD, &fields).is_ok();
            assert_eq!(opened, fields == scene.fields);
        }
        _ => {
            // What is inside is its author's, who may be anybody: it is sealed as it should be.
            let Ok(name) = EntryName::new(b"name".to_vec()) else {
                return;
            };
            let attributes = Attributes::default();
            let fields = seal_parcel(&scene.keys, UPLOAD, &name, attributes, rest);
            if let Ok(file) = open_parcel(&scene.keys, UPLOAD, &fields) {
                assert_eq!(file.body, rest);
            }
        }
    }
});
