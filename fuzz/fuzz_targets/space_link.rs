//! The grant of a link and the envelope of what it shows: any bytes, and true ones of which some were
//! changed. What was changed is nobody's word and opens for nobody.
#![no_main]

use std::sync::LazyLock;

use hythe_model::{DeviceId, LinkId, LinkKind, NodeId, Secret32, SpaceId};
use hythe_space::link::{CapsuleSeal, LinkGrant, SignedGrant};
use hythe_space::{Entropy, KemSecret, SigningKey};
use libfuzzer_sys::fuzz_target;

const LINK: LinkId = LinkId([2; 16]);

/// A link as its maker gave it out.
struct Scene {
    maker: DeviceId,
    key: KemSecret,
    grant: Vec<u8>,
    seal: Vec<u8>,
}

static SCENE: LazyLock<Option<Scene>> = LazyLock::new(|| {
    let maker = SigningKey::from_seed(&Secret32::new([1; 32]));
    let key = KemSecret::from_seed(Secret32::new([9; 32]));
    let public = key.public().ok()?;
    let (secret, mut entropy) = (Secret32::new([8; 32]), Entropy::from_seed(&[3; 32]));
    let seal = CapsuleSeal::make(LINK, &public, &secret, b"sealed", &maker, &mut entropy).ok()?;
    let grant = LinkGrant {
        suite: 0,
        space: SpaceId([1; 32]),
        link: LINK,
        node: NodeId([3; 16]),
        kind: LinkKind::Download,
        key: public,
        password: false,
        expires_ms: Some(5),
        downloads: Some(6),
        time_ms: 4,
        uploads: None,
    };
    Some(Scene {
        maker: maker.device_id(),
        key,
        grant: grant.sign(&maker).encode(),
        seal: seal.encode(),
    })
});

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
    let raw = kind & 2 != 0;
    if kind & 1 == 0 {
        let bytes = if raw {
            rest.to_vec()
        } else {
            changed(&scene.grant, rest)
        };
        let Ok(read) = SignedGrant::decode(&bytes) else {
            return;
        };
        assert_eq!(read.encode(), bytes);
        assert_eq!(read.by(scene.maker).is_ok(), bytes == scene.grant);
    } else {
        let bytes = if raw {
            rest.to_vec()
        } else {
            changed(&scene.seal, rest)
        };
        let Ok(read) = CapsuleSeal::decode(&bytes) else {
            return;
        };
        assert_eq!(read.encode(), bytes);
        let opened = read.open(LINK, &scene.key, scene.maker, b"sealed");
        assert_eq!(opened.is_ok(), bytes == scene.seal);
    }
});
