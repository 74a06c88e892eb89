//! What was acknowledged is there after the process vanished, and the folder is one server's.

use futures::StreamExt;
use hythe_content::PackBuilder;
use hythe_model::NodeId;
use hythe_server::files::{Files, OpenError, ReadChunk};
use hythe_space::Draft;

use crate::engine::on_sqlite;
use crate::person::{Person, attached, name_of};
use crate::world::copy_folder;

#[test]
fn s11_sc085_acknowledged_commits_survive_a_process_that_vanished() {
    on_sqlite(async |world| {
        let mut ann = Person::register(&world, "ann").await;
        let small = ann.chunk(b"small");
        let packed = ann.chunk(&[7; 5000]);
        let mut pack = PackBuilder::new();
        pack.push(&packed);
        let pack = pack.finish().into();
        world
            .files
            .put_pack(&ann.principal, ann.space, pack, None)
            .await
            .unwrap();
        let mut draft = Draft::new();
        let refs = vec![small.chunk.id, packed.chunk.id];
        ann.file(&mut draft, NodeId::ROOT, "f", refs);
        let committed = ann
            .commit(&world, draft, vec![attached(&small)])
            .await
            .unwrap();

        // Nobody closes anything: the copy is what a killed process leaves on the disk.
        let copy = world.beside("copy");
        copy_folder(&world.options.data, &copy);
        let mut options = world.options.clone();
        options.data = copy;
        options.witness = None;
        let files = Files::open(options).await.unwrap();
        assert_eq!(files.epoch(), world.files.epoch(), "a crash is no restore");
        let principal = files.authenticate(&ann.token, None).await.unwrap();
        let standing = files
            .standing(&principal, ann.space, committed.head)
            .await
            .unwrap();
        assert!(standing.agrees);
        let names = vec![name_of(&small), name_of(&packed)];
        let read = files
            .read_chunks(principal, ann.space, names)
            .await
            .unwrap();
        let read: Vec<ReadChunk> = read.map(Result::unwrap).collect().await;
        assert_eq!(
            read,
            [
                ReadChunk::Sealed {
                    index: 0,
                    bytes: small.bytes.into()
                },
                ReadChunk::Sealed {
                    index: 1,
                    bytes: packed.bytes.into()
                },
            ]
        );
        assert!(files.check().await.unwrap().is_clean());
    });
}

#[test]
fn a_restart_keeps_everything_and_counts_itself() {
    on_sqlite(async |mut world| {
        let mut ann = Person::register(&world, "ann").await;
        let (epoch, account) = (world.files.epoch(), world.files.account());
        let seed = world.files.identity_seed();
        world.restart().await;
        assert_eq!(
            (world.files.epoch(), world.files.account()),
            (epoch, account)
        );
        assert!(world.files.identity_seed() == seed, "clients pin it");
        assert_eq!(world.files.stats().await.unwrap().starts, 2);
        ann.principal = world.files.authenticate(&ann.token, None).await.unwrap();
        let mut draft = Draft::new();
        ann.directory(&mut draft, NodeId::ROOT, "after the restart");
        ann.commit(&world, draft, vec![]).await.unwrap();
        // Where it was seen was written down when the server ended.
        let devices = world.files.devices(&ann.principal).await.unwrap();
        assert_eq!(devices[0].address.as_deref(), Some("192.0.2.7"));
    });
}

#[test]
fn sc131_a_folder_is_one_servers_at_a_time() {
    on_sqlite(async |world| {
        match Files::open(world.options.clone()).await.err() {
            Some(OpenError::Lock(error)) => {
                assert!(
                    error.to_string().contains(&std::process::id().to_string()),
                    "{error}"
                );
            }
            other => panic!("{other:?}"),
        }
        world.files.close().await;
        Files::open(world.options.clone()).await.unwrap();
    });
}

#[test]
fn data_without_its_master_key_is_refused_and_no_new_key_made() {
    on_sqlite(async |world| {
        world.files.close().await;
        let key = world.options.data.join("keys/master");
        let saved = std::fs::read(&key).unwrap();
        std::fs::remove_file(&key).unwrap();
        assert!(matches!(
            Files::open(world.options.clone()).await.err(),
            Some(OpenError::Key(_))
        ));
        assert!(!key.exists());
        let mut other = saved.clone();
        other[0] = if other[0] == b'0' { b'1' } else { b'0' };
        write_private(&key, &other);
        assert!(matches!(
            Files::open(world.options.clone()).await.err(),
            Some(OpenError::OtherKey)
        ));
        write_private(&key, &saved);
        Files::open(world.options.clone()).await.unwrap();
    });
}

fn write_private(path: &std::path::Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, bytes).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn the_server_signs_a_checkpoint_at_every_thousandth_position() {
    on_sqlite(async |world| {
        let mut ann = Person::register(&world, "ann").await;
        for index in 3..=1000 {
            let mut draft = Draft::new();
            ann.directory(&mut draft, NodeId::ROOT, &format!("d{index}"));
            let change_set = ann.sign(draft);
            ann.send(&world, &change_set, vec![]).await.unwrap();
            let moment = hythe_space::Moment::Replaying;
            ann.fold.append(&ann.accounts, moment, &change_set).unwrap();
        }
        let kept = world
            .files
            .checkpoint(&ann.principal, ann.space)
            .await
            .unwrap()
            .unwrap();
        let signed = hythe_space::SignedCheckpoint::decode(&kept).unwrap();
        assert_eq!(signed.checkpoint().head, ann.fold.head());
        assert_eq!(signed.checkpoint().digest, ann.fold.digest().digest());
        assert_eq!(signed.checkpoint().device, world.files.device());
    });
}
