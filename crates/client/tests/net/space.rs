//! Committing, following, and refusing what does not verify.

use hythe_client::commit::{CommitError, Edit, NewAttributes};
use hythe_client::replica::Replica;
use hythe_model::{Attributes, NodeId, NodeKind};
use hythe_sync::Versions;
use hythe_wire::There;
use hythe_wire::event::{Event, EventsRequest, SpacePosition};

use crate::proxy::Proxy;
use crate::rig::{create, find, list, name, names, put, start, upload_all, version};

#[tokio::test]
async fn t2_a_commit_of_three_files_is_seen_by_a_second_device() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let transfer = home.transfer().await.unwrap();
    let contents = vec![b"one".to_vec(), Vec::new(), vec![7; 300_000]];
    let (prepared, attached) = upload_all(&transfer, contents).await;
    let mut edits = vec![create(NodeId::ROOT, "d", NodeKind::Directory, None)];
    for (index, body) in prepared.into_iter().enumerate() {
        edits.push(create(
            NodeId::ROOT,
            &format!("f{index}"),
            NodeKind::File,
            Some(body),
        ));
    }
    let done = home.commit(edits, attached).await.unwrap();
    assert!(done.rest.is_empty());
    assert_eq!(done.applied.changed.len(), 4);

    let second = first.add().await;
    let there = second.home().await;
    assert_eq!(there.digest().await, home.digest().await);
    let nodes = list(&second, &there, NodeId::ROOT);
    assert_eq!(names(&nodes), ["d", "f0", "f1", "f2"]);
    assert_eq!(
        (nodes[1].size, nodes[2].size, nodes[3].size),
        (3, 0, 300_000)
    );
    assert_eq!(nodes[1].hash.unwrap().0, *blake3::hash(b"one").as_bytes());
    assert_eq!(nodes[1].attributes, crate::rig::attributes());
    assert_eq!(nodes, list(&first, &home, NodeId::ROOT));
}

#[tokio::test]
async fn every_kind_of_edit_reaches_the_other_device() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    put(&home, "a", b"first".to_vec()).await.unwrap();
    put(&home, "b", b"gone".to_vec()).await.unwrap();
    home.commit(
        vec![create(NodeId::ROOT, "d", NodeKind::Directory, None)],
        Vec::new(),
    )
    .await
    .unwrap();
    let (a, b, d) = (
        find(&first, &home, "a"),
        find(&first, &home, "b"),
        find(&first, &home, "d"),
    );

    let transfer = home.transfer().await.unwrap();
    let (mut bodies, attached) = upload_all(&transfer, vec![b"second".to_vec()]).await;
    let body = bodies.pop().map(|prepared| hythe_client::commit::NewBody {
        expected: a.versions.body.unwrap(),
        new: version(),
        prepared,
    });
    let plain = Attributes::default();
    let edits = vec![
        Edit::Move {
            node: a.id,
            parent: d.id,
            name: name("moved"),
            expected: a.versions.place,
            new: version(),
        },
        Edit::Update {
            node: a.id,
            attributes: Some(NewAttributes {
                expected: a.versions.attributes,
                new: version(),
                attributes: plain,
            }),
            body,
        },
        Edit::Delete {
            node: b.id,
            expected: b.versions,
        },
        // The name that was given up is free within the same change set.
        create(NodeId::ROOT, "b", NodeKind::Directory, None),
    ];
    home.commit(edits, attached).await.unwrap();

    let second = first.add().await;
    let there = second.home().await;
    assert_eq!(names(&list(&second, &there, NodeId::ROOT)), ["b", "d"]);
    let moved = list(&second, &there, d.id).pop().unwrap();
    assert_eq!((moved.id, moved.size, moved.attributes), (a.id, 6, plain));
    assert_eq!(moved.name, Ok(name("moved")));

    let restore = Edit::Restore {
        node: b.id,
        parent: NodeId::ROOT,
        name: name("back"),
        expected: b.versions.place,
        new: version(),
    };
    there.commit(vec![restore], Vec::new()).await.unwrap();
    let _ = home.catch_up().await.unwrap();
    assert_eq!(find(&first, &home, "back").size, 4);
    assert_eq!(home.digest().await, there.digest().await);
}

#[tokio::test]
async fn a_change_that_does_not_fit_is_refused_whole_and_the_log_read_on() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    put(&home, "a", b"x".to_vec()).await.unwrap();
    let second = first.add().await;
    let there = second.home().await;
    put(&there, "taken", b"y".to_vec()).await.unwrap();

    let edits = vec![
        create(NodeId::ROOT, "fine", NodeKind::Directory, None),
        create(NodeId::ROOT, "taken", NodeKind::Directory, None),
    ];
    match home.commit(edits, Vec::new()).await {
        Err(CommitError::Refused {
            there: Some(There::NameTaken { by, .. }),
            applied,
        }) => {
            assert_eq!(by, find(&first, &home, "taken").id);
            assert_eq!(applied.changed.len(), 1);
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("a taken name was given away"),
    }
    assert_eq!(names(&list(&first, &home, NodeId::ROOT)), ["a", "taken"]);
    // The author's chain is unbroken: the next commit goes through.
    put(&home, "after", b"z".to_vec()).await.unwrap();
}

#[tokio::test]
async fn c6_a_commit_whose_reply_was_lost_is_found_in_the_log_and_not_repeated() {
    let proxy = Proxy::start().await;
    let device = proxy.behind(proxy.account("ada").await);
    let home = device.home().await;
    put(&home, "a", b"x".to_vec()).await.unwrap();
    proxy.lie(|path, bytes| {
        if path.ends_with("/changes") {
            Vec::new()
        } else {
            bytes
        }
    });
    let lost = put(&home, "b", b"y".to_vec()).await.err().unwrap();
    assert!(matches!(lost, CommitError::Unknown(_)), "{lost}");
    assert_eq!(names(&list(&device, &home, NodeId::ROOT)), ["a"]);
    proxy.be_honest();

    // As after a crash: what is under way is known from the state alone.
    drop(home);
    let space = device.personal().await;
    let again = Replica::open(device.common.clone(), space).await.unwrap();
    let settled = again.settle_underway().await.unwrap();
    assert_eq!(settled.changed.len(), 1);
    assert_eq!(names(&list(&device, &again, NodeId::ROOT)), ["a", "b"]);
    put(&again, "c", b"z".to_vec()).await.unwrap();
    assert_eq!(names(&list(&device, &again, NodeId::ROOT)), ["a", "b", "c"]);
}

#[tokio::test]
async fn events_carry_small_change_sets_to_the_other_device() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let second = first.add().await;
    let there = second.home().await;
    let account = second
        .common
        .accounts
        .get(second.keys.account)
        .await
        .unwrap();
    let position = SpacePosition {
        space: there.space(),
        head: there.head().await,
    };
    let from = EventsRequest {
        epoch: None,
        account: account.head(),
        spaces: vec![position],
    };
    let mut events = second.common.api.events(&from).await.unwrap();
    while !matches!(events.next().await.unwrap(), Event::Current) {}

    put(&home, "a", b"x".to_vec()).await.unwrap();
    let applied = loop {
        if let Event::Change {
            head, change_set, ..
        } = events.next().await.unwrap()
        {
            let bytes = change_set.unwrap();
            break there.take_event(head, Some(&bytes)).await.unwrap();
        }
    };
    assert_eq!(applied.changed.len(), 1);
    assert_eq!(there.digest().await, home.digest().await);
    assert_eq!(find(&second, &there, "a").size, 1);
}

#[tokio::test]
async fn many_edits_are_committed_in_several_change_sets() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let mut edits: Vec<Edit> = (0..4500)
        .map(|index| {
            create(
                NodeId::ROOT,
                &format!("d{index:04}"),
                NodeKind::Directory,
                None,
            )
        })
        .collect();
    let mut commits = 0;
    while !edits.is_empty() {
        edits = home.commit(edits, Vec::new()).await.unwrap().rest;
        commits += 1;
    }
    assert_eq!(commits, 3);
    let second = first.add().await;
    let there = second.home().await;
    assert_eq!(list(&second, &there, NodeId::ROOT).len(), 4500);
    assert_eq!(there.digest().await, home.digest().await);
}

#[tokio::test]
async fn sc045_a_delete_of_a_directory_takes_its_children_first() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    home.commit(
        vec![create(NodeId::ROOT, "d", NodeKind::Directory, None)],
        Vec::new(),
    )
    .await
    .unwrap();
    let d = find(&first, &home, "d");
    home.commit(
        vec![create(d.id, "e", NodeKind::Directory, None)],
        Vec::new(),
    )
    .await
    .unwrap();
    let e = list(&first, &home, d.id).pop().unwrap();
    let delete = |id, versions: Versions| Edit::Delete {
        node: id,
        expected: versions,
    };
    let refused = home
        .commit(vec![delete(d.id, d.versions)], Vec::new())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(
            refused,
            CommitError::Refused {
                there: Some(There::NotEmpty { .. }),
                ..
            }
        ),
        "{refused}"
    );
    home.commit(
        vec![delete(e.id, e.versions), delete(d.id, d.versions)],
        Vec::new(),
    )
    .await
    .unwrap();
    assert!(list(&first, &home, NodeId::ROOT).is_empty());
}

#[tokio::test]
async fn a_caller_that_hangs_up_at_any_moment_leaves_the_replica_whole() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let home = first.home().await;
    let second = first.add().await;
    let there = second.home().await;
    for round in 0..40u32 {
        let edit = create(
            NodeId::ROOT,
            &format!("{round:02}"),
            NodeKind::Directory,
            None,
        );
        home.commit(vec![edit], Vec::new()).await.unwrap();
        // Dropped wherever it is by then, later in each round.
        let patience = std::time::Duration::from_micros(u64::from(round) * 250);
        let _ = tokio::time::timeout(patience, there.catch_up()).await;
    }
    let _ = there.catch_up().await.unwrap();
    assert_eq!(there.digest().await, home.digest().await);
    assert_eq!(list(&second, &there, NodeId::ROOT).len(), 40);
}
