//! A server that was restored from a copy, and what a device that had agreed on more makes of it.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use hythe_client::commit::{Edit, NewBody};
use hythe_client::disk::FolderId;
use hythe_client::keys::DeviceKeys;
use hythe_client::replica::Replica;
use hythe_client::state::{FolderNumber, FolderRow, LocalRow, StateError};
use hythe_model::{Head, NodeId, NodeKind, Timestamp};
use hythe_server::Running;
use hythe_sync::{DiskStamp, LocalNode, SyncedNode};
use tempfile::TempDir;

use crate::rig::{
    Device, create, find, list, name, names, put, start, start_on, upload_all, version,
};

/// Copies a folder with all it holds, in place of another.
pub fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A server whose data can be put back to how they were.
struct Past {
    data: TempDir,
    listen: SocketAddr,
}

impl Past {
    async fn keep(&self, server: Running, called: &str) -> Running {
        server.stop().await;
        copy(
            &self.data.path().join("server"),
            &self.data.path().join(called),
        );
        start_on(&self.data, self.listen).await
    }

    async fn back_to(&self, server: Running, called: &str) -> Running {
        server.stop().await;
        copy(
            &self.data.path().join(called),
            &self.data.path().join("server"),
        );
        start_on(&self.data, self.listen).await
    }
}

async fn edit(device: &Device, replica: &Replica, called: &str, content: &[u8]) {
    let there = find(device, replica, called);
    let transfer = replica.transfer().await.unwrap();
    let (mut prepared, attached) = upload_all(&transfer, vec![content.to_vec()]).await;
    let body = NewBody {
        expected: there.versions.body.unwrap(),
        new: version(),
        prepared: prepared.pop().unwrap(),
    };
    let update = Edit::Update {
        node: there.id,
        attributes: None,
        body: Some(body),
    };
    replica.commit(vec![update], attached).await.unwrap();
}

async fn rename(device: &Device, replica: &Replica, called: &str, to: &str) {
    let there = find(device, replica, called);
    let rename = Edit::Move {
        node: there.id,
        parent: NodeId::ROOT,
        name: name(to),
        expected: there.versions.place,
        new: version(),
    };
    replica.commit(vec![rename], Vec::new()).await.unwrap();
}

async fn add_folder(device: &Device, replica: &Replica) -> FolderNumber {
    let row = FolderRow {
        id: FolderId([2; 16]),
        space: replica.number(),
        root: NodeId::ROOT,
        path: "/nowhere".into(),
        paused: false,
        generation: None,
        next_generation: None,
        within: None,
    };
    let added = device.common.state.write(move |tx| tx.add_folder(&row));
    added.await.unwrap()
}

/// Writes down that the disk has all that the log has.
async fn agree(device: &Device, replica: &Replica, folder: FolderNumber) {
    let nodes = list(device, replica, NodeId::ROOT);
    let written = device.common.state.write(move |tx| {
        for (inode, node) in (1..).zip(nodes) {
            let stamp = DiskStamp {
                device: 0,
                inode,
                size: node.size,
                modified: node.attributes.modified,
                changed: Timestamp::default(),
                born: None,
            };
            let (place, executable) = (node.place().unwrap(), node.attributes.executable);
            let local = LocalNode {
                id: node.id,
                place: place.clone(),
                kind: node.kind,
                executable,
                stamp,
                hash: node.hash,
            };
            tx.put_local(
                folder,
                &LocalRow {
                    node: local,
                    racy: false,
                },
            )?;
            let agreed = SyncedNode {
                id: node.id,
                place,
                kind: node.kind,
                versions: node.versions,
                attributes: node.attributes,
                executable_on_disk: executable,
                stamp,
                size: node.size,
                hash: node.hash,
            };
            tx.put_synced(folder, &agreed)?;
        }
        Ok::<_, StateError>(())
    });
    written.await.unwrap();
}

/// What is agreed on, by the name it has there: the node, and whether the disk's content and name
/// are those of the log.
fn agreed(device: &Device, folder: FolderNumber) -> BTreeMap<String, (NodeId, bool)> {
    let mut found = BTreeMap::new();
    let read = |rows: &hythe_client::state::Rows<'_>| -> Result<(), StateError> {
        rows.each_synced(folder, |row| {
            let local = rows.local(folder, row.id)?.unwrap().node;
            let same = row.stamp == local.stamp && row.place == local.place;
            found.insert(row.place.name.to_string(), (row.id, same));
            Ok(())
        })
    };
    device.common.state.read(read).unwrap();
    found
}

fn common(device: &Device, replica: &Replica) -> Option<Head> {
    let number = replica.number();
    let row = device.common.state.read(|rows| rows.space(number)).unwrap();
    row.unwrap().common
}

/// Lets something go on for so many turns; none when it is then dropped where it is.
async fn for_turns<F: Future>(work: F, turns: usize) -> Option<F::Output> {
    let (mut work, mut left) = (pin!(work), turns);
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

/// One that agreed on more than the server has now, and the position up to which it has all.
struct Behind {
    past: Past,
    server: Running,
    home: TempDir,
    keys: Arc<DeviceKeys>,
    folder: FolderNumber,
    nodes: BTreeMap<String, NodeId>,
    common: Head,
}

/// Two devices edit, rename and create; then the server goes back to before that, and the second
/// one, which sees that first, edits `theirs` and brings `edited` back.
async fn behind() -> Behind {
    let rig = start().await;
    let device = rig.account("ada").await;
    let home = device.home().await;
    let second = device.add().await;
    drop(home.catch_up().await.unwrap());
    for called in ["kept", "edited", "theirs", "old name"] {
        put(&home, called, called.into()).await.unwrap();
    }
    let common = home.head().await;
    let listen = rig.server.addr();
    let past = Past {
        data: rig.data,
        listen,
    };
    let server = past.keep(rig.server, "backup").await;
    edit(&device, &home, "edited", b"newer").await;
    edit(&device, &home, "theirs", b"newer than the backup").await;
    rename(&device, &home, "old name", "renamed").await;
    put(&home, "created", b"after the backup".to_vec())
        .await
        .unwrap();
    let folder = add_folder(&device, &home).await;
    agree(&device, &home, folder).await;
    let nodes = agreed(&device, folder);
    let nodes = nodes
        .into_iter()
        .map(|(name, (id, _))| (name, id))
        .collect();
    let server = past.back_to(server, "backup").await;
    let there = second.home().await;
    edit(&second, &there, "theirs", b"after the restore").await;
    let create = create(NodeId::ROOT, "of theirs", NodeKind::Directory, None);
    there.commit(vec![create], Vec::new()).await.unwrap();
    let Device { home, keys, .. } = device;
    Behind {
        past,
        server,
        home,
        keys,
        folder,
        nodes,
        common,
    }
}

impl Behind {
    /// The device, from a copy of what it has on its disk.
    fn device(&self) -> Device {
        let home = tempfile::tempdir().unwrap();
        copy(self.home.path(), home.path());
        Device::open(home, (*self.keys).clone())
    }

    async fn replica(&self, device: &Device) -> Replica {
        let space = device.personal().await;
        Replica::open(device.common.clone(), space).await.unwrap()
    }

    async fn go_on(&self, device: &Device) -> Replica {
        let replica = self.replica(device).await;
        let epoch = device.common.api.server().await.unwrap().epoch;
        drop(replica.start_over(epoch).await.unwrap());
        replica
    }

    /// What was agreed on fits the restored log: what it lacks was never agreed on, what it has an
    /// older state of is what the disk has a newer one of.
    fn assert_compared(&self, device: &Device) {
        let expected = [("kept", true), ("edited", false), ("old name", false)];
        let id = |called: &str| match called {
            "old name" => self.nodes["renamed"],
            other => self.nodes[other],
        };
        let expected: BTreeMap<String, (NodeId, bool)> = expected
            .iter()
            .map(|(called, same)| ((*called).to_owned(), (id(called), *same)))
            .collect();
        assert_eq!(agreed(device, self.folder), expected);
    }
}

#[tokio::test]
async fn sc123_what_was_agreed_on_is_compared_with_the_restored_log() {
    let behind = behind().await;
    let device = behind.device();
    let replica = behind.go_on(&device).await;
    let shown = names(&list(&device, &replica, NodeId::ROOT));
    assert_eq!(shown, ["edited", "kept", "of theirs", "old name", "theirs"]);
    behind.assert_compared(&device);
    behind.server.stop().await;
}

#[tokio::test]
async fn s10_a_restored_log_that_is_half_read_is_never_planned_by() {
    let behind = behind().await;
    let mut half_read = 0;
    for turns in (0..).step_by(3) {
        let device = behind.device();
        let replica = behind.replica(&device).await;
        let head = replica.head().await;
        let epoch = device.common.api.server().await.unwrap().epoch;
        let ended = for_turns(replica.start_over(epoch), turns).await;
        drop(replica);
        let replica = behind.replica(&device).await;
        match (common(&device, &replica), ended) {
            (Some(common), _) => {
                assert_eq!(common, behind.common);
                half_read += 1;
            }
            // Not yet begun.
            (None, None) if replica.head().await == head => {}
            (None, _) => behind.assert_compared(&device),
        }
        let ended = ended_at_once(&device, &replica).await;
        behind.go_on(&device).await;
        behind.assert_compared(&device);
        if ended {
            break;
        }
    }
    assert!(half_read > 3, "only {half_read} were in the middle");
    behind.server.stop().await;
}

/// Whether nothing was left to be done.
async fn ended_at_once(device: &Device, replica: &Replica) -> bool {
    let epoch = device.common.api.server().await.unwrap().epoch;
    let number = replica.number();
    let row = device.common.state.read(|rows| rows.space(number)).unwrap();
    row.unwrap().server_epoch == Some(epoch) && common(device, replica).is_none()
}

#[tokio::test]
async fn d4_a_second_restore_in_the_middle_is_compared_with_what_was_agreed_on() {
    let mut behind = behind().await;
    let device = behind.device();
    let replica = behind.replica(&device).await;
    let epoch = device.common.api.server().await.unwrap().epoch;
    let mut turns = 1;
    while common(&device, &replica).is_none() {
        assert!(for_turns(replica.start_over(epoch), turns).await.is_none());
        turns += 1;
    }
    behind.server = behind.past.back_to(behind.server, "backup").await;
    drop(replica);
    let replica = behind.go_on(&device).await;
    let shown = names(&list(&device, &replica, NodeId::ROOT));
    assert_eq!(shown, ["edited", "kept", "old name", "theirs"]);
    let agreed = agreed(&device, behind.folder);
    assert_eq!(agreed["theirs"], (behind.nodes["theirs"], false));
    assert_eq!(agreed.len(), 4);
    behind.server.stop().await;
}

#[tokio::test]
async fn d4_where_the_past_is_not_known_the_log_says_where_it_was_restored() {
    let behind = behind().await;
    let device = behind.device();
    // As if the device had begun with a snapshot made after the backup.
    let state = device.home.path().join("state.db");
    let forgotten = rusqlite::Connection::open(state).unwrap();
    let after = i64::try_from(behind.common.cursor.0).unwrap();
    forgotten
        .execute("DELETE FROM chain WHERE cursor <= ?1", [after])
        .unwrap();
    drop(forgotten);
    behind.go_on(&device).await;
    behind.assert_compared(&device);
    behind.server.stop().await;
}
