//! A copy that was put back begins a new life (D4, SC-123).

use hythe_model::NodeId;
use hythe_server::files::{Files, FilesError};
use hythe_space::{ChangeSet, Draft, Operation};

use crate::engine::on_sqlite;
use crate::person::Person;
use crate::world::{World, copy_folder};

async fn make(world: &World, ann: &mut Person, name: &str) {
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, name);
    ann.commit(world, draft, vec![]).await.unwrap();
}

/// Puts files of a copy back over the data, or the whole of it.
fn put_back(world: &World, copy: &std::path::Path, only_database: bool) {
    let data = &world.options.data;
    if !only_database {
        std::fs::remove_dir_all(data).unwrap();
        copy_folder(copy, data);
        return;
    }
    for name in ["hythe.db-wal", "hythe.db-shm"] {
        let _may_be_gone = std::fs::remove_file(data.join(name));
    }
    std::fs::copy(copy.join("hythe.db"), data.join("hythe.db")).unwrap();
}

async fn restore_is_an_event(mut world: World, restarts_between: bool, only_database: bool) {
    let mut ann = Person::register(&world, "ann").await;
    make(&world, &mut ann, "before").await;
    world.restart().await;
    ann.principal = world.files.authenticate(&ann.token, None).await.unwrap();
    let old_epoch = world.files.epoch();

    // A backup while the server is down; then it goes on, perhaps without another start.
    world.files.close().await;
    let copy = world.beside("backup");
    copy_folder(&world.options.data, &copy);
    if !restarts_between {
        // As a copy of the running database would have it: the start is counted in it.
        world.files = Files::open(world.options.clone()).await.unwrap();
        world.files.close().await;
        std::fs::remove_dir_all(&copy).unwrap();
        copy_folder(&world.options.data, &copy);
        world.files = reopened_without_counting(&world).await;
    } else {
        world.files = Files::open(world.options.clone()).await.unwrap();
    }
    ann.principal = world.files.authenticate(&ann.token, None).await.unwrap();
    let common = ann.fold.clone();
    make(&world, &mut ann, "in the abandoned tail").await;
    let abandoned = ann.fold.head();
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "over the abandoned tail");
    let late = ann.sign(draft);
    world.files.close().await;

    put_back(&world, &copy, only_database);
    world.files = Files::open(world.options.clone()).await.unwrap();
    assert_ne!(
        world.files.epoch(),
        old_epoch,
        "nobody had to remember a command"
    );
    ann.principal = world.files.authenticate(&ann.token, None).await.unwrap();
    let standing = world
        .files
        .standing(&ann.principal, ann.space, abandoned)
        .await
        .unwrap();
    assert!(!standing.agrees && standing.epoch == world.files.epoch());
    let refused = ann.send(&world, &late, vec![]).await;
    assert!(
        matches!(refused, Err(FilesError::Diverged { .. })),
        "{refused:?}"
    );

    // The log says so itself, signed by the server's device, just after the copy's end.
    ann.fold = common;
    let from = ann.fold.head();
    ann.pull(&world).await;
    let page = world
        .files
        .changes(&ann.principal, ann.space, from.cursor, 10, 1 << 20)
        .await;
    let told = ChangeSet::decode(&page.unwrap().entries[0].change_set).unwrap();
    let [Operation::Restored(restored)] = told.operations() else {
        panic!("{told:?}")
    };
    assert_eq!((restored.at, restored.epoch), (from, world.files.epoch()));
    assert_eq!(told.header().author, world.files.device());
    // The client goes on from there.
    make(&world, &mut ann, "in the new life").await;
    assert!(world.files.check().await.unwrap().is_clean());

    // The next start is an ordinary one.
    let epoch = world.files.epoch();
    world.restart().await;
    assert_eq!(world.files.epoch(), epoch);
}

/// Opens the data as if the copy had been taken after this start: the copy and the live data then
/// have the same count of starts, and only the count of change sets tells them apart.
async fn reopened_without_counting(world: &World) -> Files {
    let files = Files::open(world.options.clone()).await.unwrap();
    let copy = world.beside("backup");
    std::fs::remove_dir_all(&copy).unwrap();
    copy_folder(&world.options.data, &copy);
    files
}

#[test]
fn sc123_an_older_database_in_the_same_folder_is_recognised() {
    on_sqlite(async |world| restore_is_an_event(world, true, true).await);
}

#[test]
fn sc123_a_copy_taken_within_the_same_run_is_recognised() {
    on_sqlite(async |world| restore_is_an_event(world, false, true).await);
}

#[test]
fn sc123_the_whole_folder_put_back_is_recognised_by_the_mark_outside() {
    on_sqlite(async |world| restore_is_an_event(world, true, false).await);
}

#[test]
fn a_folder_that_moved_to_another_machine_is_no_restore() {
    on_sqlite(async |mut world| {
        let mut ann = Person::register(&world, "ann").await;
        make(&world, &mut ann, "d").await;
        let epoch = world.files.epoch();
        world.files.close().await;
        let moved = world.beside("moved");
        copy_folder(&world.options.data, &moved);
        world.options.data = moved;
        world.options.witness = Some(world.beside("another machine's witness"));
        world.files = Files::open(world.options.clone()).await.unwrap();
        assert_eq!(world.files.epoch(), epoch);
    });
}
