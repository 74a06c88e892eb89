//! The state database.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use hythe_client::state::{
    ChunkPlace, Condition, FolderNumber, LocalRow, OwnRow, PendingRow, ProblemRow, ProblemSource,
    RemoteRow, SpaceNumber, SpaceRow, State, StateError, Subject, Tx,
};
use hythe_model::{
    Attributes, ChainHash, ChunkId, ContentHash, Cursor, EntryName, Head, HeaderHash, NameError,
    NameTag, NodeId, NodeKind, Role, ServerEpoch, SpaceId, Timestamp, TreePath, VersionId,
};
use hythe_sync::{
    DiskStamp, LocalNode, Newer, Place, Quarantine, RemoteNode, SyncedNode, Trees, Versions,
};

use crate::ground::{Ground, Mounted, TOP, add_folder};

fn node(n: u32) -> NodeId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    NodeId(id)
}

fn place(name: &str) -> Place {
    Place::new(TOP, EntryName::new(name).unwrap())
}

fn stamp(inode: u64) -> DiskStamp {
    DiskStamp {
        device: 0,
        inode,
        size: 10,
        modified: Timestamp {
            seconds: 1,
            nanos: 2,
        },
        changed: Timestamp {
            seconds: 3,
            nanos: 4,
        },
        born: Some(Timestamp {
            seconds: -5,
            nanos: 6,
        }),
    }
}

fn local(n: u32, name: &str) -> LocalRow {
    let (id, place, kind) = (node(n), place(name), NodeKind::File);
    let node = LocalNode {
        id,
        place,
        kind,
        executable: true,
        stamp: stamp(n.into()),
        hash: None,
    };
    LocalRow { node, racy: true }
}

fn versions(n: u8) -> Versions {
    Versions {
        place: VersionId([n; 16]),
        attributes: VersionId([n + 1; 16]),
        body: Some(VersionId([n + 2; 16])),
    }
}

fn remote(n: u32, name: Result<&str, Quarantine>) -> RemoteRow {
    RemoteRow {
        node: RemoteNode {
            id: node(n),
            parent: TOP,
            name: name.map(|name| EntryName::new(name).unwrap()),
            kind: NodeKind::File,
            deleted: false,
            versions: versions(7),
            attributes: Attributes {
                executable: true,
                modified: Timestamp {
                    seconds: -1,
                    nanos: 9,
                },
            },
            size: u64::MAX,
            hash: Some(ContentHash([8; 32])),
        },
        tag: NameTag([n as u8; 32]),
        record: vec![1, 2, 3],
    }
}

fn synced(n: u32) -> SyncedNode {
    SyncedNode {
        id: node(n),
        place: place("s"),
        kind: NodeKind::Symlink,
        versions: Versions {
            body: None,
            ..versions(1)
        },
        attributes: Attributes::default(),
        executable_on_disk: true,
        stamp: DiskStamp {
            born: None,
            ..stamp(3)
        },
        size: 4,
        hash: None,
    }
}

fn write<T: Send + 'static>(
    state: &State,
    change: impl FnOnce(&Tx<'_>) -> Result<T, StateError> + Send + 'static,
) -> T {
    state.write_blocking(change).unwrap()
}

#[test]
fn rows_of_the_three_trees_come_back_as_they_were() {
    let ground = Ground::new();
    let (state, folder) = (&ground.state, ground.folder);
    let space = state
        .read(|rows| rows.folder(folder))
        .unwrap()
        .unwrap()
        .space;
    let quarantines = [
        Quarantine::Tag,
        Quarantine::Sealed,
        NameError::Empty.into(),
        NameError::TooLong.into(),
        NameError::Dots.into(),
        NameError::Separator.into(),
        NameError::Reserved.into(),
    ];
    write(state, move |tx| {
        tx.put_local(folder, &local(1, "one"))?;
        tx.put_synced(folder, &synced(1))?;
        tx.put_remote(space, &remote(1, Ok("one")))?;
        for (n, quarantine) in (10..).zip(quarantines) {
            tx.put_remote(space, &remote(n, Err(quarantine)))?;
        }
        tx.put_remote_body(space, node(1), b"body")
    });
    let read = || -> Result<(), StateError> {
        state.read(|rows| {
            assert_eq!(rows.local(folder, node(1))?, Some(local(1, "one")));
            assert_eq!(rows.synced(folder, node(1))?, Some(synced(1)));
            assert_eq!(rows.remote(space, node(1))?, Some(remote(1, Ok("one"))));
            for (n, quarantine) in (10..).zip(quarantines) {
                assert_eq!(
                    rows.remote(space, node(n))?,
                    Some(remote(n, Err(quarantine)))
                );
            }
            assert_eq!(rows.remote_body(space, node(1))?.unwrap(), b"body");
            assert_eq!(
                rows.remote_by_tag(space, TOP, NameTag([1; 32]))?,
                Some(node(1))
            );
            assert_eq!(rows.remote_count(space, TOP)?, 8);
            Ok(())
        })
    };
    read().unwrap();
    let trees = state.folder_trees(folder).unwrap();
    assert_eq!(trees.root(), TOP);
    assert_eq!(trees.local_child(&place("one")).unwrap(), Some(node(1)));
    assert_eq!(trees.remote_child(&place("one")).unwrap(), Some(node(1)));
    assert_eq!(trees.remote_children(TOP).unwrap().len(), 8);
    assert_eq!(trees.local_children(TOP).unwrap(), [node(1)]);
    assert_eq!(trees.synced(node(2)).unwrap(), None);
}

#[test]
fn names_change_hands_within_one_change() {
    let ground = Ground::new();
    let (state, folder) = (&ground.state, ground.folder);
    let space = state
        .read(|rows| rows.folder(folder))
        .unwrap()
        .unwrap()
        .space;
    write(state, move |tx| {
        tx.put_local(folder, &local(1, "a"))?;
        tx.put_local(folder, &local(2, "b"))?;
        assert_eq!(tx.put_local(folder, &local(1, "b"))?, Some(node(2)));
        assert_eq!(tx.put_local(folder, &local(2, "a"))?, None);
        tx.put_remote(space, &remote(1, Ok("a")))?;
        tx.put_remote(space, &remote(2, Ok("b")))?;
        tx.release_tag(space, node(2))?;
        tx.put_remote(
            space,
            &RemoteRow {
                tag: NameTag([2; 32]),
                ..remote(1, Ok("b"))
            },
        )?;
        tx.put_remote(
            space,
            &RemoteRow {
                tag: NameTag([1; 32]),
                ..remote(2, Ok("a"))
            },
        )
    });
    let trees = state.folder_trees(folder).unwrap();
    for (name, n) in [("a", 2), ("b", 1)] {
        assert_eq!(trees.local_child(&place(name)).unwrap(), Some(node(n)));
        assert_eq!(trees.remote_child(&place(name)).unwrap(), Some(node(n)));
    }
    let two = state.write_blocking::<_, StateError>(move |tx| {
        tx.put_remote(
            space,
            &RemoteRow {
                tag: NameTag([2; 32]),
                ..remote(3, Ok("x"))
            },
        )
    });
    assert!(two.is_err(), "t1: one live node per name");
}

#[test]
fn an_adopted_node_keeps_what_is_below_it() {
    let ground = Ground::new();
    let folder = ground.folder;
    let child = |parent: NodeId| {
        let mut row = local(2, "child");
        row.node.place.parent = parent;
        row
    };
    write(&ground.state, move |tx| {
        let mut directory = local(1, "d");
        directory.node.kind = NodeKind::Directory;
        tx.put_local(folder, &directory)?;
        tx.put_local(folder, &child(node(1)))?;
        tx.rename_local(folder, node(1), node(9))
    });
    let path = |n| {
        ground
            .state
            .read(|rows| rows.local_path(folder, TOP, node(n)))
            .unwrap()
    };
    assert_eq!(path(2), Some(TreePath::parse(b"d/child").unwrap()));
    assert_eq!(path(9), Some(TreePath::parse(b"d").unwrap()));
    assert_eq!(path(1), None);
}

#[test]
fn a_hash_is_kept_only_for_the_stamp_it_was_read_under() {
    let ground = Ground::new();
    let folder = ground.folder;
    let hash = ContentHash([5; 32]);
    let set = write(&ground.state, move |tx| {
        tx.put_local(folder, &local(1, "f"))?;
        Ok((
            tx.set_local_hash(folder, node(1), &stamp(77), hash)?,
            tx.local(folder, node(1))?.unwrap().node.hash,
            tx.set_local_hash(folder, node(1), &stamp(1), hash)?,
        ))
    });
    assert_eq!(set, (false, None, true));
    let row = ground
        .state
        .read(|rows| rows.local(folder, node(1)))
        .unwrap()
        .unwrap();
    assert_eq!((row.node.hash, row.racy), (Some(hash), false));
}

#[test]
fn a_space_comes_back_with_its_chain_its_records_and_our_place_in_it() {
    let ground = Ground::new();
    let row = SpaceRow {
        id: SpaceId([6; 32]),
        name: "home".to_owned(),
        role: Role::Owner,
        server_epoch: Some(ServerEpoch([7; 16])),
        head: Head {
            cursor: Cursor(5),
            chain: ChainHash([5; 32]),
        },
        digest: vec![1; 2048],
        common: None,
    };
    let next = Head {
        cursor: Cursor(6),
        chain: ChainHash([6; 32]),
    };
    let own = OwnRow {
        counter: 3,
        previous: HeaderHash([3; 32]),
        underway: Some(vec![1]),
    };
    let (put, kept) = (row.clone(), own.clone());
    let space = write(&ground.state, move |tx| {
        let space = tx.space_number(put.id)?;
        assert_eq!(tx.space_number(put.id)?, space);
        tx.update_space(space, &put)?;
        tx.advance(space, next, &[2])?;
        tx.put_record(space, b"m1", b"one")?;
        tx.put_record(space, b"m2", b"two")?;
        tx.put_record(space, b"n", b"other")?;
        tx.put_own(space, &kept)?;
        Ok(space)
    });
    let look = |rows: &hythe_client::state::Rows<'_>| -> Result<(), StateError> {
        let wanted = SpaceRow {
            head: next,
            digest: vec![2],
            ..row
        };
        assert_eq!(rows.space_by_id(SpaceId([6; 32]))?, Some((space, wanted)));
        assert_eq!(rows.chain_at(space, Cursor(6))?, Some(ChainHash([6; 32])));
        assert_eq!(rows.chain_at(space, Cursor(4))?, None);
        assert_eq!(
            rows.records(space, b"m")?,
            [b"one".to_vec(), b"two".to_vec()]
        );
        assert_eq!(rows.own(space)?, Some(own));
        Ok(())
    };
    ground.state.read(look).unwrap();
    write(&ground.state, move |tx| tx.forget_log(space));
    let left = ground
        .state
        .read(|rows| rows.space(space))
        .unwrap()
        .unwrap();
    assert_eq!(left.head, Head::START);
    assert_eq!(
        ground
            .state
            .read(|rows| rows.records(space, b""))
            .unwrap()
            .len(),
        0
    );
}

/// What was agreed on says version 1 of everything, the log that is read anew says `body` of the
/// content.
fn agreed(ground: &Ground, body: u8) -> SpaceNumber {
    let folder = ground.folder;
    let row = ground.state.read(|rows| rows.folder(folder)).unwrap();
    let space = row.unwrap().space;
    let there = RemoteRow {
        node: RemoteNode {
            kind: NodeKind::File,
            versions: Versions {
                body: Some(VersionId([body; 16])),
                ..versions(1)
            },
            hash: Some(ContentHash([body; 32])),
            ..remote(1, Ok("one")).node
        },
        ..remote(1, Ok("one"))
    };
    write(&ground.state, move |tx| {
        tx.put_local(folder, &local(1, "one"))?;
        tx.put_synced(
            folder,
            &SyncedNode {
                kind: NodeKind::File,
                versions: versions(1),
                ..synced(1)
            },
        )?;
        tx.abandon_log(space, COMMON)?;
        tx.put_remote(space, &there)
    });
    space
}

const COMMON: Head = Head {
    cursor: Cursor(4),
    chain: ChainHash([4; 32]),
};

#[test]
fn c5_an_abandoned_log_stays_so_until_it_was_compared() {
    let ground = Ground::new();
    let space = agreed(&ground, 9);
    let known = || {
        ground
            .state
            .read(|rows| rows.space(space))
            .unwrap()
            .unwrap()
    };
    assert_eq!(known().common, Some(COMMON));
    // A try that broke off begins anew, and a second restore may come in between.
    write(&ground.state, move |tx| {
        tx.forget_log(space)?;
        tx.abandon_log(space, Head::START)
    });
    assert_eq!(known().common, Some(COMMON), "that of what was agreed on");
    let epoch = ServerEpoch([8; 16]);
    write(&ground.state, move |tx| {
        tx.compare_restored(space, epoch, |_| Newer::default())
    });
    assert_eq!((known().common, known().server_epoch), (None, Some(epoch)));
}

#[test]
fn c5_a_row_that_was_behind_the_abandoned_log_is_known_to_be() {
    let ground = Ground::new();
    let (space, folder) = (agreed(&ground, 3), ground.folder);
    let there = |version| RemoteRow {
        node: RemoteNode {
            versions: Versions {
                body: Some(VersionId([version; 16])),
                ..versions(1)
            },
            ..remote(1, Ok("one")).node
        },
        ..remote(1, Ok("one"))
    };
    let epoch = ServerEpoch([8; 16]);
    // Version 9 was fetched neither before the server was restored nor after it.
    write(&ground.state, move |tx| {
        tx.compare_restored(space, epoch, |_| Newer::default())?;
        tx.put_remote(space, &there(9))?;
        tx.abandon_log(space, COMMON)?;
        tx.put_remote(space, &there(9))?;
        tx.compare_restored(space, epoch, |_| Newer::default())
    });
    let row = ground.state.read(|rows| rows.synced(folder, node(1)));
    let row = row.unwrap().unwrap();
    assert_eq!(row.versions, versions(1), "still to be fetched");
}

#[test]
fn c5_what_was_agreed_on_is_compared_row_by_row() {
    let over = |version| Newer {
        body: Some(VersionId([version; 16])),
        ..Newer::default()
    };
    // Versions of the content: 3 is what was agreed on.
    for (body, newer, expected) in [
        (3, Newer::default(), Some((3, true))),
        (9, Newer::default(), Some((9, false))),
        (9, over(8), None),
        (9, over(3), Some((3, true))),
    ] {
        let ground = Ground::new();
        let (space, folder) = (agreed(&ground, body), ground.folder);
        let changed = write(&ground.state, move |tx| {
            tx.compare_restored(space, ServerEpoch([8; 16]), |_| newer)
        });
        assert_eq!(changed, usize::from(expected != Some((3, true))));
        let row = ground.state.read(|rows| rows.synced(folder, node(1)));
        let row = row.unwrap().map(|row| {
            let version = row.versions.body.unwrap();
            (version.0[0], row.was_on_disk())
        });
        assert_eq!(row, expected);
    }
}

#[test]
fn prepared_uploads_and_places_of_chunks_come_back() {
    let ground = Ground::new();
    let folder = ground.folder;
    let pending = PendingRow {
        stamp: stamp(1),
        body: vec![2],
    };
    let chunk = ChunkId([9; 32]);
    let at = ChunkPlace {
        folder,
        node: node(1),
        offset: 1 << 40,
    };
    let put = pending.clone();
    write(&ground.state, move |tx| {
        tx.put_pending(folder, node(1), &put)?;
        tx.put_chunk(&chunk, &at)?;
        tx.put_chunk(&chunk, &at)
    });
    let read = || {
        let look = |rows: &hythe_client::state::Rows<'_>| -> Result<_, StateError> {
            Ok((rows.pending(folder, node(1))?, rows.chunk_places(&chunk)?))
        };
        ground.state.read(look).unwrap()
    };
    assert_eq!(read(), (Some(pending), vec![at]));
    write(&ground.state, move |tx| {
        tx.remove_pending(folder, node(1))?;
        tx.remove_chunk(&chunk, &at)
    });
    assert_eq!(read(), (None, vec![]));
}

#[test]
fn problems_are_replaced_by_those_who_found_them() {
    let ground = Ground::new();
    let folder = ground.folder;
    let problem = |path: &str, reason: &str| ProblemRow {
        source: ProblemSource::Scan,
        subject: Subject::Path(path.into()),
        path: path.into(),
        reason: reason.to_owned(),
        action: String::new(),
        since_ms: 1,
        retry_ms: Some(2),
    };
    let listed = || ground.state.read(|rows| rows.problems(folder)).unwrap();
    write(&ground.state, move |tx| {
        tx.put_problem(folder, &problem("a/b", "why"))?;
        tx.put_problem(
            folder,
            &ProblemRow {
                since_ms: 9,
                ..problem("a/b", "why now")
            },
        )?;
        tx.put_problem(folder, &problem("ab", "x"))?;
        tx.put_problem(folder, &problem("a/b/c", "y"))
    });
    assert_eq!(
        listed(),
        [
            problem("a/b", "why now"),
            problem("a/b/c", "y"),
            problem("ab", "x")
        ]
    );
    write(&ground.state, move |tx| {
        tx.remove_problems_in(folder, ProblemSource::Scan, b"a")?;
        tx.remove_problems_below(folder, ProblemSource::Plan, &TreePath::ROOT)
    });
    assert_eq!(listed(), [problem("a/b/c", "y"), problem("ab", "x")]);
    write(&ground.state, move |tx| {
        tx.remove_problems_below(folder, ProblemSource::Scan, &TreePath::parse(b"a").unwrap())
    });
    assert_eq!(listed(), [problem("ab", "x")]);
}

#[test]
fn s10_a_change_that_fails_is_undone_alone() {
    let ground = Ground::new();
    let folder = ground.folder;
    let mut results = Vec::new();
    for n in 0..200 {
        results.push(ground.state.write(move |tx| {
            tx.put_local(folder, &local(n, &format!("f{n}")))?;
            match n % 10 {
                3 => Err(StateError::Invalid("thing")),
                7 => panic!("a mistake in a change"),
                _ => Ok(n),
            }
        }));
    }
    for (n, result) in (0..).zip(results) {
        match n % 10 {
            3 => assert!(matches!(result.wait(), Err(StateError::Invalid("thing")))),
            7 => assert!(matches!(result.wait(), Err(StateError::BrokeOff))),
            _ => assert_eq!(result.wait().unwrap(), n),
        }
    }
    let count = ground.state.read(|rows| rows.local_count(folder)).unwrap();
    assert_eq!(count, 160);
}

#[test]
fn changes_can_be_awaited_and_are_done_in_order() {
    let ground = Ground::new();
    let mut last = None;
    for n in 0..100_u8 {
        last = Some(ground.state.write(move |tx| -> Result<u8, StateError> {
            tx.set_setting("last", &[n])?;
            Ok(n)
        }));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    assert_eq!(runtime.block_on(last.unwrap()).unwrap(), 99);
    let seen = ground.state.read(|rows| rows.setting("last")).unwrap();
    assert_eq!(seen, Some(vec![99]));
}

#[test]
fn a_snapshot_is_one_moment() {
    let ground = Ground::new();
    let set = |value: u8| write(&ground.state, move |tx| tx.set_setting("x", &[value]));
    set(1);
    let snapshot = ground.state.snapshot().unwrap();
    set(2);
    assert_eq!(
        snapshot.rows().unwrap().setting("x").unwrap(),
        Some(vec![1])
    );
    drop(snapshot);
    assert_eq!(
        ground.state.read(|rows| rows.setting("x")).unwrap(),
        Some(vec![2])
    );
}

#[test]
fn closing_does_what_is_queued() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let (state, condition) = State::open(&path).unwrap();
    assert_eq!(condition, Condition::New);
    for n in 0..100_u8 {
        drop(state.write(move |tx| tx.set_setting("n", &[n])));
    }
    drop(state);
    let (state, condition) = State::open(&path).unwrap();
    assert_eq!(condition, Condition::Clean);
    assert_eq!(
        state.read(|rows| rows.setting("n")).unwrap(),
        Some(vec![99])
    );
}

/// A copy of the files of a database that is open: what a killed process leaves.
fn killed(ground: &Ground) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for part in ["state.db", "state.db-wal", "state.db.folders"] {
        std::fs::copy(ground.home.path().join(part), copy.path().join(part)).unwrap();
    }
    copy
}

#[test]
fn s10_a_killed_process_leaves_a_database_that_is_checked_and_whole() {
    let ground = Ground::new();
    let folder = ground.folder;
    write(&ground.state, move |tx| {
        tx.put_local(folder, &local(1, "f")).map(drop)
    });
    let copy = killed(&ground);
    let (state, condition) = State::open(&copy.path().join("state.db")).unwrap();
    assert_eq!(condition, Condition::Checked);
    assert_eq!(state.read(|rows| rows.local_count(folder)).unwrap(), 1);
}

#[test]
fn sc089_a_damaged_database_is_set_aside_and_the_folders_are_known_still() {
    let ground = Ground::new();
    let folder = ground.folder;
    write(&ground.state, move |tx| {
        (0..2000).try_for_each(|n| tx.put_local(folder, &local(n, &format!("f{n}"))).map(drop))
    });
    for damage in [
        Damage::Header,
        Damage::Middle,
        Damage::Truncated,
        Damage::Lost,
    ] {
        let copy = killed(&ground);
        let path = copy.path().join("state.db");
        damage.apply(&path);
        let (state, condition) = State::open(&path).unwrap();
        match (&damage, condition) {
            (Damage::Lost, Condition::New) => {}
            (_, Condition::Damaged { kept }) => assert!(kept.exists()),
            (damage, other) => panic!("{damage:?} was found as {other:?}"),
        }
        let folders = state.read(|rows| rows.numbered_folders()).unwrap();
        assert_eq!(folders.len(), 1, "{damage:?}");
        assert_eq!(folders[0].1.path, ground.at("").components().as_path());
        assert!(
            folders[0].1.generations().is_empty(),
            "nothing agreed on is known"
        );
        assert_eq!(
            state.read(|rows| rows.local_count(folders[0].0)).unwrap(),
            0
        );
    }
}

#[derive(Debug)]
enum Damage {
    Header,
    Middle,
    Truncated,
    Lost,
}

impl Damage {
    fn apply(&self, path: &Path) {
        // Bring everything into the one file first.
        drop(State::open(path).unwrap());
        let connection = rusqlite::Connection::open(path).unwrap();
        connection
            .execute("INSERT OR REPLACE INTO settings VALUES ('open', x'01')", [])
            .unwrap();
        drop(connection);
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        match self {
            Self::Header => file.write_all(b"not a database").unwrap(),
            Self::Middle => {
                file.seek(SeekFrom::Start(length / 2)).unwrap();
                file.write_all(&[0xa5; 8192]).unwrap();
            }
            Self::Truncated => file.set_len(length / 2).unwrap(),
            Self::Lost => std::fs::remove_file(path).unwrap(),
        }
    }
}

#[test]
fn sc092_a_newer_format_is_refused_and_not_touched() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    drop(State::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(connection);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(
        State::open(&path),
        Err(StateError::Newer { found: 999, .. })
    ));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn sc096_a_full_disk_fails_the_change_and_keeps_what_was_there() {
    let home = tempfile::tempdir().unwrap();
    let Some(_mounted) = Mounted::tmpfs(home.path(), "size=2m") else {
        return;
    };
    let (state, _) = State::open(&home.path().join("state.db")).unwrap();
    let folder = add_folder(&state, Path::new("/folder"));
    let mut written = 0;
    let failure = loop {
        let one = state.write_blocking::<_, StateError>(move |tx| {
            tx.put_remote_body(
                hythe_client::state::SpaceNumber(1),
                node(written),
                &[7; 50_000],
            )?;
            tx.put_local(folder, &local(written, &format!("f{written}")))
                .map(drop)
        });
        match one {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1000);
    };
    assert!(matches!(failure, StateError::Full(_)), "{failure:?}");
    let count = state
        .read(|rows| rows.local_count(FolderNumber(1)))
        .unwrap();
    assert_eq!(
        count,
        u64::from(written),
        "what was acknowledged is there, and nothing else"
    );
}

#[test]
fn names_of_a_users_files_are_nobody_elses_business() {
    use std::os::unix::fs::MetadataExt;
    let ground = Ground::new();
    let mode = ground
        .home
        .path()
        .join("state.db")
        .metadata()
        .unwrap()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}
