//! Lies that devices find out by telling each other what they were shown (A17, A18, A32).

use hythe_client::commit::found_space;
use hythe_client::enrol;
use hythe_client::replica::{Alarm, Contradiction, Lie, Replica};
use hythe_model::{Cursor, Head, NodeId, NodeKind, Role, ServerEpoch, SpaceId, SpaceName};
use hythe_space::chain::head_next;
use hythe_space::{ChangeSet, Sighting, SignedSighting, SigningKey, Told};
use hythe_wire::Message;
use hythe_wire::log::LogFrame;
use hythe_wire::routes;
use hythe_wire::sighting::SightingsReply;

use super::alarm;
use crate::proxy::{Proxy, reframe, unframe};
use crate::rig::{Device, create, list, names, now_ms, put};

/// A sealed space of ada's with bob in it. What bob's device hears goes through the liar.
pub(super) struct Scene {
    pub(super) proxy: Proxy,
    ada: Device,
    pub(super) hers: Replica,
    pub(super) bob: Device,
    pub(super) his: Replica,
}

async fn opened(device: &Device, space: SpaceId) -> Replica {
    let replica = Replica::open(device.common.clone(), space).await.unwrap();
    let _ = replica.catch_up().await.unwrap();
    let epoch = device.common.api.server().await.unwrap().epoch;
    replica.set_epoch(epoch).await.unwrap();
    replica
}

pub(super) async fn scene() -> Scene {
    let proxy = Proxy::start().await;
    let ada = proxy.account("ada").await;
    let called = SpaceName::new("letters").unwrap();
    let space = found_space(&ada.common, &called, true, None).await.unwrap();
    let hers = opened(&ada, space).await;
    put(&hers, "one", b"one".to_vec()).await.unwrap();
    let bob = proxy.account("bob").await;
    let _ = hers.share(bob.keys.account, Role::Editor).await.unwrap();
    bob.common.api.answer_invitation(space, true).await.unwrap();
    let bob = proxy.behind(bob);
    let his = opened(&bob, space).await;
    Scene {
        proxy,
        ada,
        hers,
        bob,
        his,
    }
}

fn contradiction(raised: Alarm) -> Contradiction {
    match raised {
        Alarm::Contradicted(what) => what,
        other => panic!("{other}"),
    }
}

impl Scene {
    /// The server's answers to bob say that the log ends at `head`.
    pub(super) fn end_at(&self, head: Head) {
        let changes = format!("{}?", routes::space_changes(self.hers.space()));
        self.proxy.lie(move |path, bytes| {
            if !path.starts_with(&changes) {
                return bytes;
            }
            let mut frames: Vec<LogFrame> = unframe(&bytes);
            frames.retain(|frame| match frame {
                LogFrame::Entry(entry) => entry.head.cursor <= head.cursor,
                LogFrame::End { .. } => false,
            });
            frames.push(LogFrame::End { head });
            reframe(&frames)
        });
    }

    /// Bob hears of others what the test says, and only that.
    fn say(&self, said: Vec<SignedSighting>) {
        self.proxy.lie(move |path, bytes| {
            if !path.ends_with("/sightings") {
                return bytes;
            }
            let mut reply = SightingsReply::from_cbor(&bytes).unwrap();
            reply.sightings = said.iter().map(|one| one.encode().into()).collect();
            reply.to_cbor()
        });
    }

    /// What ada's device would say of some head.
    async fn of_ada(&self, head: Head) -> Sighting {
        Sighting {
            suite: 1,
            space: self.hers.space(),
            head,
            epoch: self.ada.common.api.server().await.unwrap().epoch,
            account: self.ada.keys.account,
            device: self.ada.keys.device,
            time_ms: now_ms(),
        }
    }

    fn signed_by(device: &Device, said: Sighting) -> SignedSighting {
        said.sign(&SigningKey::from_seed(&device.keys.signing))
    }

    /// That bob believes the truth, once he is shown it.
    async fn assert_unharmed(self) {
        self.proxy.be_honest();
        let _ = self.his.exchange_sightings().await.unwrap();
        let _ = self.his.catch_up().await.unwrap();
        assert_eq!(self.his.digest().await, self.hers.digest().await);
    }
}

#[tokio::test]
async fn a17_what_the_server_holds_back_is_missed_once_another_device_spoke() {
    let scene = scene().await;
    let before = scene.his.head().await;
    for called in ["two", "three"] {
        put(&scene.hers, called, called.into()).await.unwrap();
    }
    let _ = scene.hers.exchange_sightings().await.unwrap();
    let seen = scene.hers.head().await;
    scene.end_at(before);
    let _ = scene.his.catch_up().await.unwrap();
    let what = contradiction(alarm(scene.his.exchange_sightings().await));
    let end = before.cursor;
    assert_eq!(what.lie, Lie::Withheld { end });
    assert_eq!(
        (what.account, what.device),
        (scene.ada.keys.account, scene.ada.keys.device)
    );
    assert_eq!((what.at, what.at.0 - end.0), (seen.cursor, 2));
    let said = what.sentence(&what.witness("ada"));
    assert!(said.contains("2 changes fewer than device"), "{said}");
    // It stays so, also after a restart, and also where no sighting is passed on any more.
    contradiction(alarm(scene.his.catch_up().await));
    let again = Replica::open(scene.bob.common.clone(), scene.his.space()).await;
    contradiction(alarm(again.unwrap().catch_up().await));
    // What bob had is there still, and the truth is believed when it comes.
    assert_eq!(scene.his.head().await, before);
    let shown = names(&list(&scene.bob, &scene.his, NodeId::ROOT));
    assert_eq!(shown, ["one"]);
    scene.assert_unharmed().await;
}

/// Gives entries the heads that they would have after `before`.
fn chain(frames: &mut [LogFrame], before: Head) {
    let mut at = before;
    for frame in frames {
        match frame {
            LogFrame::Entry(entry) => {
                let change_set = ChangeSet::decode(&entry.change_set).unwrap();
                at = head_next(at, change_set.hash());
                entry.head = at;
            }
            LogFrame::End { head } => *head = at,
        }
    }
}

#[tokio::test]
async fn a18_who_was_shown_another_history_hears_of_it_from_the_others() {
    let scene = scene().await;
    let before = scene.his.head().await;
    // Two change sets that know nothing of each other can be shown in both orders.
    let second = scene.ada.add().await;
    let there = opened(&second, scene.hers.space()).await;
    let dir = |called| vec![create(NodeId::ROOT, called, NodeKind::Directory, None)];
    scene.hers.commit(dir("a"), Vec::new()).await.unwrap();
    there.commit(dir("b"), Vec::new()).await.unwrap();
    let _ = scene.hers.catch_up().await.unwrap();
    let _ = scene.hers.exchange_sightings().await.unwrap();
    scene.proxy.lie(move |path, bytes| {
        if !path.contains("/changes?") {
            return bytes;
        }
        let mut frames: Vec<LogFrame> = unframe(&bytes);
        if frames.len() >= 3 {
            frames.swap(0, 1);
            chain(&mut frames, before);
        }
        reframe(&frames)
    });
    // Nothing contradicts this order, so it is believed.
    let _ = scene.his.catch_up().await.unwrap();
    let elsewhere = scene.his.head().await;
    assert_eq!(elsewhere.cursor, scene.hers.head().await.cursor);
    assert_ne!(elsewhere, scene.hers.head().await);

    let said = scene.of_ada(scene.hers.head().await).await;
    let said = Scene::signed_by(&scene.ada, said);
    let epoch = said.sighting().epoch;
    // The liar knows that he is elsewhere, and does not say so.
    scene.proxy.invent(move |path| {
        let reply = SightingsReply {
            epoch,
            sightings: vec![said.encode().into()],
        };
        path.ends_with("/sightings").then(|| reply.to_cbor())
    });
    scene.proxy.lie(|_, bytes| bytes);
    let what = contradiction(alarm(scene.his.exchange_sightings().await));
    assert_eq!((what.lie, what.at), (Lie::Fork, elsewhere.cursor));
    assert_eq!(what.device, scene.ada.keys.device);
    // From now on nothing of it is read, whatever comes.
    let shown = names(&list(&scene.bob, &scene.his, NodeId::ROOT));
    contradiction(alarm(scene.his.catch_up().await));
    assert_eq!(names(&list(&scene.bob, &scene.his, NodeId::ROOT)), shown);
    // Until a person says that the other device is not to be believed: then it is the server's word
    // again, and the same sighting says nothing more.
    scene
        .proxy
        .lie(move |path, bytes| match path.contains("/changes?") {
            true => reframe(&[LogFrame::End { head: elsewhere }]),
            false => bytes,
        });
    assert!(scene.his.disbelieve().await.unwrap());
    let _ = scene.his.catch_up().await.unwrap();
    let _ = scene.his.exchange_sightings().await.unwrap();
    assert!(!scene.his.disbelieve().await.unwrap());
}

/// What was heard of a position to come is compared before anything of another history is shown.
#[tokio::test]
async fn a18_another_history_than_was_foretold_is_not_even_folded() {
    let scene = scene().await;
    let before = scene.his.head().await;
    put(&scene.hers, "two", b"two".to_vec()).await.unwrap();
    let mut other = scene.hers.head().await;
    other.chain.0[7] ^= 1;
    let said = scene.of_ada(other).await;
    scene.say(vec![Scene::signed_by(&scene.ada, said)]);
    let what = contradiction(alarm(scene.his.exchange_sightings().await));
    assert_eq!((what.lie, what.at), (Lie::Fork, other.cursor));
    assert_eq!(scene.his.head().await, before);
    let shown = names(&list(&scene.bob, &scene.his, NodeId::ROOT));
    assert_eq!(shown, ["one"]);
}

/// None of this is heard: forged, of another space or another life, by who is no member, by the server,
/// or played again.
#[tokio::test]
async fn a17_a18_what_nobody_may_say_frightens_nobody() {
    let scene = scene().await;
    let eve = scene.proxy.account("eve").await;
    let far = Head {
        cursor: Cursor(1 << 40),
        ..scene.his.head().await
    };
    let of_ada = scene.of_ada(far).await;
    let of_eve = Sighting {
        account: eve.keys.account,
        ..of_ada
    };
    let of_other = |change: fn(&mut Sighting)| {
        let mut said = of_ada;
        change(&mut said);
        Scene::signed_by(&scene.ada, said)
    };
    let mut forged = Scene::signed_by(&scene.ada, of_ada).encode();
    *forged.last_mut().unwrap() ^= 1;
    let forged = SignedSighting::decode(&forged).unwrap();
    for said in [
        forged,
        Scene::signed_by(&eve, of_ada),
        Scene::signed_by(&eve, of_eve),
        of_other(|said| said.space = SpaceId([9; 32])),
        of_other(|said| said.epoch = ServerEpoch([9; 16])),
    ] {
        scene.say(vec![said]);
        let _ = scene.his.exchange_sightings().await.unwrap();
    }
    assert_eq!(scene.his.confirmed().unwrap(), None);
    // What ada said once is true for ever, and older than what she said since.
    let old = Scene::signed_by(&scene.ada, scene.of_ada(scene.hers.head().await).await);
    put(&scene.hers, "two", b"two".to_vec()).await.unwrap();
    let new = Scene::signed_by(&scene.ada, scene.of_ada(scene.hers.head().await).await);
    for said in [&old, &new, &old] {
        scene.say(vec![said.clone()]);
        let _ = scene.his.exchange_sightings().await.unwrap();
    }
    let last = scene.his.confirmed().unwrap().unwrap();
    assert_eq!(last.at, new.sighting().head.cursor);
    assert_eq!(last.device, scene.ada.keys.device);
    scene.assert_unharmed().await;
}

/// A member that was removed frightens nobody, and what it said before counts no more.
#[tokio::test]
async fn a17_a_removed_members_word_ends_with_its_membership() {
    let scene = scene().await;
    let far = Head {
        cursor: Cursor(1 << 40),
        ..scene.hers.head().await
    };
    let of_bob = Sighting {
        account: scene.bob.keys.account,
        ..scene.of_ada(far).await
    };
    // An honest server takes no such thing.
    let said = Scene::signed_by(&scene.bob, of_bob);
    let api = &scene.bob.common.api;
    let refused = api
        .exchange_sightings(scene.his.space(), said.encode())
        .await;
    assert_eq!(refused.unwrap_err().code(), Some(hythe_wire::Code::Fork));

    let second = scene.proxy.behind(scene.ada.add().await);
    let there = opened(&second, scene.his.space()).await;
    let signed = said.encode();
    scene.proxy.lie(move |path, bytes| {
        if !path.ends_with("/sightings") {
            return bytes;
        }
        let mut reply = SightingsReply::from_cbor(&bytes).unwrap();
        reply.sightings = vec![signed.clone().into()];
        reply.to_cbor()
    });
    let what = contradiction(alarm(there.exchange_sightings().await));
    assert_eq!(what.device, scene.bob.keys.device);
    let removed = scene.hers.remove_member(scene.bob.keys.account).await;
    assert!(removed.unwrap().1);
    // Once it is read that bob is out, it is as if he had said nothing.
    let _ = there.exchange_sightings().await.unwrap();
    assert_eq!(there.head().await, scene.hers.head().await);
    let _ = there.exchange_sightings().await.unwrap();
    assert!(!there.disbelieve().await.unwrap());
}

/// A new device that is shown an old state cannot know it alone: it shows how old the last word of
/// another device is, and finds it out when it hears a newer one.
#[tokio::test]
async fn a32_a_new_device_says_when_another_one_confirmed_what_it_is_shown() {
    let scene = scene().await;
    let _ = scene.hers.exchange_sightings().await.unwrap();
    let old = scene.hers.head().await;
    put(&scene.hers, "two", b"two".to_vec()).await.unwrap();
    scene.end_at(old);
    let fresh = scene.proxy.behind(scene.ada.add().await);
    let there = opened(&fresh, scene.hers.space()).await;
    assert_eq!(there.head().await, old);
    assert_eq!(there.confirmed().unwrap(), None, "nobody was heard yet");
    let _ = there.exchange_sightings().await.unwrap();
    let last = there.confirmed().unwrap().unwrap();
    assert_eq!((last.device, last.at), (scene.ada.keys.device, old.cursor));
    assert!(last.time_ms <= now_ms());
    let _ = scene.hers.exchange_sightings().await.unwrap();
    let what = contradiction(alarm(there.exchange_sightings().await));
    assert_eq!(what.lie, Lie::Withheld { end: old.cursor });
}

/// Many devices that write and exchange at once, some of them late, frighten nobody.
#[tokio::test]
async fn e3_an_honest_server_raises_no_alarm() {
    let scene = scene().await;
    let second = scene.ada.add().await;
    let there = opened(&second, scene.hers.space()).await;
    let seed = std::env::var("HYTHE_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let mut state = seed.unwrap_or_else(|| getrandom::u64().unwrap());
    println!("HYTHE_SEED={state}");
    let mut below = |limit: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    let devices = [&scene.hers, &scene.his, &there];
    for round in 0..120_u64 {
        let one = devices[below(3) as usize];
        let other = devices[below(3) as usize];
        let called = format!("d{round}");
        let edit = vec![create(NodeId::ROOT, &called, NodeKind::Directory, None)];
        match below(4) {
            0 => {
                let _ = one.catch_up().await.unwrap();
            }
            1 => drop(one.commit(edit, Vec::new()).await.unwrap()),
            2 => {
                let _ = one.exchange_sightings().await.unwrap();
            }
            _ => {
                let writing = async { one.commit(edit, Vec::new()).await.map(drop).unwrap() };
                let meeting = async { drop(other.exchange_sightings().await.unwrap()) };
                tokio::join!(writing, meeting);
            }
        }
    }
    for one in devices {
        let _ = one.exchange_sightings().await.unwrap();
        let _ = one.catch_up().await.unwrap();
        assert_eq!(one.digest().await, scene.hers.digest().await);
    }
    assert!(scene.his.confirmed().unwrap().is_some());
}

/// Keys that are renewed are a change like any other, and an old key epoch is no other life.
#[tokio::test]
async fn e7_renewed_keys_and_a_removed_member_raise_no_alarm() {
    let scene = scene().await;
    let carl = scene.proxy.account("carl").await;
    let _ = scene
        .hers
        .share(carl.keys.account, Role::Viewer)
        .await
        .unwrap();
    carl.common
        .api
        .answer_invitation(scene.hers.space(), true)
        .await
        .unwrap();
    let third = opened(&carl, scene.hers.space()).await;
    for one in [&scene.hers, &scene.his, &third] {
        let _ = one.exchange_sightings().await.unwrap();
    }
    let _ = scene.hers.remove_member(carl.keys.account).await.unwrap();
    put(&scene.hers, "two", b"two".to_vec()).await.unwrap();
    for one in [&scene.hers, &scene.his, &scene.hers] {
        let _ = one.catch_up().await.unwrap();
        let _ = one.exchange_sightings().await.unwrap();
    }
    let last = scene.hers.confirmed().unwrap().unwrap();
    assert_eq!(
        last.account, scene.bob.keys.account,
        "carl's word counts no more"
    );
    assert_eq!(last.at, scene.hers.head().await.cursor);
}

/// What the device that lets another one in has seen goes with the way in, past the server: the new one
/// is shown nothing older, whatever sightings are held back.
#[tokio::test]
async fn a32_a_device_that_another_one_lets_in_knows_what_that_one_saw() {
    let scene = scene().await;
    let old = scene.hers.head().await;
    put(&scene.hers, "two", b"two".to_vec()).await.unwrap();
    let (epoch, head) = scene.hers.seen().unwrap().unwrap();
    let told = Told::new(epoch, [(scene.hers.space(), head)]);
    let (api, keys) = (&scene.ada.common.api, &scene.ada.keys);
    let offer = enrol::offer_device_telling(api, keys, None, Some(&told), now_ms()).await;
    let url = offer.unwrap().url.to_string();
    let fresh = scene.proxy.behind(Device::connect(&url, "fresh").await);
    assert!(fresh.keys.told.as_ref() == Some(&told));
    scene.end_at(old);
    let there = Replica::open(fresh.common.clone(), scene.hers.space()).await;
    let there = there.unwrap();
    let what = contradiction(alarm(there.catch_up().await));
    assert_eq!(what.lie, Lie::Withheld { end: old.cursor });
    assert_eq!((what.device, what.at), (fresh.keys.device, head.cursor));
    scene.proxy.be_honest();
    let _ = there.catch_up().await.unwrap();
    assert_eq!(there.digest().await, scene.hers.digest().await);
    assert_eq!(
        there.confirmed().unwrap(),
        None,
        "that was no word of another device's since"
    );
    let _ = there.exchange_sightings().await.unwrap();
}
