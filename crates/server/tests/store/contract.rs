//! What the rules promise, whatever the database.

use std::collections::BTreeMap;

use futures::StreamExt;
use hythe_content::{PackBuilder, store_body};
use hythe_model::{
    Body, Chunker, Cursor, Head, Layout, LayoutEntry, NodeId, NodeKind, OperationId, VersionId,
};
use hythe_server::files::{Denied, Files, FilesError, Principal, ReadChunk, Refused};
use hythe_server::notify::Notice;
use hythe_space::draft::SealedFields;
use hythe_space::operation::{AttributesWrite, Restore, Update};
use hythe_space::{Draft, Field, Hash32, Record, Refusal, SignedCheckpoint, digest_of, flow};
use hythe_wire::Token;
use hythe_wire::chunk::ObjectName;
use hythe_wire::device::{DeviceFolder, DevicePatch};
use hythe_wire::history::Action;
use hythe_wire::problem::{NodeField, There};

use crate::engine::on_sqlite;
use crate::person::{
    Person, address, attached, bytes_of, client_now_ms, info, name_of, prepare, sealed_body, tag,
};
use crate::world::World;

/// Hands the names of all cases to a macro.
macro_rules! for_all_cases {
    ($run:ident) => {
        $run! {
            registering_happens_once,
            a_bad_registration_leaves_nothing,
            devices_come_and_go,
            devices_are_described,
            a_commit_is_folded_numbered_and_told,
            c6_a_repeated_operation_has_its_effect_once,
            sc001_conflicting_commits_are_refused_with_what_is_there,
            concurrent_commits_of_one_name_have_one_winner,
            sc019_names_swap_within_a_change_set,
            sc021_a_directory_of_any_size_is_renamed_by_one_operation,
            another_history_is_refused,
            strangers_see_nothing,
            chunks_are_stored_once_and_read_verified,
            a_commit_without_its_chunks_is_refused,
            small_chunks_move_into_packs_unnoticed,
            trees_are_shown_complete_before_they_are_named,
            a_snapshot_is_the_state_of_one_position,
            history_and_trash_keep_every_version,
            checkpoints_are_kept_if_they_are_true,
            logs_are_read_in_bounded_pages,
            more_spaces_are_created,
            a_clean_server_checks_clean,
        }
    };
}
pub(crate) use for_all_cases;

macro_rules! sqlite_tests {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $case() { super::on_sqlite(super::$case); })*
        }
    };
}
for_all_cases!(sqlite_tests);

pub async fn registering_happens_once(world: World) {
    let first = prepare(&world, "ann").await;
    let invite = world.invite().await;
    let registered = world
        .files
        .register(&invite, first.registration.clone())
        .await
        .unwrap();
    let again = world
        .files
        .register(&invite, first.registration.clone())
        .await
        .unwrap();
    assert_eq!(again, registered, "C6: the reply was lost");
    assert_eq!(world.files.accounts().await.unwrap().len(), 1);

    let other = prepare(&world, "bob").await;
    let spent = world
        .files
        .register(&invite, other.registration.clone())
        .await;
    assert!(matches!(spent, Err(FilesError::Denied(Denied::TokenSpent))));
    let nobody = Token(hythe_model::Secret32::new([7; 32]));
    let unknown = world
        .files
        .register(&nobody, other.registration.clone())
        .await;
    assert!(matches!(
        unknown,
        Err(FilesError::Denied(Denied::TokenUnknown))
    ));
    let mut same_name = other.registration.clone();
    same_name.login = "ann".into();
    let invite = world.invite().await;
    let taken = world.files.register(&invite, same_name).await;
    assert!(matches!(
        taken,
        Err(FilesError::Refused(Refused::LoginTaken))
    ));
    // A refused registration does not use the invite up.
    world
        .files
        .register(&invite, other.registration)
        .await
        .unwrap();

    let expired = world
        .files
        .create_invite(std::time::Duration::ZERO, false)
        .await
        .unwrap();
    let late = prepare(&world, "cid").await.registration;
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let spent = world.files.register(&expired.token, late).await;
    assert!(matches!(spent, Err(FilesError::Denied(Denied::TokenSpent))));
}

pub async fn a_bad_registration_leaves_nothing(world: World) {
    let good = prepare(&world, "ann").await.registration;
    let before = world.files.stats().await.unwrap();
    let other = prepare(&world, "bob").await.registration;
    let invite = world.invite().await;
    let mut foreign_space = good.clone();
    foreign_space.space = other.space.clone();
    let mut no_space = good.clone();
    no_space.space.truncate(0);
    let mut no_genesis = good.clone();
    no_genesis.account.remove(0);
    let mut no_name = good.clone();
    no_name.login = " ".into();
    for bad in [foreign_space, no_space, no_genesis, no_name] {
        let refused = world.files.register(&invite, bad).await;
        assert!(
            matches!(
                refused,
                Err(FilesError::Invalid(_) | FilesError::Refused(_))
            ),
            "{refused:?}"
        );
    }
    assert_eq!(world.files.stats().await.unwrap(), before);
    world.files.register(&invite, good).await.unwrap();
}

pub async fn devices_come_and_go(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut second = ann.second_device(&world).await;
    let mut draft = Draft::new();
    second.directory(&mut draft, NodeId::ROOT, "by the second");
    second.commit(&world, draft, vec![]).await.unwrap();

    let mut heard = world.files.subscribe();
    let streaming: Principal = second.principal.clone();
    world.files.still_valid(&streaming).await.unwrap();
    let remove = flow::remove_device(
        &ann.account,
        &ann.key,
        &ann.keys,
        second.key.device_id(),
        client_now_ms(),
        &mut ann.entropy,
    )
    .unwrap();
    ann.append(&world, &remove, None).await.unwrap();

    // Cut off at once, also where it had been let in before.
    let gone = world.files.still_valid(&streaming).await;
    assert!(matches!(
        gone,
        Err(FilesError::Denied(Denied::DeviceRemoved))
    ));
    let gone = world.files.authenticate(&second.token, None).await;
    assert!(matches!(
        gone,
        Err(FilesError::Denied(Denied::DeviceRemoved))
    ));
    let mut draft = Draft::new();
    second.directory(&mut draft, NodeId::ROOT, "too late");
    let late = second.commit(&world, draft, vec![]).await;
    assert!(matches!(
        late,
        Err(FilesError::Denied(Denied::DeviceRemoved))
    ));
    world.files.still_valid(&ann.principal).await.unwrap();

    let removed = second.key.device_id();
    let told = loop {
        match heard.recv().await.unwrap() {
            Notice::DeviceRemoved { device, .. } => break device,
            _ => {}
        }
    };
    assert_eq!(told, removed);
    assert_eq!(world.files.devices(&ann.principal).await.unwrap().len(), 1);

    // A spent or unknown one-time token lets nobody in.
    let unknown = world.files.one_time_account(&second.token).await;
    assert!(matches!(
        unknown,
        Err(FilesError::Denied(Denied::TokenUnknown))
    ));
    let behind = ann.append(&world, &remove, None).await.unwrap();
    assert!(behind.repeated, "C6");
}

pub async fn devices_are_described(world: World) {
    let ann = Person::register(&world, "ann").await;
    let folders = vec![DeviceFolder {
        path: "/home/ann/Hythe".into(),
        space: ann.space,
    }];
    let patch = DevicePatch {
        name: Some("desk".into()),
        folders: Some(folders.clone()),
    };
    world
        .files
        .describe_device(&ann.principal, patch)
        .await
        .unwrap();
    let devices = world.files.devices(&ann.principal).await.unwrap();
    let [device] = &devices[..] else {
        panic!("{devices:?}")
    };
    assert_eq!((device.name.as_str(), &device.folders), ("desk", &folders));
    assert_eq!(device.platform, info("first").platform);
    // An IPv4 address that came through an IPv6 socket is shown as what it is.
    assert_eq!(device.address.as_deref(), Some("192.0.2.7"));
    assert_eq!(device.port, Some(address().port()));
    assert!(device.current && device.last_seen_ms.is_some());
    let long = DevicePatch {
        name: Some("x".repeat(300)),
        folders: None,
    };
    let refused = world.files.describe_device(&ann.principal, long).await;
    assert!(matches!(refused, Err(FilesError::Invalid(_))));
}

pub async fn a_commit_is_folded_numbered_and_told(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut heard = world.files.subscribe();
    let mut draft = Draft::new();
    let directory = ann.directory(&mut draft, NodeId::ROOT, "d");
    ann.file(&mut draft, directory, "f", vec![]);
    let change_set = ann.sign(draft);
    let committed = ann.send(&world, &change_set, vec![]).await.unwrap();
    assert_eq!(
        (committed.head.cursor, committed.repeated),
        (Cursor(3), false)
    );
    loop {
        let Notice::Changed {
            space,
            head,
            change_set: sent,
        } = heard.recv().await.unwrap()
        else {
            continue;
        };
        // PostgreSQL may still tell of what came before.
        if head == committed.head {
            assert_eq!(space, ann.space);
            // Between replicas only the position travels.
            assert!(sent.is_none_or(|sent| sent == bytes_of(&change_set)));
            break;
        }
    }
    ann.pull(&world).await;
    assert_eq!(ann.fold.head(), committed.head);
    let spaces = world.files.spaces(&ann.principal).await.unwrap();
    assert_eq!((spaces.len(), spaces[0].digest), (1, committed.digest));
    assert!(spaces[0].personal && spaces[0].open);
    let standing = world
        .files
        .standing(&ann.principal, ann.space, committed.head)
        .await
        .unwrap();
    assert!(standing.agrees);
    assert_eq!(
        (standing.head, standing.digest),
        (committed.head, committed.digest)
    );
}

pub async fn c6_a_repeated_operation_has_its_effect_once(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    let operation = OperationId([5; 16]);
    let change_set = ann.sign_as(draft, operation);
    let first = ann.send(&world, &change_set, vec![]).await.unwrap();
    let again = ann.send(&world, &change_set, vec![]).await.unwrap();
    assert_eq!((again.head, again.digest), (first.head, first.digest));
    assert!(again.repeated && !first.repeated);
    // Signed anew for the same operation, because the reply was lost and the log went on.
    ann.pull(&world).await;
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    let signed_anew = ann.sign_as(draft, operation);
    let anew = ann.send(&world, &signed_anew, vec![]).await.unwrap();
    assert_eq!((anew.head, anew.repeated), (first.head, true));
    ann.pull(&world).await;
    assert_eq!(ann.fold.head(), first.head);

    // The same bytes under another operation id break the author's chain instead.
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "e");
    let stale = ann.sign(draft);
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "f");
    ann.commit(&world, draft, vec![]).await.unwrap();
    let refused = ann.send(&world, &stale, vec![]).await.unwrap_err();
    let Some(There::AuthorChain { counter, .. }) = refused.there() else {
        panic!("{refused:?}")
    };
    assert_eq!(counter, 4);
}

pub async fn sc001_conflicting_commits_are_refused_with_what_is_there(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    let file = ann.file(&mut draft, NodeId::ROOT, "f", vec![]);
    let a = ann.directory(&mut draft, NodeId::ROOT, "a");
    let b = ann.directory(&mut draft, NodeId::ROOT, "b");
    ann.commit(&world, draft, vec![]).await.unwrap();
    let mut second = ann.second_device(&world).await;

    // Edit against edit.
    let mut draft = Draft::new();
    let winner = ann.rewrite(&mut draft, file, vec![]);
    ann.commit(&world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    second.rewrite(&mut draft, file, vec![]);
    let refused = second.commit(&world, draft, vec![]).await.unwrap_err();
    assert_eq!(
        refused.there(),
        Some(There::Mismatch {
            node: file,
            field: NodeField::Body,
            version: Some(winner)
        })
    );
    // SC-029: delete against edit.
    let mut draft = Draft::new();
    second.delete(&mut draft, file);
    let refused = refusal(second.commit(&world, draft, vec![]).await);
    assert_eq!(
        refused,
        Refusal::Mismatch {
            node: file,
            field: Field::Body,
            there: Some(winner)
        }
    );
    // SC-018: a name that was taken meanwhile.
    let mut draft = Draft::new();
    let node = ann.directory(&mut draft, NodeId::ROOT, "taken");
    ann.commit(&world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    second.directory(&mut draft, NodeId::ROOT, "taken");
    let refused = refusal(second.commit(&world, draft, vec![]).await);
    let (parent, tag) = (NodeId::ROOT, tag(NodeId::ROOT, "taken"));
    assert_eq!(
        refused,
        Refusal::NameTaken {
            parent,
            tag,
            by: node
        }
    );
    // SC-014: two moves that would make a cycle.
    let mut draft = Draft::new();
    ann.rename(&mut draft, a, b, "a");
    ann.commit(&world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    second.rename(&mut draft, b, a, "b");
    assert_eq!(
        refusal(second.commit(&world, draft, vec![]).await),
        Refusal::Cycle { node: b }
    );
    // SC-034: a directory that is not empty any more.
    let mut draft = Draft::new();
    second.delete(&mut draft, b);
    assert_eq!(
        refusal(second.commit(&world, draft, vec![]).await),
        Refusal::NotEmpty { node: b }
    );
    // A parent that is gone.
    let mut draft = Draft::new();
    let lost = NodeId([0xee; 16]);
    second.directory(&mut draft, lost, "x");
    assert_eq!(
        refusal(second.commit(&world, draft, vec![]).await),
        Refusal::Absent { node: lost }
    );
    // Nothing of all that left a trace; the second device goes on where it was.
    second.pull(&world).await;
    assert_eq!(second.fold.head(), ann.fold.head());
    let mut draft = Draft::new();
    second.rewrite(&mut draft, file, vec![]);
    second.commit(&world, draft, vec![]).await.unwrap();
    assert!(world.files.check().await.unwrap().is_clean());
}

fn refusal<T: std::fmt::Debug>(result: Result<T, FilesError>) -> Refusal {
    match result {
        Err(FilesError::Refused(Refused::Space(refusal))) => refusal,
        other => panic!("{other:?}"),
    }
}

pub async fn concurrent_commits_of_one_name_have_one_winner(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push(ann.second_device(&world).await);
    }
    let world = std::sync::Arc::new(world);
    let tasks = devices.into_iter().map(|mut device| {
        let world = std::sync::Arc::clone(&world);
        tokio::spawn(async move {
            // Devices that were enrolled earlier know less of the account's log; that is no harm.
            let mut draft = Draft::new();
            device.directory(&mut draft, NodeId::ROOT, "the same");
            let change_set = device.sign(draft);
            device.send(&world, &change_set, vec![]).await
        })
    });
    let mut won = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(FilesError::Refused(Refused::Space(Refusal::NameTaken { .. }))) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
}

pub async fn sc019_names_swap_within_a_change_set(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    let a = ann.file(&mut draft, NodeId::ROOT, "a", vec![]);
    let b = ann.file(&mut draft, NodeId::ROOT, "b", vec![]);
    let c = ann.file(&mut draft, NodeId::ROOT, "c", vec![]);
    ann.commit(&world, draft, vec![]).await.unwrap();
    // Through a third name, as the fold wants it; the tables see only the two ends.
    let mut draft = Draft::new();
    let expected = ann.rename(&mut draft, a, NodeId::ROOT, "spare");
    ann.rename(&mut draft, b, NodeId::ROOT, "a");
    let version = ann.version();
    let place = hythe_space::operation::Place {
        parent: NodeId::ROOT,
        tag: tag(NodeId::ROOT, "b"),
    };
    let write = hythe_space::operation::PlaceWrite {
        expected,
        version,
        place,
    };
    let update = Update {
        node: a,
        place: Some(write),
        attributes: None,
        body: None,
    };
    draft.update(
        update,
        SealedFields {
            name: Some("b".into()),
            ..Default::default()
        },
    );
    // And a name that a delete in the same change set frees.
    ann.delete(&mut draft, c);
    ann.directory(&mut draft, NodeId::ROOT, "c");
    ann.commit(&world, draft, vec![]).await.unwrap();
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn sc021_a_directory_of_any_size_is_renamed_by_one_operation(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    let directory = ann.directory(&mut draft, NodeId::ROOT, "many");
    for index in 0..500 {
        ann.file(&mut draft, directory, &format!("f{index}"), vec![]);
    }
    ann.commit(&world, draft, vec![]).await.unwrap();
    let files = ann
        .fold
        .records()
        .filter(|record| matches!(record, Record::Node(_)))
        .count();
    assert_eq!(files, 501);
    let mut draft = Draft::new();
    ann.rename(&mut draft, directory, NodeId::ROOT, "renamed");
    ann.commit(&world, draft, vec![]).await.unwrap();
    let history = world
        .files
        .history(&ann.principal, ann.space, directory, None, 10)
        .await;
    assert_eq!(history.unwrap().len(), 2);
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn another_history_is_refused(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    let stamp = ann.stamp(OperationId([1; 16]));
    let true_head = stamp.seen;
    let elsewhere = hythe_model::ChainHash([9; 32]);
    for seen in [
        Head {
            cursor: Cursor(2),
            chain: elsewhere,
        },
        Head {
            cursor: Cursor(1),
            chain: elsewhere,
        },
        Head {
            cursor: Cursor(3),
            chain: true_head.chain,
        },
        Head {
            cursor: Cursor(u64::MAX),
            chain: true_head.chain,
        },
    ] {
        let stamp = hythe_space::Stamp {
            seen,
            ..stamp.clone()
        };
        let change_set = draft.clone().sign(stamp, &ann.key).unwrap();
        match ann.send(&world, &change_set, vec![]).await {
            Err(FilesError::Diverged { head, epoch }) => {
                assert_eq!((head, epoch), (true_head, world.files.epoch()));
            }
            other => panic!("{other:?}"),
        }
        let standing = world
            .files
            .standing(&ann.principal, ann.space, seen)
            .await
            .unwrap();
        assert!(!standing.agrees);
    }
    let start = world
        .files
        .standing(&ann.principal, ann.space, Head::START)
        .await
        .unwrap();
    assert!(start.agrees);
}

pub async fn strangers_see_nothing(world: World) {
    let ann = Person::register(&world, "ann").await;
    let bob = Person::register(&world, "bob").await;
    let chunk = bob.chunk(b"bob's");
    let files: &Files = &world.files;
    let (p, space) = (&ann.principal, bob.space);
    let node = NodeId([1; 16]);
    macro_rules! denied {
        ($($call:expr),* $(,)?) => {$(
            assert!(
                matches!($call.err(), Some(FilesError::Denied(Denied::NotAMember))),
                stringify!($call)
            );
        )*};
    }
    let mut pack = PackBuilder::new();
    pack.push(&chunk);
    let pack = pack.finish();
    let name = name_of(&chunk);
    denied!(
        files.changes(p, space, Cursor::START, 10, 1000).await,
        files.snapshot(p, space).await,
        files.history(p, space, node, None, 10).await,
        files.trash(p, space, None, 10).await,
        files.checkpoint(p, space).await,
        files.standing(p, space, Head::START).await,
        files.missing(p, space, &[name]).await,
        files.put_pack(p, space, pack.into()).await,
        files.read_chunks(p.clone(), space, vec![name]).await,
    );
    let mut draft = Draft::new();
    let mut bob = bob;
    bob.directory(&mut draft, NodeId::ROOT, "d");
    // Bob's change set, brought by Ann; and one that Ann signed for Bob's space.
    let change_set = bob.sign(draft.clone());
    let commit = hythe_server::files::Commit {
        space,
        change_set: bytes_of(&change_set),
        attached: vec![],
    };
    let refused = files.commit(p, commit).await;
    assert!(
        matches!(refused, Err(FilesError::Invalid(_))),
        "{refused:?}"
    );
    let stamp = hythe_space::Stamp {
        log: space,
        ..ann.stamp(OperationId([3; 16]))
    };
    let forged = draft.sign(stamp, &ann.key).unwrap();
    let commit = hythe_server::files::Commit {
        space,
        change_set: bytes_of(&forged),
        attached: vec![],
    };
    denied!(files.commit(p, commit).await);

    // Logs of accounts that one does not meet stay unknown; the server's is everybody's.
    let unknown = files
        .account_log(p, bob.account.id(), Cursor::START, 10, 1000)
        .await;
    // Both share a space with the server, not with each other.
    assert!(matches!(unknown, Err(FilesError::NotFound(_))));
    files
        .account_log(p, files.account(), Cursor::START, 10, 1000)
        .await
        .unwrap();
    let fellows = files.fellows(p).await.unwrap();
    let fellows: Vec<_> = fellows.into_iter().map(|(account, _)| account).collect();
    assert!(fellows.contains(&ann.account.id()) && fellows.contains(&files.account()));
    assert!(!fellows.contains(&bob.account.id()));
}

async fn read_all(world: &World, person: &Person, names: Vec<ObjectName>) -> Vec<ReadChunk> {
    let stream = world
        .files
        .read_chunks(person.principal.clone(), person.space, names)
        .await
        .unwrap();
    stream.map(Result::unwrap).collect().await
}

pub async fn chunks_are_stored_once_and_read_verified(world: World) {
    let ann = Person::register(&world, "ann").await;
    let chunks: Vec<_> = (0..50u32)
        .map(|n| ann.chunk(&n.to_be_bytes().repeat(300)))
        .collect();
    let names: Vec<ObjectName> = chunks.iter().map(name_of).collect();
    let missing = world
        .files
        .missing(&ann.principal, ann.space, &names)
        .await
        .unwrap();
    assert_eq!(missing.indices, (0..50).collect::<Vec<u32>>());

    let mut builder = PackBuilder::new();
    chunks[..30].iter().for_each(|chunk| builder.push(chunk));
    // Twice in one pack is still one chunk.
    builder.push(&chunks[0]);
    let pack = bytes::Bytes::from(builder.finish());
    let stored = world
        .files
        .put_pack(&ann.principal, ann.space, pack.clone())
        .await
        .unwrap();
    assert_eq!(stored.stored, 30);
    let again = world
        .files
        .put_pack(&ann.principal, ann.space, pack)
        .await
        .unwrap();
    assert_eq!(again.stored, 0);
    let mut builder = PackBuilder::new();
    chunks[20..40].iter().for_each(|chunk| builder.push(chunk));
    let pack = builder.finish().into();
    let stored = world
        .files
        .put_pack(&ann.principal, ann.space, pack)
        .await
        .unwrap();
    assert_eq!((stored.stored, stored.known), (10, 10));

    let missing = world
        .files
        .missing(&ann.principal, ann.space, &names)
        .await
        .unwrap();
    assert_eq!(missing.indices, (40..50).collect::<Vec<u32>>());
    // Another sealed form of the same chunk is another object.
    let other_form = ObjectName {
        seal: names[1].seal,
        ..names[0]
    };
    let missing = world
        .files
        .missing(&ann.principal, ann.space, &[other_form])
        .await
        .unwrap();
    assert_eq!(missing.indices, [0]);

    // In the order asked, whatever the order in the packs; what is missing is said in its place.
    let mut order: Vec<usize> = (0..45).rev().collect();
    order.extend([3, 3, 44, 7]);
    let asked = order.iter().map(|at| names[*at]).collect();
    let read = read_all(&world, &ann, asked).await;
    assert_eq!(read.len(), order.len());
    for (index, (at, read)) in order.iter().zip(read).enumerate() {
        let index = index as u32;
        if *at < 40 {
            let bytes = chunks[*at].bytes.clone().into();
            assert_eq!(read, ReadChunk::Sealed { index, bytes });
        } else {
            assert_eq!(read, ReadChunk::Missing { index });
        }
    }
    let stats = world.files.stats().await.unwrap();
    let sum: usize = chunks[..40].iter().map(|chunk| chunk.bytes.len()).sum();
    assert_eq!((stats.stored_bytes, stats.packs), (sum as u64, 2));
}

pub async fn a_commit_without_its_chunks_is_refused(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let (here, there) = (ann.chunk(b"attached"), ann.chunk(b"not sent"));
    let mut draft = Draft::new();
    ann.file(
        &mut draft,
        NodeId::ROOT,
        "f",
        vec![here.chunk.id, there.chunk.id],
    );
    let change_set = ann.sign(draft);
    match ann.send(&world, &change_set, vec![attached(&here)]).await {
        Err(FilesError::ChunksMissing(missing)) => assert_eq!(missing, [there.chunk.id]),
        other => panic!("{other:?}"),
    }
    // Refused whole: the chunk that was attached is not there either.
    let name = [name_of(&here)];
    let missing = world
        .files
        .missing(&ann.principal, ann.space, &name)
        .await
        .unwrap();
    assert_eq!(missing.indices, [0]);
    // SC-085: the very same commit goes through once everything is there.
    let both = vec![attached(&here), attached(&there)];
    ann.send(&world, &change_set, both).await.unwrap();
    ann.pull(&world).await;

    // What was damaged on its way is refused, named, and not stored.
    let chunk = ann.chunk(b"to be damaged");
    let mut damaged = attached(&chunk);
    let mut bytes = damaged.sealed.to_vec();
    bytes[20] ^= 1;
    damaged.sealed = bytes.into();
    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "g", vec![chunk.chunk.id]);
    let refused = ann.commit(&world, draft, vec![damaged]).await.unwrap_err();
    assert!(
        refused.to_string().contains(&chunk.chunk.id.to_string()),
        "{refused}"
    );
}

pub async fn small_chunks_move_into_packs_unnoticed(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let chunks: Vec<_> = (0..5u8).map(|n| ann.chunk(&[n; 1000])).collect();
    for (index, chunk) in chunks.iter().enumerate() {
        let mut draft = Draft::new();
        ann.file(
            &mut draft,
            NodeId::ROOT,
            &format!("f{index}"),
            vec![chunk.chunk.id],
        );
        ann.commit(&world, draft, vec![attached(chunk)])
            .await
            .unwrap();
    }
    let names: Vec<ObjectName> = chunks.iter().map(name_of).collect();
    let before = read_all(&world, &ann, names.clone()).await;
    assert_eq!(world.files.stats().await.unwrap().waiting_chunks, 5);
    assert_eq!(world.files.drain_once().await.unwrap(), 5);
    assert_eq!(world.files.drain_once().await.unwrap(), 0);
    let stats = world.files.stats().await.unwrap();
    assert_eq!((stats.waiting_chunks, stats.packs), (0, 1));
    assert_eq!(read_all(&world, &ann, names).await, before);
    let sealed = before
        .iter()
        .filter(|read| matches!(read, ReadChunk::Sealed { .. }))
        .count();
    assert_eq!(sealed, 5);

    // Above 64 KiB together they go straight into a pack.
    let noise: Vec<u8> = blake3::Hasher::new().finalize_xof().take_vec(90_000);
    let large = ann.chunk(&noise);
    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "large", vec![large.chunk.id]);
    ann.commit(&world, draft, vec![attached(&large)])
        .await
        .unwrap();
    let stats = world.files.stats().await.unwrap();
    assert_eq!((stats.waiting_chunks, stats.packs), (0, 2));
    let read = read_all(&world, &ann, vec![name_of(&large)]).await;
    assert_eq!(
        read,
        [ReadChunk::Sealed {
            index: 0,
            bytes: large.bytes.into()
        }]
    );
    assert!(world.files.check().await.unwrap().is_clean());
}

trait TakeVec {
    fn take_vec(self, length: usize) -> Vec<u8>;
}

impl TakeVec for blake3::OutputReader {
    fn take_vec(mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes);
        bytes
    }
}

pub async fn trees_are_shown_complete_before_they_are_named(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let chunks: Vec<_> = (0..1500u32)
        .map(|n| ann.chunk(&n.to_be_bytes().repeat(8)))
        .collect();
    let entries: Vec<LayoutEntry> = chunks
        .iter()
        .map(|chunk| LayoutEntry::Chunk(chunk.chunk.clone()))
        .collect();
    let layout = Layout {
        size: 1500 * 32,
        chunker: Chunker::Keyed,
        class: hythe_model::ChunkClass(18),
        hash: None,
        entries: entries.into(),
    };
    let stored = store_body(&ann.space_keys, &Body::File(layout)).unwrap();
    assert!(stored.tree && stored.nodes.len() > 2);

    // Layout nodes first, then all chunks but one: the worst order there is.
    let mut builder = PackBuilder::new();
    stored
        .nodes
        .iter()
        .rev()
        .for_each(|node| builder.push_node(node));
    chunks[..1499].iter().for_each(|chunk| builder.push(chunk));
    let pack = builder.finish().into();
    world
        .files
        .put_pack(&ann.principal, ann.space, pack)
        .await
        .unwrap();
    let mut draft = Draft::new();
    let body = ann.body(stored.refs.clone(), true);
    ann.create(&mut draft, NodeId::ROOT, "huge", NodeKind::File, Some(body));
    let change_set = ann.sign(draft);
    let last = &chunks[1499];
    match ann.send(&world, &change_set, vec![]).await {
        Err(FilesError::ChunksMissing(missing)) => {
            assert!(missing.contains(&last.chunk.id), "{missing:?}");
        }
        other => panic!("{other:?}"),
    }
    // The missing chunk comes with the commit itself.
    ann.send(&world, &change_set, vec![attached(last)])
        .await
        .unwrap();
    ann.pull(&world).await;
    // The next commit of the same tree needs nothing more; nor does one whose nodes are attached.
    let mut draft = Draft::new();
    let body = ann.body(stored.refs.clone(), true);
    ann.create(
        &mut draft,
        NodeId::ROOT,
        "again",
        NodeKind::File,
        Some(body),
    );
    ann.commit(&world, draft, vec![]).await.unwrap();
    // A plain chunk is no root.
    let mut draft = Draft::new();
    let body = ann.body(vec![last.chunk.id], true);
    ann.create(
        &mut draft,
        NodeId::ROOT,
        "no tree",
        NodeKind::File,
        Some(body),
    );
    let refused = ann.commit(&world, draft, vec![]).await;
    assert!(
        matches!(refused, Err(FilesError::ChunksMissing(_))),
        "{refused:?}"
    );
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn a_snapshot_is_the_state_of_one_position(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    let directory = ann.directory(&mut draft, NodeId::ROOT, "d");
    let file = ann.file(&mut draft, directory, "f", vec![]);
    for index in 0..600 {
        ann.directory(&mut draft, directory, &format!("d{index}"));
    }
    ann.commit(&world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    let version = ann.rewrite(&mut draft, file, vec![]);
    ann.commit(&world, draft, vec![]).await.unwrap();

    let mut snapshot = world
        .files
        .snapshot(&ann.principal, ann.space)
        .await
        .unwrap();
    // What is committed while the snapshot is read is not in it.
    let head = ann.fold.head();
    let digest = ann.fold.digest().digest();
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "later");
    ann.commit(&world, draft, vec![]).await.unwrap();

    assert_eq!((snapshot.head, snapshot.epoch), (head, world.files.epoch()));
    let mut records = Vec::new();
    let mut bodies = BTreeMap::new();
    while let Some(page) = snapshot.pages.recv().await {
        for item in page.unwrap() {
            let record = Record::decode(&item.record).unwrap();
            if let Record::Node(node) = &record {
                let mut hashes = vec![node.place.sealed, node.attributes.sealed];
                hashes.extend(node.body.map(|body| body.field.sealed));
                let sealed: Vec<_> = item
                    .sealed
                    .iter()
                    .map(|part| part.as_ref().unwrap())
                    .collect();
                let found: Vec<Hash32> = sealed.iter().map(|part| Hash32::of(part)).collect();
                assert_eq!(found, hashes);
                bodies.insert(node.node, sealed.last().unwrap().to_vec());
            }
            records.push(record);
        }
    }
    assert_eq!(digest_of(&records).digest(), digest);
    assert_eq!(bodies[&file], sealed_body(version));
    let signed = SignedCheckpoint::decode(&snapshot.checkpoint).unwrap();
    assert_eq!(
        (signed.checkpoint().head, signed.checkpoint().digest),
        (head, digest)
    );
    let server = crate::person::server_account(&world).await;
    let card = &server.device(signed.checkpoint().device).unwrap().card;
    signed.verify(&card.key).unwrap();
}

pub async fn history_and_trash_keep_every_version(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    let file = ann.file(&mut draft, NodeId::ROOT, "f", vec![]);
    let other = ann.file(&mut draft, NodeId::ROOT, "other", vec![]);
    ann.commit(&world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    let version = ann.rewrite(&mut draft, file, vec![]);
    ann.commit(&world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    let record = ann.fold.node_record(file).unwrap();
    let (expected, attributes) = (record.attributes.version, VersionId([4; 16]));
    let write = AttributesWrite {
        expected,
        version: attributes,
    };
    let update = Update {
        node: file,
        place: None,
        attributes: Some(write),
        body: None,
    };
    draft.update(
        update,
        SealedFields {
            attributes: Some(b"new".to_vec()),
            ..Default::default()
        },
    );
    ann.commit(&world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    ann.delete(&mut draft, file);
    let deleted = ann.commit(&world, draft, vec![]).await.unwrap();

    let trash = world
        .files
        .trash(&ann.principal, ann.space, None, 10)
        .await
        .unwrap();
    assert_eq!(trash.len(), 1);
    assert_eq!(
        (trash[0].head, trash[0].author),
        (deleted.head, ann.key.device_id())
    );
    let Record::Node(in_trash) = Record::decode(&trash[0].node.record).unwrap() else {
        panic!("a node")
    };
    assert_eq!(in_trash.node, file);
    let body = trash[0].node.sealed[2].as_ref().unwrap();
    assert_eq!(
        body.to_vec(),
        sealed_body(version),
        "the content can be brought back"
    );

    let mut draft = Draft::new();
    let expected = ann.fold.node_record(file).unwrap().place.version;
    let place = hythe_space::operation::Place {
        parent: NodeId::ROOT,
        tag: tag(NodeId::ROOT, "back"),
    };
    let restore = Restore {
        node: file,
        expected,
        version: ann.version(),
        place,
    };
    draft.restore(restore, b"sealed back".to_vec());
    ann.commit(&world, draft, vec![]).await.unwrap();
    assert!(
        world
            .files
            .trash(&ann.principal, ann.space, None, 10)
            .await
            .unwrap()
            .is_empty()
    );

    let (p, space) = (&ann.principal, ann.space);
    let history = world.files.history(p, space, file, None, 10).await.unwrap();
    let actions: Vec<Action> = history.iter().map(|entry| entry.action).collect();
    use Action::{Created, Deleted, Restored, Updated};
    assert_eq!(actions, [Restored, Deleted, Updated, Updated, Created]);
    let edit = history[3].body.as_ref().unwrap();
    assert_eq!(edit.version, version);
    assert_eq!(edit.sealed.as_ref().unwrap().to_vec(), sealed_body(version));
    assert_eq!(history[2].attributes.as_ref().unwrap().version, attributes);
    assert!(history[2].body.is_none() && history[1].place.is_none());
    // Page by page it is the same.
    let first = world.files.history(p, space, file, None, 2).await.unwrap();
    let before = Some(first[1].head.cursor);
    let rest = world
        .files
        .history(p, space, file, before, 10)
        .await
        .unwrap();
    assert_eq!((first.len(), rest.len()), (2, 3));
    assert_eq!(
        world
            .files
            .history(p, space, other, None, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        world
            .files
            .history(p, space, NodeId([9; 16]), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn checkpoints_are_kept_if_they_are_true(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    ann.commit(&world, draft, vec![]).await.unwrap();
    let (p, space) = (&ann.principal, ann.space);
    assert_eq!(world.files.checkpoint(p, space).await.unwrap(), None);
    let checkpoint = |digest| hythe_space::Checkpoint {
        suite: 1,
        space,
        head: ann.fold.head(),
        digest,
        device: ann.key.device_id(),
        account_seen: ann.account.head(),
        time_ms: client_now_ms(),
    };
    let good = checkpoint(ann.fold.digest().digest())
        .sign(&ann.key)
        .encode();
    world.files.put_checkpoint(p, space, &good).await.unwrap();
    assert_eq!(
        world.files.checkpoint(p, space).await.unwrap(),
        Some(good.clone())
    );
    let lie = checkpoint(hythe_space::StateDigest([1; 32]))
        .sign(&ann.key)
        .encode();
    let refused = world.files.put_checkpoint(p, space, &lie).await;
    assert!(matches!(refused, Err(FilesError::Diverged { .. })));
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    let refused = world.files.put_checkpoint(p, space, &forged).await;
    assert!(matches!(refused, Err(FilesError::Invalid(_))));
    let bob = Person::register(&world, "bob").await;
    let refused = world
        .files
        .put_checkpoint(&bob.principal, space, &good)
        .await;
    assert!(matches!(refused, Err(FilesError::Invalid(_))));
}

pub async fn logs_are_read_in_bounded_pages(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    for index in 0..6 {
        let mut draft = Draft::new();
        ann.directory(&mut draft, NodeId::ROOT, &format!("d{index}"));
        ann.commit(&world, draft, vec![]).await.unwrap();
    }
    let (p, space) = (&ann.principal, ann.space);
    let page = |from, limit, max_bytes| world.files.changes(p, space, from, limit, max_bytes);
    let all = page(Cursor::START, 100, u64::MAX).await.unwrap();
    assert_eq!((all.entries.len(), all.head), (8, ann.fold.head()));
    let some = page(Cursor(2), 3, u64::MAX).await.unwrap();
    assert_eq!(some.entries, all.entries[2..5]);
    // At least one, however long it is; otherwise no more than fit.
    assert_eq!(
        page(Cursor(2), 100, 1).await.unwrap().entries,
        all.entries[2..3]
    );
    let two = (all.entries[2].change_set.len() + all.entries[3].change_set.len()) as u64;
    assert_eq!(
        page(Cursor(2), 100, two).await.unwrap().entries,
        all.entries[2..4]
    );
    assert!(page(Cursor(8), 100, 1000).await.unwrap().entries.is_empty());
    assert!(
        page(Cursor(u64::MAX), 100, 1000)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
    let own = world
        .files
        .account_log(p, p.account(), Cursor(1), 10, 1 << 20)
        .await
        .unwrap();
    assert_eq!((own.entries.len(), own.head), (1, ann.account.head()));
}

pub async fn more_spaces_are_created(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let server = crate::person::server_account(&world).await;
    let recipient = flow::Recipient::of(&server).unwrap();
    let now = client_now_ms();
    let new = flow::create_space(
        &ann.account,
        &ann.key,
        Some(&recipient),
        now,
        &mut ann.entropy,
    );
    let new = new.unwrap();
    let log: Vec<_> = new.log.iter().map(bytes_of).collect();
    let (space, made) = world
        .files
        .create_space(&ann.principal, &log)
        .await
        .unwrap();
    assert_eq!((space, made.head), (new.space, new.view.head()));
    let (_, again) = world
        .files
        .create_space(&ann.principal, &log)
        .await
        .unwrap();
    assert!(again.repeated, "C6");
    assert_eq!(again.head, made.head);
    let spaces = world.files.spaces(&ann.principal).await.unwrap();
    assert_eq!(spaces.len(), 2);
    assert!(spaces[0].personal && !spaces[1].personal);
    // The server must be named as a member: what it cannot open it cannot serve yet.
    let sealed = flow::create_space(&ann.account, &ann.key, None, now, &mut ann.entropy).unwrap();
    let log: Vec<_> = sealed.log.iter().map(bytes_of).collect();
    let refused = world.files.create_space(&ann.principal, &log).await;
    assert!(matches!(refused, Err(FilesError::Invalid(_))));
    // An account's log takes no change set of a space, and the other way round.
    let refused = ann.append(&world, &new.log[1], None).await;
    assert!(
        matches!(refused, Err(FilesError::Invalid(_))),
        "{refused:?}"
    );
}

pub async fn a_clean_server_checks_clean(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let chunk = ann.chunk(b"content");
    let mut draft = Draft::new();
    let file = ann.file(&mut draft, NodeId::ROOT, "f", vec![chunk.chunk.id]);
    ann.commit(&world, draft, vec![attached(&chunk)])
        .await
        .unwrap();
    let mut draft = Draft::new();
    ann.delete(&mut draft, file);
    ann.commit(&world, draft, vec![]).await.unwrap();
    let _second = ann.second_device(&world).await;
    let report = world.files.check().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    // The server's own account, Ann's, and her space.
    assert_eq!((report.logs, report.chunks), (3, 1));
    assert!(report.records >= 6 && report.change_sets >= 8, "{report:?}");
    world.files.ready().await.unwrap();
}
