//! Lies about who wrote, and in which order.

use hythe_client::replica::{Alarm, Replica};
use hythe_model::{Head, KeyEpoch, NameTag, NodeId, NodeKind, OperationId, Role, VersionId};
use hythe_space::chain::head_next;
use hythe_space::draft::SealedNode;
use hythe_space::governance::Member;
use hythe_space::operation::{Create, Operation, Place};
use hythe_space::{ChainFault, ChangeSet, Denied, Draft, Refusal, SigningKey, Stamp};
use hythe_wire::log::{LogEntry, LogFrame};
use hythe_wire::routes;

use super::accounts::log_of;
use super::{Scene, alarm, scene};
use crate::proxy::{Proxy, reframe, unframe};
use crate::rig::{Device, create, id, list, now_ms, put};

/// A change set for somebody else's space, signed by a device of another account.
async fn planted(eve: &Device, scene: &Scene, seen: Head, draft: Draft) -> ChangeSet {
    let account = eve.common.accounts.get(eve.keys.account).await.unwrap();
    let stamp = Stamp::next(
        scene.replica.space(),
        None,
        seen,
        account.head(),
        KeyEpoch::FIRST,
        OperationId(id()),
        now_ms(),
    );
    let key = SigningKey::from_seed(&eve.keys.signing);
    draft.sign(stamp, &key).unwrap()
}

fn node() -> Draft {
    let mut draft = Draft::new();
    let create = Create {
        node: NodeId(id()),
        kind: NodeKind::Directory,
        place: Place {
            parent: NodeId::ROOT,
            tag: NameTag([1; 32]),
        },
        place_version: VersionId(id()),
        attributes_version: VersionId(id()),
        body: None,
    };
    let sealed = SealedNode {
        name: b"planted".to_vec(),
        attributes: b"planted".to_vec(),
        body: None,
    };
    draft.create(create, sealed);
    draft
}

fn membership(account: hythe_model::AccountId) -> Draft {
    let mut draft = Draft::new();
    draft.push(Operation::Member(Member {
        account,
        role: Some(Role::Owner),
        wrap: None,
    }));
    draft
}

/// The server knows all that eve knows: it may well be eve.
#[tokio::test]
async fn a9_a10_a16_what_a_device_of_no_member_wrote_is_refused() {
    let scene = scene().await;
    let eve = scene.proxy.account("eve").await;
    let before = scene.replica.head().await;
    let log = reframe(&log_of(&eve, eve.keys.account).await);
    let path = routes::account_log(eve.keys.account);
    scene
        .proxy
        .invent(move |asked| asked.starts_with(&path).then(|| log.clone()));
    for draft in [node(), membership(eve.keys.account)] {
        let change_set = planted(&eve, &scene, before, draft).await;
        let head = head_next(before, change_set.hash());
        let entry = LogFrame::Entry(LogEntry {
            head,
            change_set: change_set.encoded().to_vec().into(),
        });
        scene.lie_in_log(move |frames| *frames = vec![entry.clone(), LogFrame::End { head }]);
        let raised = alarm(scene.replica.catch_up().await);
        let unknown = |refusal: &Refusal| {
            matches!(
                refusal,
                Refusal::NotAllowed(Denied::UnknownDevice | Denied::Role)
            )
        };
        assert!(
            matches!(&raised, Alarm::Refused { refusal, .. } if unknown(refusal)),
            "{raised}"
        );
        assert_eq!(scene.replica.head().await, before);
    }
    scene.assert_unharmed(before).await;
}

/// What the server itself says of members is shown by nobody's signature, so it changes nothing.
#[tokio::test]
async fn a16_a_row_in_the_servers_table_makes_nobody_a_member() {
    let scene = scene().await;
    let eve = scene.proxy.account("eve").await;
    let space = scene.replica.space();
    let database = scene.proxy.data.path().join("server/hythe.db");
    let eve_id = eve.keys.account;
    rusqlite::Connection::open(database)
        .unwrap()
        .execute(
            "INSERT INTO members (account, log, role) \
             SELECT ?1, no, 0 FROM logs WHERE id = ?2",
            (eve_id.as_bytes().as_slice(), space.as_bytes().as_slice()),
        )
        .unwrap();
    // The server serves her now, and she is shown what she cannot open. For the members there is
    // no such person, and what she writes does not stand.
    let _ = scene.replica.catch_up().await.unwrap();
    let number = scene.replica.number();
    let state = &scene.victim.common.state;
    let record = state
        .read(|rows| rows.record(number, &member_key(eve_id)))
        .unwrap();
    assert!(record.is_none());
    let there = Replica::open(eve.common.clone(), space).await.unwrap();
    let _ = there.catch_up().await.unwrap();
    let shown = list(&eve, &there, NodeId::ROOT);
    assert_eq!(shown.len(), 3);
    assert!(
        shown.iter().all(|node| node.name.is_err()),
        "she has no key"
    );
    let edit = create(NodeId::ROOT, "hers", NodeKind::Directory, None);
    assert!(there.commit(vec![edit], Vec::new()).await.is_err());
    let applied = scene.replica.catch_up().await.unwrap();
    assert!(applied.changed.is_empty());
}

fn member_key(account: hythe_model::AccountId) -> Vec<u8> {
    [&[MEMBER], account.as_bytes().as_slice()].concat()
}

/// First byte of the key of a stored member (`docs/format/client-state.md`).
const MEMBER: u8 = 2;

/// SUNDR's promise: who was shown another order once can never be shown anything later that was
/// written by who saw the true one.
#[tokio::test]
async fn a18_two_orders_of_the_same_change_sets_can_never_be_joined_again() {
    let proxy = Proxy::start().await;
    let first = proxy.account("ada").await;
    let one = first.home().await;
    put(&one, "common", b"x".to_vec()).await.unwrap();
    let second = first.add().await;
    let other = second.home().await;
    let victim = proxy.behind(first.add().await);
    let replica = victim.home().await;
    let fork = replica.head().await;
    // Neither knows of the other's.
    let dir = |called| vec![create(NodeId::ROOT, called, NodeKind::Directory, None)];
    one.commit(dir("a"), Vec::new()).await.unwrap();
    other.commit(dir("b"), Vec::new()).await.unwrap();

    proxy.lie(move |path, bytes| {
        if !path.contains("/changes?") {
            return bytes;
        }
        let mut frames: Vec<LogFrame> = unframe(&bytes);
        if frames.len() >= 3 {
            frames.swap(0, 1);
            chain(&mut frames, fork);
        }
        reframe(&frames)
    });
    // Both orders are possible, so this one is believed.
    let _ = replica.catch_up().await.unwrap();
    let elsewhere = replica.head().await;
    let _ = one.catch_up().await.unwrap();
    assert_ne!(elsewhere, one.head().await);

    // From now on every later word of somebody who saw the other order gives it away.
    one.commit(dir("c"), Vec::new()).await.unwrap();
    proxy.lie(move |path, bytes| {
        if !path.contains("/changes?") {
            return bytes;
        }
        let mut frames: Vec<LogFrame> = unframe(&bytes);
        chain(&mut frames, elsewhere);
        reframe(&frames)
    });
    let raised = alarm(replica.catch_up().await);
    let refusal = Refusal::BadChain(ChainFault::Seen);
    assert!(
        matches!(&raised, Alarm::Refused { refusal: why, .. } if *why == refusal),
        "{raised}"
    );
    assert_eq!(replica.head().await, elsewhere);
    // Nor can it go over to the true order.
    proxy.be_honest();
    alarm(replica.catch_up().await);
    assert_eq!(replica.head().await, elsewhere);
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
