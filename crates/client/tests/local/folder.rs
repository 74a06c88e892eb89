//! Whether a directory is the folder.

use hythe_client::disk::{
    Absence, FolderId, Generation, Inspection, Marker, Mismatch, OpenError, Opened, Owner, Root,
};
use hythe_client::state::{Condition, State};
use hythe_model::DeviceId;

use crate::ground::{FOLDER, Ground, Mounted, TOP, marker, owner};

/// The folder's directory and marker, with nobody holding its lock.
fn closed() -> (tempfile::TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("folder");
    std::fs::create_dir(&path).unwrap();
    drop(Root::create(&path, marker()).unwrap());
    (home, path)
}

fn known() -> Owner {
    owner(&[marker().generation])
}

#[track_caller]
fn away(opened: Opened) -> Absence {
    match opened {
        Opened::Away(absence) => absence,
        Opened::Ready(_) => panic!("opened"),
        Opened::Reconcile(_, mismatch) => panic!("reconcile: {mismatch:?}"),
    }
}

#[test]
fn s4_the_folder_as_it_was_left_opens() {
    let (_home, path) = closed();
    let Opened::Ready(root) = Root::open(&path, &known()).unwrap() else {
        panic!("not ready")
    };
    assert_eq!(root.marker().folder, FOLDER);
    assert_eq!(root.marker().node, TOP);
    assert_eq!(root.still_there(), Ok(()));
}

#[test]
fn sc135_a_missing_or_emptied_folder_is_away() {
    let (_home, path) = closed();
    std::fs::remove_dir_all(&path).unwrap();
    assert_eq!(away(Root::open(&path, &known()).unwrap()), Absence::Missing);
    std::fs::create_dir(&path).unwrap();
    let unmarked = Absence::Unmarked { empty: true };
    assert_eq!(away(Root::open(&path, &known()).unwrap()), unmarked);
    std::fs::write(path.join("x"), "x").unwrap();
    let unmarked = Absence::Unmarked { empty: false };
    assert_eq!(away(Root::open(&path, &known()).unwrap()), unmarked);
    std::fs::remove_dir_all(&path).unwrap();
    std::fs::write(&path, "a file").unwrap();
    assert_eq!(
        away(Root::open(&path, &known()).unwrap()),
        Absence::NotDirectory
    );
}

#[test]
fn sc137_a_swap_while_running_is_noticed() {
    let (home, path) = closed();
    let Opened::Ready(root) = Root::open(&path, &known()).unwrap() else {
        panic!("not ready")
    };
    let aside = home.path().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    assert_eq!(root.still_there(), Err(Absence::Missing));
    std::fs::create_dir(&path).unwrap();
    assert_eq!(root.still_there(), Err(Absence::Unmarked { empty: true }));
    std::fs::create_dir(path.join(".hythe")).unwrap();
    std::fs::copy(aside.join(".hythe/marker"), path.join(".hythe/marker")).unwrap();
    assert_eq!(root.still_there(), Err(Absence::Replaced));
    std::fs::remove_dir_all(&path).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(root.still_there(), Ok(()));
    std::fs::remove_file(path.join(".hythe/marker")).unwrap();
    assert_eq!(root.still_there(), Err(Absence::Unmarked { empty: false }));
}

#[test]
fn sc135_a_disk_mounted_over_and_taken_away_is_noticed() {
    let (_home, path) = closed();
    let Some(mounted) = Mounted::tmpfs(&path, "size=1m") else {
        return;
    };
    assert_eq!(
        away(Root::open(&path, &known()).unwrap()),
        Absence::Unmarked { empty: true }
    );
    let on_disk = Root::create(&path, marker()).unwrap();
    assert_eq!(on_disk.still_there(), Ok(()));
    drop(mounted);
    assert!(on_disk.still_there().is_err());
}

#[test]
fn sc138_a_copied_folder_is_merged_and_then_known() {
    let (home, path) = closed();
    let copy = home.path().join("copy");
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([&path, &copy])
        .status();
    assert!(copied.unwrap().success());
    let opened = Root::open(&copy, &known()).unwrap();
    assert!(matches!(opened, Opened::Reconcile(_, Mismatch::Copied)));
    drop(opened);
    // Ended before what was agreed on had been forgotten: it is still a copy.
    let Opened::Reconcile(root, Mismatch::Copied) = Root::open(&copy, &known()).unwrap() else {
        panic!("taken for the folder itself")
    };
    let next = marker().generation.next().unwrap();
    root.set_generation(next).unwrap();
    assert_eq!(root.still_there(), Ok(()));
    drop(root);
    assert!(matches!(
        Root::open(&copy, &owner(&[next])).unwrap(),
        Opened::Ready(_)
    ));
}

#[test]
fn sc138_sc148_a_folder_of_another_device_is_left_alone() {
    let (_home, path) = closed();
    let other = Owner {
        device: DeviceId([9; 32]),
        ..known()
    };
    assert_eq!(away(Root::open(&path, &other).unwrap()), Absence::Foreign);
    let other = Owner {
        folder: FolderId([9; 16]),
        ..known()
    };
    assert_eq!(away(Root::open(&path, &other).unwrap()), Absence::Foreign);
}

#[test]
fn sc142_a_folder_that_went_back_in_time_is_merged() {
    let (_home, path) = closed();
    let later = Generation {
        number: 9,
        token: [9; 16],
    };
    let opened = Root::open(&path, &owner(&[later])).unwrap();
    assert!(matches!(
        opened,
        Opened::Reconcile(_, Mismatch::FolderOlder)
    ));
}

#[test]
fn sc143_a_second_daemon_is_refused_and_told_who_is_there() {
    let (_home, path) = closed();
    let first = Root::open(&path, &known()).unwrap();
    match Root::open(&path, &known()) {
        Err(OpenError::Busy { holder }) => assert_eq!(holder, Some(std::process::id())),
        _ => panic!("the folder was opened twice"),
    }
    assert!(matches!(
        Root::create(&path, marker()),
        Err(OpenError::Busy { .. })
    ));
    drop(first);
    assert!(matches!(
        Root::open(&path, &known()).unwrap(),
        Opened::Ready(_)
    ));
}

#[test]
fn a_look_from_outside_changes_and_locks_nothing() {
    let (_home, path) = closed();
    let seen = Inspection::of(&path).unwrap();
    assert_eq!(
        seen.marker.map(|marker: Marker| marker.folder),
        Some(FOLDER)
    );
    assert!(matches!(
        Root::open(&path, &known()).unwrap(),
        Opened::Ready(_)
    ));
    let bare = tempfile::tempdir().unwrap();
    let seen = Inspection::of(bare.path()).unwrap();
    assert!(seen.empty && seen.marker.is_none());
    assert_eq!(
        Inspection::of(&bare.path().join("x")),
        Err(Absence::Missing)
    );
}

#[test]
fn sc089_an_older_copy_of_the_database_is_noticed() {
    let ground = Ground::new();
    ground
        .state
        .begin_period(ground.folder, &ground.root)
        .unwrap();
    let Ground {
        root,
        state,
        folder,
        home,
    } = ground;
    let database = home.path().join("state.db");
    drop(state);
    let old = home.path().join("old.db");
    std::fs::copy(&database, &old).unwrap();

    let (state, condition) = State::open(&database).unwrap();
    assert_eq!(condition, Condition::Clean);
    state.begin_period(folder, &root).unwrap();
    let generations = |state: &State| {
        state
            .read(|rows| rows.folder(folder))
            .unwrap()
            .unwrap()
            .generations()
    };
    let newest = generations(&state);
    drop((root, state));
    let path = home.path().join("folder");
    let opened = Root::open(&path, &owner(&newest)).unwrap();
    assert!(matches!(opened, Opened::Ready(_)));
    drop(opened);

    std::fs::copy(&old, &database).unwrap();
    let (state, _) = State::open(&database).unwrap();
    let opened = Root::open(&path, &owner(&generations(&state))).unwrap();
    assert!(matches!(opened, Opened::Reconcile(_, Mismatch::StateOlder)));
}

#[test]
fn s10_a_crash_between_announcing_and_confirming_a_period_is_no_mismatch() {
    let ground = Ground::new();
    let next = marker().generation.next().unwrap();
    let announce = move |tx: &hythe_client::state::Tx<'_>| {
        let row = tx.folder(hythe_client::state::FolderNumber(1))?.unwrap();
        let row = hythe_client::state::FolderRow {
            next_generation: Some(next),
            ..row
        };
        tx.update_folder(hythe_client::state::FolderNumber(1), &row)
    };
    ground
        .state
        .write_blocking::<_, hythe_client::state::StateError>(announce)
        .unwrap();
    let row = ground
        .state
        .read(|rows| rows.folder(ground.folder))
        .unwrap()
        .unwrap();
    let Ground { root, home, .. } = ground;
    let path = home.path().join("folder");
    drop(root);
    // Before the marker was written, and after.
    let Opened::Ready(root) = Root::open(&path, &owner(&row.generations())).unwrap() else {
        panic!("not ready")
    };
    root.set_generation(next).unwrap();
    drop(root);
    let opened = Root::open(&path, &owner(&row.generations())).unwrap();
    assert!(matches!(opened, Opened::Ready(_)));
}

#[test]
fn that_the_trees_were_equal_is_believed_once_and_only_where_nothing_moved_since() {
    let ground = Ground::new();
    let (folder, state) = (ground.folder, &ground.state);
    let begin = || state.begin_period(folder, &ground.root).unwrap();
    let row = state.read(|rows| rows.folder(folder)).unwrap().unwrap();
    let at = |cursor| {
        let chain = hythe_model::ChainHash([1; 32]);
        let head = hythe_model::Head {
            cursor: hythe_model::Cursor(cursor),
            chain,
        };
        state
            .write(move |tx| tx.advance(row.space, head, &[]))
            .wait()
            .unwrap();
    };
    let note = |cursor| {
        let cursor = hythe_model::Cursor(cursor);
        state
            .write(move |tx| tx.note_settled(folder, cursor))
            .wait()
            .unwrap();
    };
    assert!(!begin(), "nobody said so");
    at(7);
    note(7);
    assert!(begin());
    assert!(!begin(), "the period that began may have ended in a crash");
    note(7);
    at(8);
    assert!(!begin(), "the log went on");
    note(8);
    state
        .write(move |tx| tx.forget_agreement(folder))
        .wait()
        .unwrap();
    assert!(!begin(), "nothing is agreed on any more");
}
