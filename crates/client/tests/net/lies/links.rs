//! Lies to whoever opens a link. Everybody may know the key that a link's capsules are sealed to; only
//! the device that its address names may make them.

use bytes::Bytes;
use hythe_client::link::{NewLink, Visit, VisitError};
use hythe_model::{LinkId, LinkKind, NodeId, NodeKind, Secret32};
use hythe_space::{CapsuleSeal, Entropy, KemPublic, KemSecret, LinkGrant, SigningKey};
use hythe_wire::link::{CreateLinkRequest, LinkCapsule, LinkInfo};
use hythe_wire::link_url::{LinkUrl, verifier};
use hythe_wire::{IdentityKey, Message, routes};

use crate::proxy::Proxy;
use crate::rig::{Device, create, find, now_ms};

/// A directory that a link was given out to, and what the server knows of the link.
struct Scene {
    proxy: Proxy,
    url: LinkUrl,
    public: KemPublic,
    _giver: Device,
}

async fn scene() -> (Scene, LinkUrl) {
    let proxy = Proxy::start().await;
    let giver = proxy.account("ada").await;
    let home = giver.home().await;
    let folder = |called| create(NodeId::ROOT, called, NodeKind::Directory, None);
    let edits = vec![folder("shown"), folder("hidden")];
    home.commit(edits, Vec::new()).await.unwrap();
    let mut given = Vec::new();
    for called in ["shown", "hidden"] {
        let node = find(&giver, &home, called).id;
        given.push(give(&proxy, &giver, home.space(), node).await);
    }
    let [(url, public), (other, _)] = <[_; 2]>::try_from(given).ok().unwrap();
    let scene = Scene {
        proxy,
        url,
        public,
        _giver: giver,
    };
    (scene, other)
}

/// Gives out a link by way of the liar.
async fn give(
    proxy: &Proxy,
    giver: &Device,
    space: hythe_model::SpaceId,
    node: NodeId,
) -> (LinkUrl, KemPublic) {
    let drawn = NewLink::draw(None).unwrap();
    let identity = IdentityKey(giver.keys.server.identity);
    let mut url = drawn.url(proxy.url(), identity, giver.keys.device);
    let keys = url.secret.keys(url.link, None).unwrap();
    let key = KemSecret::from_seed(keys.seed).public().unwrap();
    let grant = LinkGrant {
        suite: 0,
        space,
        link: url.link,
        node,
        kind: LinkKind::Download,
        key: key.clone(),
        password: false,
        expires_ms: None,
        downloads: None,
        time_ms: now_ms(),
        uploads: None,
    };
    let signed = grant.sign(&SigningKey::from_seed(&giver.keys.signing));
    let request = CreateLinkRequest {
        grant: signed.encode().into(),
        verifier: verifier(&keys.token),
    };
    let made = giver.common.api.create_link(space, &request).await.unwrap();
    url.maker = made.maker;
    (url, key)
}

impl Scene {
    /// Changes what the server says of the link.
    fn lie(&self, mut change: impl FnMut(&mut LinkInfo) + Send + 'static) {
        let asked = routes::link(self.url.link);
        self.proxy.lie(move |path, bytes| {
            if path != asked {
                return bytes;
            }
            let mut info = LinkInfo::from_cbor(&bytes).unwrap();
            change(&mut info);
            info.to_cbor()
        });
    }

    /// That nothing is opened, and that this is said to be a lie.
    async fn refused(&self, what: &str) {
        match Visit::open(&self.url, None).await {
            Err(VisitError::Forged(_)) => {}
            Err(other) => panic!("{what}: {other}"),
            Ok(_) => panic!("{what} was believed"),
        }
    }
}

/// What the server answers about a link.
async fn info_of(proxy: &Proxy, link: LinkId) -> LinkInfo {
    let recorded = proxy.recorded();
    let asked = routes::link(link);
    let one = recorded.iter().find(|one| one.path == asked).unwrap();
    LinkInfo::from_cbor(&one.answer).unwrap()
}

fn capsule(info: &mut LinkInfo) -> &mut LinkCapsule {
    info.capsule.as_mut().unwrap()
}

fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = bytes.len() * place / 40;
    bytes[at] ^= 4;
    bytes
}

#[tokio::test]
async fn a10_what_a_node_is_its_maker_says() {
    let (scene, _) = scene().await;
    for kind in [NodeKind::File, NodeKind::Symlink, NodeKind::Attachment] {
        scene.lie(move |info| info.node.as_mut().unwrap().kind = kind);
        scene.refused("another kind of node").await;
    }
    scene.lie(|info| info.node.as_mut().unwrap().kind = NodeKind::Directory);
    assert!(Visit::open(&scene.url, None).await.is_ok());
}

#[tokio::test]
async fn a5_a6_a10_what_a_link_shows_is_its_makers_and_unchanged() {
    let (scene, other) = scene().await;
    scene.proxy.record();
    assert!(Visit::open(&scene.url, None).await.is_ok());
    assert!(Visit::open(&other, None).await.is_ok());
    let others = info_of(&scene.proxy, other.link).await.capsule.unwrap();

    for place in 0..40 {
        scene.lie(move |info| {
            let capsule = capsule(info);
            capsule.seal = flipped(&capsule.seal, place).into();
        });
        scene.refused("a changed envelope").await;
        scene.lie(move |info| {
            let capsule = capsule(info);
            capsule.sealed = flipped(&capsule.sealed, place).into();
        });
        scene.refused("a changed capsule").await;
    }
    scene.lie(move |info| info.capsule = Some(others.clone()));
    scene.refused("another link's capsule").await;
    scene.lie(|info| info.capsule = None);
    scene.refused("a node without keys").await;

    // Whoever may see the link's public key can seal to it, and sign with a key of its own.
    let (link, public) = (scene.url.link, scene.public.clone());
    let eve = SigningKey::from_seed(&Secret32::new([6; 32]));
    scene.lie(move |info| {
        let capsule = capsule(info);
        let mut entropy = Entropy::from_seed(&[7; 32]);
        let secret = entropy.secret();
        let sealed: &Bytes = &capsule.sealed.to_vec().into();
        let made = CapsuleSeal::make(link, &public, &secret, sealed, &eve, &mut entropy);
        capsule.seal = made.unwrap().encode().into();
    });
    scene.refused("somebody else's capsule").await;
    scene.proxy.be_honest();
    assert!(Visit::open(&scene.url, None).await.is_ok());
}
