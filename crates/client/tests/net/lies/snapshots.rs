//! Lies to a device that has nothing yet.

use hythe_client::replica::Replica;
use hythe_model::{NodeId, NodeKind, SpaceId};
use hythe_space::{Checkpoint, LtHash, Record, SigningKey};
use hythe_wire::log::SnapshotFrame;
use hythe_wire::routes;

use super::accounts::log_of;
use crate::proxy::{Proxy, reframe, unframe};
use crate::rig::{Device, create, list, now_ms};

/// A space with more positions than are read as a log.
struct Long {
    proxy: Proxy,
    first: Device,
    home: Replica,
    space: SpaceId,
}

async fn long() -> Long {
    let proxy = Proxy::start().await;
    let first = proxy.account("ada").await;
    let home = first.home().await;
    while home.head().await.cursor.0 <= 1000 {
        let called = format!("{:04}", home.head().await.cursor.0);
        let edit = create(NodeId::ROOT, &called, NodeKind::Directory, None);
        home.commit(vec![edit], Vec::new()).await.unwrap();
    }
    let space = home.space();
    Long {
        proxy,
        first,
        home,
        space,
    }
}

impl Long {
    /// Changes the snapshot's frames.
    fn lie_in_snapshot(&self, mut change: impl FnMut(&mut Vec<SnapshotFrame>) + Send + 'static) {
        self.proxy.lie(move |path, bytes| {
            if !path.ends_with("/snapshot") {
                return bytes;
            }
            let mut frames = unframe(&bytes);
            change(&mut frames);
            reframe(&frames)
        });
    }

    /// A new device that is lied to reads the log itself, and has what is true.
    async fn assert_not_believed(&self) {
        let victim = self.proxy.behind(self.first.add().await);
        let lied_to = Replica::open(victim.common.clone(), self.space).await;
        let lied_to = lied_to.unwrap();
        let applied = lied_to.catch_up().await.unwrap();
        assert!(!applied.anew, "the whole log was read instead");
        assert_eq!(lied_to.digest().await, self.home.digest().await);
        assert_eq!(
            list(&victim, &lied_to, NodeId::ROOT),
            list(&self.first, &self.home, NodeId::ROOT)
        );
    }
}

fn records(
    frames: &mut [SnapshotFrame],
) -> impl Iterator<Item = &mut hythe_wire::log::SnapshotRecord> {
    frames.iter_mut().filter_map(|frame| match frame {
        SnapshotFrame::Record(record) => Some(record),
        _ => None,
    })
}

#[tokio::test]
async fn a32_a_snapshot_counts_only_with_the_digest_that_was_signed() {
    let long = long().await;
    let honest = long.first.add().await;
    let there = Replica::open(honest.common.clone(), long.space).await;
    let there = there.unwrap();
    let applied = there.catch_up().await.unwrap();
    assert!(applied.anew, "the snapshot was used");
    assert_eq!(there.digest().await, long.home.digest().await);
    assert_eq!(
        list(&honest, &there, NodeId::ROOT),
        list(&long.first, &long.home, NodeId::ROOT)
    );

    long.lie_in_snapshot(|frames| {
        let left_out = frames.len() - 2;
        frames.remove(left_out);
        if let Some(SnapshotFrame::End { records }) = frames.last_mut() {
            *records -= 1;
        }
    });
    long.assert_not_believed().await;
}

/// Names and attributes are no part of the digest: their hashes are.
#[tokio::test]
async fn a7_a8_sealed_parts_of_a_snapshot_in_each_others_place_are_refused() {
    let long = long().await;
    for part in [0, 1] {
        long.lie_in_snapshot(move |frames| {
            let mut nodes = records(frames).filter(|record| record.sealed.len() > 1);
            let (one, other) = (nodes.next().unwrap(), nodes.next().unwrap());
            std::mem::swap(&mut one.sealed[part], &mut other.sealed[part]);
        });
        long.assert_not_believed().await;
    }
}

/// Eve has an account here, as a server may. She makes a whole snapshot her own: she names herself
/// as the space's server, and vouches for it.
#[tokio::test]
async fn a15_a30_only_the_genesis_says_to_which_server_a_space_is_open() {
    let long = long().await;
    let eve = long.proxy.account("eve").await;
    let account = eve.keys.account;
    let seen = eve.common.accounts.get(account).await.unwrap().head();
    let key = SigningKey::from_seed(&eve.keys.signing);
    let log = reframe(&log_of(&eve, account).await);
    let mut info = long.first.common.api.server().await.unwrap();
    info.account = account;
    let info = serde_json::to_vec(&info).unwrap();
    long.proxy.invent(move |path| {
        if path.starts_with(&routes::account_log(account)) {
            return Some(log.clone());
        }
        (path == routes::SERVER).then(|| info.clone())
    });
    let space = long.space;
    long.lie_in_snapshot(move |frames| {
        let mut digest = LtHash::default();
        for record in records(frames) {
            if let Record::Space(mut said) = Record::decode(&record.record).unwrap() {
                said.server = Some(account);
                record.record = Record::Space(said).encode().into();
            }
            digest.add(&record.record);
        }
        let Some(SnapshotFrame::Start {
            head, checkpoint, ..
        }) = frames.first_mut()
        else {
            panic!("no start")
        };
        let said = Checkpoint {
            suite: 1,
            space,
            head: *head,
            digest: digest.digest(),
            device: key.device_id(),
            account_seen: seen,
            time_ms: now_ms(),
        };
        *checkpoint = Some(said.sign(&key).encode().into());
    });
    long.assert_not_believed().await;
}
