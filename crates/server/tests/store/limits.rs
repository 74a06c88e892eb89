//! What is too large, too many or not what it says is refused, and leaves nothing behind.

use bytes::Bytes;
use hythe_content::PackBuilder;
use hythe_model::{ChunkId, Cursor, NodeId, SealHash, ServerEpoch};
use hythe_server::files::{Attached, Commit, FilesError};
use hythe_space::governance::Restored;
use hythe_space::{Draft, Operation};
use hythe_wire::chunk::ObjectName;
use hythe_wire::limits;

use crate::engine::on_sqlite;
use crate::person::{Person, attached, bytes_of, name_of};

fn is_invalid<T>(result: Result<T, FilesError>) -> bool {
    matches!(result, Err(FilesError::Invalid(_)))
}

#[test]
fn too_many_ids_at_once_are_refused() {
    on_sqlite(async |world| {
        let ann = Person::register(&world, "ann").await;
        let (p, space, files) = (&ann.principal, ann.space, &world.files);
        let name = ObjectName {
            id: ChunkId([1; 32]),
            seal: SealHash([1; 32]),
        };
        let many = vec![name; limits::MAX_MISSING_CHUNKS + 1];
        assert!(is_invalid(files.missing(p, space, &many).await));
        let many = vec![name; limits::MAX_READ_CHUNKS + 1];
        let read = files.read_chunks(p.clone(), space, many).await;
        assert!(is_invalid(read.map(drop)));
    });
}

#[test]
fn bad_packs_are_refused_and_leave_nothing() {
    on_sqlite(async |world| {
        let ann = Person::register(&world, "ann").await;
        let (p, space, files) = (&ann.principal, ann.space, &world.files);
        let before = files.stats().await.unwrap();
        let mut pack = PackBuilder::new();
        pack.push(&ann.chunk(b"content"));
        let mut flipped = pack.finish();
        flipped[30] ^= 1;
        let huge = vec![0; limits::MAX_PACK_BYTES + 1];
        for bad in [huge, b"no pack".to_vec(), vec![], flipped] {
            assert!(is_invalid(files.put_pack(p, space, bad.into(), None).await));
        }
        assert_eq!(files.stats().await.unwrap(), before);
    });
}

#[test]
fn bad_commits_are_refused_and_leave_nothing() {
    on_sqlite(async |world| {
        let mut ann = Person::register(&world, "ann").await;
        let before = world.files.stats().await.unwrap();
        let chunk = ann.chunk(b"content");
        let mut draft = Draft::new();
        ann.directory(&mut draft, NodeId::ROOT, "d");
        let good = bytes_of(&ann.sign(draft));
        let mut flipped = good.to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        let long = vec![0; limits::MAX_CHANGE_SET_BYTES + 1];
        let many = vec![attached(&chunk); limits::MAX_ATTACHED_OBJECTS + 1];
        let large = Attached {
            sealed: vec![1; limits::MAX_ATTACHED_BYTES + 1].into(),
            ..attached(&chunk)
        };
        let no_object = Attached {
            id: ChunkId([1; 32]),
            seal: hythe_content::seal_hash(b"what is this"),
            sealed: Bytes::from_static(b"what is this"),
        };
        let space = ann.space;
        let commit = |change_set: Bytes, attached| Commit {
            space,
            change_set,
            attached,
        };
        for bad in [
            commit(long.into(), vec![]),
            commit(Bytes::from_static(b"x"), vec![]),
            commit(flipped.into(), vec![]),
            commit(good.clone(), many),
            commit(good.clone(), vec![large]),
            commit(good.clone(), vec![no_object]),
        ] {
            assert!(is_invalid(world.files.commit(&ann.principal, bad).await));
        }
        assert_eq!(world.files.stats().await.unwrap(), before);
        // And after all that the good one is welcome.
        let good = commit(good, vec![attached(&chunk)]);
        world.files.commit(&ann.principal, good).await.unwrap();
        let names = [name_of(&chunk)];
        let missing = world.files.missing(&ann.principal, space, &names).await;
        assert!(missing.unwrap().indices.is_empty());
    });
}

#[test]
fn only_the_server_says_that_it_was_restored() {
    on_sqlite(async |world| {
        let mut ann = Person::register(&world, "ann").await;
        let mut draft = Draft::new();
        draft.push(Operation::Restored(Restored {
            at: ann.fold.head(),
            epoch: ServerEpoch([1; 16]),
        }));
        // The fold would let an owner: to a sealed space a person says it.
        assert!(is_invalid(ann.commit(&world, draft, vec![]).await));
    });
}

#[test]
fn a_signature_that_is_not_the_devices_is_refused() {
    on_sqlite(async |world| {
        let mut ann = Person::register(&world, "ann").await;
        let mut draft = Draft::new();
        ann.directory(&mut draft, NodeId::ROOT, "d");
        let change_set = ann.sign(draft);
        // The signature's last byte lies right before the clear part.
        let signature = change_set.signature().0;
        let mut bytes = change_set.encoded().to_vec();
        let at = bytes
            .windows(64)
            .position(|window| window == signature)
            .unwrap();
        bytes[at + 63] ^= 0x80;
        let commit = Commit {
            space: ann.space,
            change_set: bytes.into(),
            attached: vec![],
        };
        let refused = world.files.commit(&ann.principal, commit).await;
        assert!(
            matches!(refused, Err(FilesError::Refused(_))),
            "{refused:?}"
        );
        ann.pull(&world).await;
        assert_eq!(ann.fold.head().cursor, Cursor(2));
    });
}
