//! What was changed behind the server's back is found, named, never served, and replaced.

use std::path::{Path, PathBuf};

use futures::StreamExt;
use hythe_content::PackBuilder;
use hythe_model::NodeId;
use hythe_server::files::ReadChunk;
use hythe_space::Draft;
use hythe_wire::chunk::ObjectName;

use crate::engine::on_sqlite;
use crate::person::{Person, name_of};
use crate::world::World;

fn packs(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(packs(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

fn only_pack(world: &World) -> PathBuf {
    let mut found = packs(&world.options.data.join("blobs"));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

async fn read(world: &World, ann: &Person, names: &[ObjectName]) -> Vec<ReadChunk> {
    let stream = world
        .files
        .read_chunks(ann.principal.clone(), ann.space, names.to_vec())
        .await;
    stream.unwrap().map(Result::unwrap).collect().await
}

/// Stores three chunks, damages the pack, and shows how the middle one (or the rest) comes back.
async fn damage_is_repaired(world: World, damage: impl Fn(&Path), lost: &[usize]) {
    let ann = Person::register(&world, "ann").await;
    let chunks: Vec<_> = (1..4u8).map(|n| ann.chunk(&[n; 40])).collect();
    let names: Vec<ObjectName> = chunks.iter().map(name_of).collect();
    let pack = |which: &[usize]| {
        let mut builder = PackBuilder::new();
        which.iter().for_each(|at| builder.push(&chunks[*at]));
        bytes::Bytes::from(builder.finish())
    };
    let (p, space) = (&ann.principal, ann.space);
    world
        .files
        .put_pack(p, space, pack(&[0, 1, 2]), None)
        .await
        .unwrap();
    damage(&only_pack(&world));

    let found = read(&world, &ann, &names).await;
    for (at, found) in found.iter().enumerate() {
        let index = at as u32;
        let bytes = chunks[at].bytes.clone().into();
        let expected = match lost.contains(&at) {
            true => ReadChunk::Damaged { index },
            false => ReadChunk::Sealed { index, bytes },
        };
        assert_eq!(*found, expected);
    }
    let missing = world.files.missing(p, space, &names).await.unwrap();
    assert_eq!(
        missing.indices,
        lost.iter().map(|at| *at as u32).collect::<Vec<_>>()
    );
    assert_eq!(
        world.files.stats().await.unwrap().bad_chunks,
        lost.len() as u64
    );

    // A verified copy takes its place; nothing is counted twice.
    let stored = world
        .files
        .put_pack(p, space, pack(lost), None)
        .await
        .unwrap();
    assert_eq!(stored.stored as usize, lost.len());
    let whole = read(&world, &ann, &names).await;
    assert!(
        whole
            .iter()
            .all(|read| matches!(read, ReadChunk::Sealed { .. })),
        "{whole:?}"
    );
    let report = world.files.check().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn d2_d3_a_flipped_bit_is_found_and_the_chunk_replaced() {
    // Behind the header of five bytes and the first object.
    on_sqlite(async |world| {
        let probe = Person::register(&World::open(None).await, "ann").await;
        let first = probe.chunk(&[1; 40]).bytes.len();
        damage_is_repaired(world, |path| flip(path, 5 + first + 10), &[1]).await;
    });
}

#[test]
fn d3_a_pack_that_was_cut_off_loses_only_what_is_gone() {
    on_sqlite(async |world| {
        let probe = Person::register(&World::open(None).await, "ann").await;
        let first = probe.chunk(&[1; 40]).bytes.len();
        let cut = move |path: &Path| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..5 + first + 3]).unwrap();
        };
        damage_is_repaired(world, cut, &[1, 2]).await;
    });
}

#[test]
fn sc126_a_pack_that_is_gone_is_named_chunk_by_chunk() {
    on_sqlite(async |world| {
        damage_is_repaired(
            world,
            |path| std::fs::remove_file(path).unwrap(),
            &[0, 1, 2],
        )
        .await;
    });
}

#[test]
fn check_finds_damage_without_a_read_and_marks_it() {
    on_sqlite(async |world| {
        let ann = Person::register(&world, "ann").await;
        let chunk = ann.chunk(b"content");
        let mut pack = PackBuilder::new();
        pack.push(&chunk);
        let pack = pack.finish().into();
        world
            .files
            .put_pack(&ann.principal, ann.space, pack, None)
            .await
            .unwrap();
        flip(&only_pack(&world), 20);
        let report = world.files.check().await.unwrap();
        assert_eq!(report.found, 1, "{report:?}");
        assert!(
            report.findings[0]
                .what
                .contains(&chunk.chunk.id.to_string())
        );
        let names = [name_of(&chunk)];
        let missing = world
            .files
            .missing(&ann.principal, ann.space, &names)
            .await
            .unwrap();
        assert_eq!(missing.indices, [0]);
    });
}

/// Changes the database behind the server's back; `check` must find it.
async fn tables_are_compared(mut world: World, sql: &str, expected: &str) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    let directory = ann.directory(&mut draft, NodeId::ROOT, "d");
    ann.file(&mut draft, directory, "f", vec![]);
    ann.commit(&world, draft, vec![]).await.unwrap();
    assert!(world.files.check().await.unwrap().is_clean());
    world.files.close().await;
    let database = rusqlite::Connection::open(world.options.data.join("hythe.db")).unwrap();
    assert!(database.execute(sql, []).unwrap() > 0, "{sql}");
    drop(database);
    world.files = hythe_server::files::Files::open(world.options.clone())
        .await
        .unwrap();
    let report = world.files.check().await.unwrap();
    let found = report
        .findings
        .iter()
        .any(|finding| finding.what.contains(expected));
    assert!(found, "{sql}: {report:?}");
}

#[test]
fn d5_what_was_counted_wrong_is_named_and_set_right() {
    on_sqlite(async |mut world| {
        let ann = Person::register(&world, "ann").await;
        let mut pack = PackBuilder::new();
        pack.push(&ann.chunk(b"content"));
        let pack = pack.finish().into();
        let files = &world.files;
        files
            .put_pack(&ann.principal, ann.space, pack, None)
            .await
            .unwrap();
        let before = files.quotas(None).await.unwrap();
        world.files.close().await;
        let database = rusqlite::Connection::open(world.options.data.join("hythe.db")).unwrap();
        let wrong = "UPDATE logs SET stored_bytes = 7 WHERE kind = 0";
        assert_eq!(database.execute(wrong, []).unwrap(), 1);
        drop(database);
        world.files = hythe_server::files::Files::open(world.options.clone())
            .await
            .unwrap();
        let report = world.files.check().await.unwrap();
        assert_eq!((report.found, report.miscounted), (1, 1), "{report:?}");
        assert_eq!(world.files.recount().await.unwrap(), 1);
        assert!(world.files.check().await.unwrap().is_clean());
        assert_eq!(world.files.quotas(None).await.unwrap(), before);
    });
}

#[test]
fn a_changed_row_of_the_audit_log_is_found() {
    for sql in [
        "UPDATE audit SET subject = 'somebody else' WHERE no = 2",
        "UPDATE audit SET at_ms = at_ms + 1 WHERE no = 1",
        "DELETE FROM audit WHERE no = 2",
    ] {
        on_sqlite(async |mut world| {
            for _ in 0..3 {
                world.invite().await;
            }
            world.files.close().await;
            let database = rusqlite::Connection::open(world.options.data.join("hythe.db")).unwrap();
            assert_eq!(database.execute(sql, []).unwrap(), 1);
            drop(database);
            world.files = hythe_server::files::Files::open(world.options.clone())
                .await
                .unwrap();
            let report = world.files.check().await.unwrap();
            assert_eq!(report.found, 1, "{sql}: {report:?}");
            assert_eq!(report.findings[0].log, "audit");
        });
    }
}

#[test]
fn check_compares_tables_with_a_fold_of_the_log() {
    for (sql, expected) in [
        (
            "UPDATE nodes SET tag = zeroblob(32) WHERE body IS NULL",
            "is not what its record says",
        ),
        (
            "UPDATE nodes SET name = x'00' WHERE body IS NULL",
            "is not what its record says",
        ),
        (
            "DELETE FROM nodes WHERE body IS NOT NULL",
            "a record is missing",
        ),
        ("UPDATE members SET role = 2", "the role of"),
        (
            "UPDATE entries SET digest = zeroblob(32) WHERE cursor = 3",
            "digest differs at 3",
        ),
        (
            "UPDATE entries SET chain = zeroblob(32) WHERE cursor = 2",
            "the chain breaks at 2",
        ),
        (
            "UPDATE logs SET stored_bytes = 7 WHERE kind = 0",
            "counts 7 bytes, has 0",
        ),
        (
            "UPDATE entries SET change_set = x'00' WHERE cursor = 3",
            "change set 3 is damaged",
        ),
    ] {
        on_sqlite(async |world| tables_are_compared(world, sql, expected).await);
    }
}
