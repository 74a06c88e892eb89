//! What a lying server, or a lying member, must fail to do. The number of each test is that of the
//! attack in `SECURITY.md`, where the table says which test stands for which.

mod accounts;
mod chunks;
mod histories;
mod inbox;
mod links;
mod sealed;
mod secrets;
mod sightings;
mod snapshots;
mod stopped;
mod table;

use hythe_client::commit::CommitError;
use hythe_client::replica::{Alarm, Replica, ReplicaError};
use hythe_content::{Field, seal_field};
use hythe_model::{Head, NameTag, NodeId, NodeKind, OperationId, Timestamp, VersionId};
use hythe_space::draft::SealedNode;
use hythe_space::operation::{Create, Place};
use hythe_space::{Denied, Draft, Refusal, SigningKey, Stamp};
use hythe_sync::Quarantine;
use hythe_wire::Message;
use hythe_wire::log::{CommitReply, CommitRequest, LogEntry, LogFrame};

use crate::proxy::{Proxy, reframe, unframe};
use crate::rig::{Device, create, id, list, name, names, now_ms, put, start};

/// A device that has written two files, its replica, and a second device that is lied to and has
/// read everything up to the first file.
struct Scene {
    proxy: Proxy,
    writer: Replica,
    first: Device,
    victim: Device,
    replica: Replica,
}

async fn scene() -> Scene {
    let proxy = Proxy::start().await;
    let first = proxy.account("ada").await;
    let writer = first.home().await;
    put(&writer, "one", b"one".to_vec()).await.unwrap();
    let victim = proxy.behind(first.add().await);
    let replica = victim.home().await;
    put(&writer, "two", b"two".to_vec()).await.unwrap();
    put(&writer, "three", b"three".to_vec()).await.unwrap();
    Scene {
        proxy,
        writer,
        first,
        victim,
        replica,
    }
}

impl Scene {
    /// Changes the log's answers.
    fn lie_in_log(&self, mut change: impl FnMut(&mut Vec<LogFrame>) + Send + 'static) {
        self.proxy.lie(move |path, bytes| {
            if !path.contains("/changes?") {
                return bytes;
            }
            let mut frames = unframe(&bytes);
            change(&mut frames);
            reframe(&frames)
        });
    }

    /// Nothing was believed, and the truth is still believed afterwards.
    async fn assert_unharmed(self, before: Head) {
        assert_eq!(self.replica.head().await, before);
        assert_eq!(
            names(&list(&self.victim, &self.replica, NodeId::ROOT)),
            ["one"]
        );
        self.proxy.be_honest();
        let _ = self.replica.catch_up().await.unwrap();
        assert_eq!(self.replica.digest().await, self.writer.digest().await);
        drop(self.first);
    }
}

fn alarm(result: Result<hythe_client::replica::Applied, ReplicaError>) -> Alarm {
    match result {
        Err(ReplicaError::Alarm(alarm)) => alarm,
        Err(other) => panic!("{other}"),
        Ok(applied) => panic!("the lie was believed: {applied:?}"),
    }
}

fn first_entry(frames: &mut [LogFrame]) -> &mut LogEntry {
    match frames.first_mut() {
        Some(LogFrame::Entry(entry)) => entry,
        _ => panic!("no entry"),
    }
}

/// Where the signature of an encoded change set ends.
fn signature_end(change_set: &[u8]) -> usize {
    let mut decoder = minicbor::Decoder::new(change_set);
    decoder.array().unwrap();
    decoder.bytes().unwrap();
    decoder.bytes().unwrap();
    decoder.position()
}

#[tokio::test]
async fn a10_a_forged_signature_is_refused() {
    let scene = scene().await;
    let before = scene.replica.head().await;
    scene.lie_in_log(|frames| {
        let bytes = &mut first_entry(frames).change_set;
        let at = signature_end(bytes) - 40;
        bytes[at] ^= 1;
    });
    let raised = alarm(scene.replica.catch_up().await);
    let denied = Refusal::NotAllowed(Denied::Signature);
    assert!(
        matches!(&raised, Alarm::Refused { refusal, .. } if *refusal == denied),
        "{raised}"
    );
    scene.assert_unharmed(before).await;
}

/// What was folded before a reading broke off is planned all the same: the next reading tells of it.
#[tokio::test]
async fn what_a_reading_that_broke_off_changed_is_told_by_the_next() {
    let scene = scene().await;
    let before = scene.replica.head().await;
    let mut answers = 0;
    scene.lie_in_log(move |frames| {
        answers += 1;
        if answers == 1 {
            frames.drain(1..frames.len() - 1);
        } else {
            first_entry(frames).change_set[0] ^= 0x10;
        }
    });
    alarm(scene.replica.catch_up().await);
    let between = scene.replica.head().await;
    assert_eq!(between.cursor, before.cursor.next());
    scene.proxy.be_honest();
    let applied = scene.replica.catch_up().await.unwrap();
    assert_eq!(applied.changed.len(), 2, "\"two\" and \"three\"");
    assert_eq!(scene.replica.catch_up().await.unwrap().head, None);
}

#[tokio::test]
async fn a5_a_flipped_bit_anywhere_in_a_change_set_is_found() {
    let scene = scene().await;
    let before = scene.replica.head().await;
    for eighth in 0..8 {
        scene.lie_in_log(move |frames| {
            let bytes = &mut first_entry(frames).change_set;
            let at = bytes.len() * eighth / 8;
            bytes[at] ^= 0x10;
        });
        alarm(scene.replica.catch_up().await);
    }
    scene.assert_unharmed(before).await;
}

#[tokio::test]
async fn a17_a_change_set_that_is_left_out_breaks_the_chain() {
    let scene = scene().await;
    let before = scene.replica.head().await;
    scene.lie_in_log(|frames| drop(frames.remove(0)));
    alarm(scene.replica.catch_up().await);
    // With the positions made to look right.
    scene.lie_in_log(|frames| {
        let place = first_entry(frames).head;
        frames.remove(0);
        first_entry(frames).head = place;
        frames.truncate(1);
        frames.push(LogFrame::End { head: place });
    });
    alarm(scene.replica.catch_up().await);
    scene.assert_unharmed(before).await;
}

#[tokio::test]
async fn e3_a_server_that_goes_back_or_elsewhere_is_noticed() {
    let scene = scene().await;
    let before = scene.replica.head().await;
    scene.lie_in_log(move |frames| {
        let mut back = before;
        back.cursor.0 -= 1;
        *frames = vec![LogFrame::End { head: back }];
    });
    let raised = alarm(scene.replica.catch_up().await);
    assert!(matches!(raised, Alarm::Rollback { .. }), "{raised}");
    scene.lie_in_log(move |frames| {
        let mut other = before;
        other.chain.0[0] ^= 1;
        *frames = vec![LogFrame::End { head: other }];
    });
    let raised = alarm(scene.replica.catch_up().await);
    assert!(matches!(raised, Alarm::Fork { .. }), "{raised}");
    scene.lie_in_log(|frames| first_entry(frames).head.chain.0[3] ^= 1);
    let raised = alarm(scene.replica.catch_up().await);
    assert!(matches!(raised, Alarm::Fork { .. }), "{raised}");
    let mut other = before;
    other.chain.0[5] ^= 1;
    let raised = alarm(scene.replica.take_event(other, None).await);
    assert!(matches!(raised, Alarm::Fork { .. }), "{raised}");
    scene.assert_unharmed(before).await;
}

#[tokio::test]
async fn sc114_a_log_that_is_cut_off_is_no_log() {
    let scene = scene().await;
    let before = scene.replica.head().await;
    scene.proxy.lie(|path, mut bytes| {
        if path.contains("/changes?") {
            bytes.truncate(bytes.len() - 3);
        }
        bytes
    });
    let error = scene.replica.catch_up().await.unwrap_err();
    assert!(matches!(error, ReplicaError::Api(_)), "{error}");
    scene.assert_unharmed(before).await;
}

#[tokio::test]
async fn the_servers_word_about_the_state_is_compared() {
    let scene = scene().await;
    let _ = scene.replica.catch_up().await.unwrap();
    scene.proxy.lie(|path, bytes| {
        if !path.ends_with("/changes") {
            return bytes;
        }
        let mut reply = CommitReply::from_cbor(&bytes).unwrap();
        reply.digest[0] ^= 1;
        reply.to_cbor()
    });
    let edit = create(NodeId::ROOT, "d", NodeKind::Directory, None);
    match scene.replica.commit(vec![edit], Vec::new()).await {
        Err(CommitError::Replica(ReplicaError::Alarm(Alarm::Digest { .. }))) => {}
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a wrong digest was believed"),
    }
}

/// A member writes a node with this sealed name, announced under this tag.
async fn write_name(device: &Device, replica: &Replica, node: NodeId, plain: &[u8], tag: u8) {
    let keys = replica.transfer().await.unwrap().keys;
    let account = device
        .common
        .accounts
        .get(device.keys.account)
        .await
        .unwrap();
    let head = replica.head().await;
    let (place_version, attributes_version) = (VersionId(id()), VersionId(id()));
    let mut draft = Draft::new();
    let sealed = SealedNode {
        name: seal_field(&keys, node, Field::Name, place_version, plain),
        attributes: b"not sealed at all".to_vec(),
        body: None,
    };
    let place = Place {
        parent: NodeId::ROOT,
        tag: NameTag([tag; 32]),
    };
    let kind = NodeKind::Directory;
    draft.create(
        Create {
            node,
            kind,
            place,
            place_version,
            attributes_version,
            body: None,
        },
        sealed,
    );
    let operation = OperationId(id());
    let stamp = Stamp::next(
        replica.space(),
        None,
        head,
        account.head(),
        keys.epoch(),
        operation,
        now_ms(),
    );
    let change_set = draft
        .sign(stamp, &SigningKey::from_seed(&device.keys.signing))
        .unwrap();
    let request = CommitRequest {
        change_set: change_set.encoded().to_vec().into(),
        attached: Vec::new(),
    };
    device
        .common
        .api
        .commit(replica.space(), &request)
        .await
        .unwrap();
}

#[tokio::test]
async fn a27_sc048_names_that_mean_another_place_are_quarantined_and_nothing_else_is() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let wrong: [(&[u8], fn(&Quarantine) -> bool); 4] = [
        (b"../x", |why| matches!(why, Quarantine::Name(_))),
        (b"..", |why| matches!(why, Quarantine::Name(_))),
        (b"", |why| matches!(why, Quarantine::Name(_))),
        (b"fine", |why| *why == Quarantine::Tag),
    ];
    for (index, (plain, is_right)) in (0u8..).zip(wrong) {
        // Each by a device that never wrote here, which is what the change set says.
        let member = first.add().await;
        let there = member.home().await;
        let node = NodeId(id());
        write_name(&member, &there, node, plain, index).await;
        let _ = home.catch_up().await.unwrap();
        let nodes = list(&first, &home, NodeId::ROOT);
        let found = nodes.iter().find(|found| found.id == node).unwrap();
        let why = found.name.as_ref().unwrap_err();
        assert!(is_right(why), "{why}");
        assert_eq!(found.attributes.modified, Timestamp::default());
        // Begun anew, since it did not send this itself and would take itself for a copy.
        let there = Replica::open(member.common.clone(), there.space()).await;
        let there = there.unwrap();
        let _ = there.catch_up().await.unwrap();
        assert_eq!(there.digest().await, home.digest().await);
    }
    put(&home, "sound", b"x".to_vec()).await.unwrap();
    let sound = list(&first, &home, NodeId::ROOT);
    assert!(sound.iter().any(|node| node.name == Ok(name("sound"))));
}
