//! Reading: logs, snapshots, history, checkpoints, and who may.

use std::collections::BTreeMap;

use hythe_content::PackBuilder;
use hythe_model::{Cursor, Head, NodeId, OperationId, VersionId};
use hythe_server::files::{Commit, Denied, Files, FilesError};
use hythe_space::draft::SealedFields;
use hythe_space::operation::{AttributesWrite, Place, Restore, Update};
use hythe_space::{Draft, Hash32, Record, SignedCheckpoint, digest_of};
use hythe_wire::history::Action;

use crate::person::{
    Person, attached, bytes_of, client_now_ms, name_of, sealed_body, server_account, tag,
};
use crate::world::World;

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
        files.trash_page(p, space, None, 10).await,
        files.checkpoint(p, space).await,
        files.standing(p, space, Head::START).await,
        files.missing(p, space, &[name]).await,
        files.put_pack(p, space, pack.into(), None).await,
        files.read_chunks(p.clone(), space, vec![name]).await,
    );
    let mut draft = Draft::new();
    let mut bob = bob;
    bob.directory(&mut draft, NodeId::ROOT, "d");
    // Bob's change set, brought by Ann; and one that Ann signed for Bob's space.
    let change_set = bob.sign(draft.clone());
    let commit = Commit {
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
    let commit = Commit {
        space,
        change_set: bytes_of(&forged),
        attached: vec![],
    };
    denied!(files.commit(p, commit).await);

    // Whoever has an account's id may read its log, which holds public keys only; nobody guesses one.
    let unknown = files
        .account_log(p, hythe_model::AccountId([9; 32]), Cursor::START, 10, 1000)
        .await;
    assert!(matches!(unknown, Err(FilesError::NotFound(_))));
    for known in [files.account(), bob.account.id()] {
        let log = files.account_log(p, known, Cursor::START, 10, 1000);
        log.await.unwrap();
    }
    let fellows = files.fellows(p).await.unwrap();
    let fellows: Vec<_> = fellows.into_iter().map(|(account, _)| account).collect();
    assert!(fellows.contains(&ann.account.id()) && fellows.contains(&files.account()));
    assert!(!fellows.contains(&bob.account.id()));
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
    let server = server_account(&world).await;
    let card = &server.device(signed.checkpoint().device).unwrap().card;
    signed.verify(&card.key).unwrap();
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

/// What was done to the node of [`a_life`], oldest first.
struct Life {
    node: NodeId,
    body: VersionId,
    attributes: VersionId,
    deleted: Head,
}

/// Makes a file, writes it twice, and deletes it.
async fn a_life(world: &World, ann: &mut Person) -> Life {
    let mut draft = Draft::new();
    let node = ann.file(&mut draft, NodeId::ROOT, "f", vec![]);
    ann.commit(world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    let body = ann.rewrite(&mut draft, node, vec![]);
    ann.commit(world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    let expected = ann.fold.node_record(node).unwrap().attributes.version;
    let write = AttributesWrite {
        expected,
        version: ann.version(),
    };
    let attributes = write.version;
    let update = Update {
        node,
        place: None,
        attributes: Some(write),
        body: None,
    };
    let sealed = SealedFields {
        attributes: Some(b"new".to_vec()),
        ..Default::default()
    };
    draft.update(update, sealed);
    ann.commit(world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    ann.delete(&mut draft, node);
    let deleted = ann.commit(world, draft, vec![]).await.unwrap().head;
    Life {
        node,
        body,
        attributes,
        deleted,
    }
}

async fn bring_back(world: &World, ann: &mut Person, node: NodeId) {
    let mut draft = Draft::new();
    let expected = ann.fold.node_record(node).unwrap().place.version;
    let place = Place {
        parent: NodeId::ROOT,
        tag: tag(NodeId::ROOT, "back"),
    };
    let restore = Restore {
        node,
        expected,
        version: ann.version(),
        place,
    };
    draft.restore(restore, b"sealed back".to_vec());
    ann.commit(world, draft, vec![]).await.unwrap();
}

pub async fn what_was_deleted_stays_in_the_trash(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let life = a_life(&world, &mut ann).await;
    let trash = world
        .files
        .trash_page(&ann.principal, ann.space, None, 10)
        .await;
    let trash = trash.unwrap().entries;
    assert_eq!(trash.len(), 1);
    let author = ann.key.device_id();
    assert_eq!((trash[0].head, trash[0].author), (life.deleted, author));
    let Record::Node(node) = Record::decode(&trash[0].node.record).unwrap() else {
        panic!("a node")
    };
    assert_eq!(node.node, life.node);
    let body = trash[0].node.sealed[2].as_ref().unwrap();
    assert_eq!(
        body.to_vec(),
        sealed_body(life.body),
        "it can be brought back"
    );
    bring_back(&world, &mut ann, life.node).await;
    let trash = world
        .files
        .trash_page(&ann.principal, ann.space, None, 10)
        .await;
    assert!(trash.unwrap().entries.is_empty());
}

pub async fn the_trash_is_read_page_by_page(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    let mut nodes: Vec<NodeId> = (0..5)
        .map(|index| ann.file(&mut draft, NodeId::ROOT, &format!("f{index}"), vec![]))
        .collect();
    ann.commit(&world, draft, vec![]).await.unwrap();
    // One of them alone, later the four others at once: pages end in the midst of a change set.
    let first = nodes.pop().unwrap();
    let mut draft = Draft::new();
    ann.delete(&mut draft, first);
    ann.commit(&world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    nodes.iter().for_each(|node| ann.delete(&mut draft, *node));
    ann.commit(&world, draft, vec![]).await.unwrap();
    nodes.sort_unstable();
    nodes.push(first);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = world
            .files
            .trash_page(&ann.principal, ann.space, after, 3)
            .await;
        let page = page.unwrap();
        for entry in &page.entries {
            let Record::Node(node) = Record::decode(&entry.node.record).unwrap() else {
                panic!("a node")
            };
            found.push(node.node);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, nodes);
}

pub async fn history_keeps_every_version(world: World) {
    use Action::{Created, Deleted, Restored, Updated};
    let mut ann = Person::register(&world, "ann").await;
    let life = a_life(&world, &mut ann).await;
    bring_back(&world, &mut ann, life.node).await;
    let (p, space, node) = (&ann.principal, ann.space, life.node);
    let history = world.files.history(p, space, node, None, 10).await.unwrap();
    let actions: Vec<Action> = history.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [Restored, Deleted, Updated, Updated, Created]);
    let edit = history[3].body.as_ref().unwrap();
    assert_eq!(edit.version, life.body);
    assert_eq!(
        edit.sealed.as_ref().unwrap().to_vec(),
        sealed_body(life.body)
    );
    let attributes = history[2].attributes.as_ref().unwrap();
    assert_eq!(attributes.version, life.attributes);
    assert!(history[2].body.is_none() && history[1].place.is_none());
    // Page by page it is the same.
    let first = world.files.history(p, space, node, None, 2).await.unwrap();
    let before = Some(first[1].head.cursor);
    let rest = world
        .files
        .history(p, space, node, before, 10)
        .await
        .unwrap();
    assert_eq!((first.len(), rest.len()), (2, 3));
    let nothing = world
        .files
        .history(p, space, NodeId([9; 16]), None, 10)
        .await;
    assert!(nothing.unwrap().is_empty());
}
