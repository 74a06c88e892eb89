//! What is too large, too many or not what it says is refused, and leaves nothing behind.

use bytes::Bytes;
use hythe_content::PackBuilder;
use hythe_model::{ChunkId, Cursor, NodeId, SealHash};
use hythe_server::files::{Attached, Commit, FilesError};
use hythe_space::Draft;
use hythe_wire::chunk::ObjectName;
use hythe_wire::limits;

use crate::engine::on_sqlite;
use crate::person::{Person, attached, bytes_of, name_of};

fn is_invalid<T>(result: Result<T, FilesError>) -> bool {
    matches!(result, Err(FilesError::Invalid(_)))
}

#[test]
fn oversize_and_malformed_requests_are_refused_with_bounded_work() {
    on_sqlite(async |world| {
        let mut ann = Person::register(&world, "ann").await;
        let before = world.files.stats().await.unwrap();
        let (p, space, files) = (ann.principal.clone(), ann.space, world.files.clone());

        let name = ObjectName {
            id: ChunkId([1; 32]),
            seal: SealHash([1; 32]),
        };
        let many = vec![name; limits::MAX_MISSING_CHUNKS + 1];
        assert!(is_invalid(files.missing(&p, space, &many).await));
        let many = vec![name; limits::MAX_READ_CHUNKS + 1];
        assert!(is_invalid(
            files.read_chunks(p.clone(), space, many).await.map(drop)
        ));

        let huge = Bytes::from(vec![0; limits::MAX_PACK_BYTES + 1]);
        assert!(is_invalid(files.put_pack(&p, space, huge).await));
        assert!(is_invalid(
            files
                .put_pack(&p, space, Bytes::from_static(b"no pack"))
                .await
        ));
        let chunk = ann.chunk(b"content");
        let mut pack = PackBuilder::new();
        pack.push(&chunk);
        let mut pack = pack.finish();
        pack[30] ^= 1;
        assert!(
            is_invalid(files.put_pack(&p, space, pack.into()).await),
            "a flipped bit"
        );

        let mut draft = Draft::new();
        ann.directory(&mut draft, NodeId::ROOT, "d");
        let change_set = bytes_of(&ann.sign(draft));
        let commit = |change_set, attached| Commit {
            space,
            change_set,
            attached,
        };
        let long = Bytes::from(vec![0; limits::MAX_CHANGE_SET_BYTES + 1]);
        assert!(is_invalid(files.commit(&p, commit(long, vec![])).await));
        assert!(is_invalid(
            files
                .commit(&p, commit(Bytes::from_static(b"x"), vec![]))
                .await
        ));
        let mut flipped = change_set.to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        assert!(is_invalid(
            files.commit(&p, commit(flipped.into(), vec![])).await
        ));
        let many = vec![attached(&chunk); limits::MAX_ATTACHED_OBJECTS + 1];
        assert!(is_invalid(
            files.commit(&p, commit(change_set.clone(), many)).await
        ));
        let large = Attached {
            sealed: vec![1; limits::MAX_ATTACHED_BYTES + 1].into(),
            ..attached(&chunk)
        };
        assert!(is_invalid(
            files
                .commit(&p, commit(change_set.clone(), vec![large]))
                .await
        ));
        let no_object = Attached {
            id: ChunkId([1; 32]),
            seal: hythe_content::seal_hash(b"what is this"),
            sealed: Bytes::from_static(b"what is this"),
        };
        let commit_no_object = commit(change_set.clone(), vec![no_object]);
        assert!(is_invalid(files.commit(&p, commit_no_object).await));

        assert_eq!(files.stats().await.unwrap(), before);
        // And after all that the good one is welcome.
        files
            .commit(&p, commit(change_set, vec![attached(&chunk)]))
            .await
            .unwrap();
        let missing = files.missing(&p, space, &[name_of(&chunk)]).await.unwrap();
        assert!(missing.indices.is_empty());
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
