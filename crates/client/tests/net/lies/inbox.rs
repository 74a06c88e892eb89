//! Lies about inboxes: to those who put files into a space that they cannot read, and to those who
//! take them in. The key of an inbox is public, so anybody can seal to it (A10).

use std::io::Write;
use std::os::fd::OwnedFd;

use hythe_client::commit::found_space;
use hythe_client::inbox::{DropError, Introduction, TakeError, Unfit, send};
use hythe_client::link::{NewLink, Visit, VisitError};
use hythe_client::replica::Replica;
use hythe_content::{parcel_keys, seal_parcel};
use hythe_model::{
    AccountId, KeyEpoch, LinkKind, NodeId, NodeKind, Role, Secret32, SpaceId, SpaceName, UploadId,
};
use hythe_space::inbox::{InboxCard, Parcel, SignedCard, Taker};
use hythe_space::{Entropy, KemSecret, LinkGrant, SigningKey, Via};
use hythe_wire::inbox::{InboxCardReply, WaitingParcel};
use hythe_wire::link::{CreateLinkRequest, LinkInfo};
use hythe_wire::link_url::{LinkUrl, verifier};
use hythe_wire::{IdentityKey, Message, routes};

use crate::proxy::Proxy;
use crate::rig::{Device, attributes, create, find, list, name, names, now_ms};

/// A sealed space with a link to put files through, and a second one of the same owner's.
struct Scene {
    proxy: Proxy,
    giver: Device,
    replica: Replica,
    other: Replica,
    url: LinkUrl,
}

async fn space(owner: &Device, called: &str, sealed: bool) -> Replica {
    let called = SpaceName::new(called).unwrap();
    let made = found_space(&owner.common, &called, sealed, None).await;
    let replica = Replica::open(owner.common.clone(), made.unwrap()).await;
    let replica = replica.unwrap();
    let _ = replica.catch_up().await.unwrap();
    replica.tell_card().await.unwrap();
    replica
}

async fn scene() -> Scene {
    let proxy = Proxy::start().await;
    let giver = proxy.account("ada").await;
    let (replica, other) = (
        space(&giver, "letters", true).await,
        space(&giver, "others", true).await,
    );
    let folder = create(NodeId::ROOT, "in", NodeKind::Directory, None);
    replica.commit(vec![folder], Vec::new()).await.unwrap();
    let node = find(&giver, &replica, "in").id;
    let url = give(&proxy, &giver, replica.space(), node).await;
    Scene {
        proxy,
        giver,
        replica,
        other,
        url,
    }
}

/// Gives out a link to put files through, by way of the liar.
async fn give(proxy: &Proxy, giver: &Device, space: SpaceId, node: NodeId) -> LinkUrl {
    let drawn = NewLink::draw(None).unwrap();
    let identity = IdentityKey(giver.keys.server.identity);
    let mut url = drawn.url(proxy.url(), identity, giver.keys.device);
    let keys = url.secret.keys(url.link, None).unwrap();
    let grant = LinkGrant {
        suite: 0,
        space,
        link: url.link,
        node,
        kind: LinkKind::Upload,
        key: KemSecret::from_seed(keys.seed).public().unwrap(),
        password: false,
        expires_ms: None,
        downloads: None,
        time_ms: now_ms(),
        uploads: Some(SigningKey::from_seed(&keys.uploads).public()),
    };
    let signed = grant.sign(&SigningKey::from_seed(&giver.keys.signing));
    let request = CreateLinkRequest {
        grant: signed.encode().into(),
        verifier: verifier(&keys.token),
    };
    let made = giver.common.api.create_link(space, &request).await.unwrap();
    url.maker = made.maker;
    url
}

fn content(text: &str) -> OwnedFd {
    use std::io::Seek;
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    file.into()
}

fn card(space: SpaceId, n: u8) -> InboxCard {
    let key = KemSecret::from_seed(Secret32::new([n; 32]));
    InboxCard {
        suite: 0,
        space,
        taker: Taker::Members {
            epoch: KeyEpoch(9),
            key: key.public().unwrap(),
        },
        time_ms: now_ms(),
    }
}

impl Scene {
    /// Puts a file through the link, honestly.
    async fn put(&self, called: &str) {
        let visit = Visit::open(&self.url, None).await.unwrap();
        let called = name(called);
        let content = content("content");
        let sent = visit.send(&called, attributes(), content).await;
        sent.unwrap();
    }

    /// Shows whoever opens the link another card, and sees that nothing is sent.
    async fn refused_with(&self, what: &str, card: Option<Vec<u8>>) {
        let asked = routes::link(self.url.link);
        self.proxy.lie(move |path, bytes| {
            if path != asked {
                return bytes;
            }
            let mut info = LinkInfo::from_cbor(&bytes).unwrap();
            info.card = card.clone().map(Into::into);
            info.to_cbor()
        });
        self.proxy.record();
        let visit = Visit::open(&self.url, None).await.unwrap();
        let called = name("secret");
        let sent = visit.send(&called, attributes(), content("secret"));
        match sent.await {
            Err(VisitError::Forged(_)) => {}
            other => panic!("{what}: {other:?}"),
        }
        let sends = |path: &str| path.ends_with("/packs") || path.ends_with("/files");
        let recorded = self.proxy.recorded();
        assert!(!recorded.iter().any(|one| sends(&one.path)), "{what}");
        self.proxy.be_honest();
    }

    async fn waiting(&self) -> Vec<WaitingParcel> {
        let page = self.giver.common.api.inbox(self.replica.space()).await;
        page.unwrap().parcels
    }

    /// That a file is not taken in, and why.
    async fn unfit(&self, what: &str, parcel: &WaitingParcel) -> Unfit {
        let taken = self.replica.take_in(parcel, drop).await;
        assert_eq!(self.names(NodeId::ROOT), ["in"], "{what} became a file");
        match taken {
            Err(TakeError::Unfit(unfit)) => unfit,
            other => panic!("{what}: {other:?}"),
        }
    }

    fn names(&self, parent: NodeId) -> Vec<String> {
        names(&list(&self.giver, &self.replica, parent))
    }
}

#[tokio::test]
async fn a2_whoever_puts_through_a_link_seals_only_to_whom_its_maker_names() {
    let scene = scene().await;
    let (space, maker) = (scene.replica.space(), &scene.giver.keys);
    let eve = SigningKey::from_seed(&Secret32::new([6; 32]));
    let forged = card(space, 6).sign(&eve).encode();
    scene
        .refused_with("somebody else's card", Some(forged))
        .await;
    // The maker's own, of another space.
    let cards = scene
        .giver
        .common
        .api
        .inbox_cards(scene.other.space())
        .await;
    let others = cards.unwrap().cards[0].card.to_vec();
    scene
        .refused_with("another space's card", Some(others))
        .await;
    let own = SigningKey::from_seed(&maker.signing);
    let truth = card(space, 7).sign(&own).encode();
    for place in [3, truth.len() / 2, truth.len() - 3] {
        let mut changed = truth.clone();
        changed[place] ^= 4;
        scene.refused_with("a changed card", Some(changed)).await;
    }
    // As if the space were open: the maker is no device of the server's.
    scene.refused_with("no card", None).await;
    let open = InboxCard {
        taker: Taker::Server {
            account: AccountId([1; 32]),
        },
        ..card(space, 7)
    };
    let open = open.sign(&own).encode();
    scene
        .refused_with("a card of an open space", Some(open))
        .await;
    scene.put("honest").await;
}

#[tokio::test]
async fn a10_what_a_server_plants_swaps_or_plays_again_is_not_taken_in() {
    let scene = scene().await;
    for called in ["one", "two"] {
        scene.put(called).await;
    }
    let [one, two] = <[_; 2]>::try_from(scene.waiting().await).ok().unwrap();
    let swapped = WaitingParcel {
        body: two.body.clone(),
        ..one.clone()
    };
    let of = scene.unfit("a swapped layout", &swapped).await;
    assert!(matches!(of, Unfit::Signature), "{of}");
    let again = WaitingParcel {
        upload: UploadId([8; 16]),
        ..one.clone()
    };
    let of = scene.unfit("a file played again", &again).await;
    assert!(matches!(of, Unfit::Signature), "{of}");
    let member = WaitingParcel {
        link: None,
        ..one.clone()
    };
    let of = scene.unfit("a guest's file as a member's", &member).await;
    assert!(matches!(of, Unfit::Sender), "{of}");
    let epoch = WaitingParcel {
        epoch: 2,
        ..one.clone()
    };
    let of = scene.unfit("another key epoch", &epoch).await;
    assert!(matches!(of, Unfit::Signature), "{of}");
    // Another link of the same giver's, into another directory.
    let elsewhere = give(
        &scene.proxy,
        &scene.giver,
        scene.replica.space(),
        NodeId::ROOT,
    )
    .await;
    let visit = Visit::open(&elsewhere, None).await.unwrap();
    let called = name("three");
    let sent = visit.send(&called, attributes(), content("three")).await;
    sent.unwrap();
    let three = scene.waiting().await.pop().unwrap();
    let moved = WaitingParcel {
        link: three.link.clone(),
        ..one.clone()
    };
    let of = scene.unfit("a file through another link", &moved).await;
    assert!(matches!(of, Unfit::Signature), "{of}");
    let mut granted = three.link.clone().unwrap();
    granted.device = hythe_model::DeviceId([4; 32]);
    let unknown = WaitingParcel {
        link: Some(granted),
        ..three.clone()
    };
    let of = scene.unfit("a link of nobody's", &unknown).await;
    assert!(matches!(of, Unfit::Link), "{of}");
    // All that is needed to seal a file is public.
    let of = scene
        .unfit("what the server planted", &planted(&scene, &one))
        .await;
    assert!(matches!(of, Unfit::Signature), "{of}");

    for parcel in [&one, &two, &three, &one] {
        scene.replica.take_in(parcel, drop).await.unwrap();
    }
    assert_eq!(scene.names(NodeId::ROOT), ["in", "three"]);
    let folder = find(&scene.giver, &scene.replica, "in").id;
    assert_eq!(scene.names(folder), ["one", "two"]);
    assert!(scene.waiting().await.is_empty());
}

/// What a server seals to the inbox's key, and signs with a key of its own.
fn planted(scene: &Scene, like: &WaitingParcel) -> WaitingParcel {
    let space = scene.replica.space();
    let mut entropy = Entropy::from_seed(&[7; 32]);
    let (secret, upload) = (entropy.secret(), UploadId([5; 16]));
    let via = Via::Link(like.link.as_ref().unwrap().link);
    let fields = seal_parcel(
        &parcel_keys(space, secret.clone()).padded(),
        upload,
        &name("planted"),
        attributes(),
        b"planted",
    );
    let mut parcel = Parcel {
        space,
        number: like.epoch,
        via,
        upload,
        wrapped: &[],
        name: &fields.name,
        attributes: &fields.attributes,
        body: &fields.body,
        size: 7,
    };
    let key = KemSecret::from_seed(Secret32::new([1; 32]))
        .public()
        .unwrap();
    let wrapped = key.wrap(&parcel.purpose(), &secret, &mut entropy).unwrap();
    let wrapped = minicbor::to_vec(&wrapped).unwrap();
    parcel.wrapped = &wrapped;
    let signature = parcel.sign(&SigningKey::from_seed(&Secret32::new([6; 32])));
    WaitingParcel {
        upload,
        size: 7,
        signature: signature.encode().into(),
        wrapped: wrapped.clone().into(),
        name: fields.name.clone().into(),
        attributes: fields.attributes.clone().into(),
        body: fields.body.clone().into(),
        ..like.clone()
    }
}

#[tokio::test]
async fn of_two_devices_that_take_a_file_in_at_once_one_makes_it_a_file() {
    let scene = scene().await;
    let second = scene.giver.add().await;
    let there = Replica::open(second.common.clone(), scene.replica.space()).await;
    let there = there.unwrap();
    let _ = there.catch_up().await.unwrap();
    scene.put("one").await;
    let parcels = scene.waiting().await;
    // The second has not heard of what the first does.
    scene.replica.take_in(&parcels[0], drop).await.unwrap();
    there.take_in(&parcels[0], drop).await.unwrap();
    let _ = scene.replica.catch_up().await.unwrap();
    assert_eq!(scene.replica.digest().await, there.digest().await);
    let folder = find(&second, &there, "in").id;
    assert_eq!(names(&list(&second, &there, folder)), ["one"]);
}

#[tokio::test]
async fn a2_a30_a_member_that_may_only_put_seals_only_to_whom_its_inviter_names() {
    for sealed in [true, false] {
        let proxy = Proxy::start().await;
        let (ada, bob) = (proxy.account("ada").await, proxy.account("bob").await);
        let replica = space(&ada, "letters", sealed).await;
        let shared = replica.share(bob.keys.account, Role::Drop).await;
        let _ = shared.unwrap();
        let bob = proxy.behind(bob);
        let id = replica.space();
        bob.common.api.answer_invitation(id, true).await.unwrap();
        let known = Introduction {
            by: ada.keys.account,
            name: None,
        };
        known.keep(&bob.common.state, id).await.unwrap();
        // The server's own word, in its own name and in that of the inviter, whom it signs for as well
        // as it can; a card of who is no inviter; none.
        let eve = SigningKey::from_seed(&Secret32::new([6; 32]));
        let forged = card(id, 6).sign(&eve);
        let own = card(id, 6).sign(&SigningKey::from_seed(&bob.keys.signing));
        let by = ada.keys.account;
        let lies: Vec<(AccountId, Option<SignedCard>)> = vec![
            (by, Some(forged.clone())),
            (by, Some(own.clone())),
            (bob.keys.account, Some(own)),
            (AccountId([3; 32]), Some(forged)),
            (by, None),
        ];
        for (account, signed) in lies {
            lie_of_card(&proxy, id, account, signed);
            proxy.record();
            let refused = put(&bob, id, "secret").await.unwrap_err();
            let told = matches!(refused, DropError::Forged | DropError::Untold);
            assert!(told, "{refused:?}");
            let sends = |path: &str| path.ends_with("/packs") || path.ends_with("/inbox");
            assert!(!proxy.recorded().iter().any(|one| sends(&one.path)));
        }
        proxy.be_honest();
        put(&bob, id, "honest").await.unwrap();
        if sealed {
            let page = ada.common.api.inbox(id).await.unwrap();
            let parcel = &page.parcels[0];
            replica.take_in(parcel, drop).await.unwrap();
            let mut other = parcel.clone();
            other.account = ada.keys.account;
            other.upload = UploadId([2; 16]);
            let taken = replica.take_in(&other, drop).await;
            assert!(matches!(taken, Err(TakeError::Unfit(Unfit::Sender))));
        }
        let _ = replica.catch_up().await.unwrap();
        assert_eq!(names(&list(&ada, &replica, NodeId::ROOT)), ["honest"]);
    }
}

/// Puts a file as a member.
async fn put(bob: &Device, space: SpaceId, called: &str) -> Result<u64, DropError> {
    let (name, content) = (name(called), content(called));
    send(&bob.common, space, &name, attributes(), content).await
}

/// Shows one card only, as if it were of a device of an account's; or none.
fn lie_of_card(proxy: &Proxy, space: SpaceId, account: AccountId, signed: Option<SignedCard>) {
    let asked = routes::space_inbox_card(space);
    proxy.lie(move |path, bytes| {
        if path != asked {
            return bytes;
        }
        let mut reply = InboxCardReply::from_cbor(&bytes).unwrap();
        let mut card = reply.cards.remove(0);
        card.account = account;
        reply.cards.clear();
        if let Some(signed) = &signed {
            card.card = signed.encode().into();
            reply.cards.push(card);
        }
        reply.to_cbor()
    });
}
