//! Which node an entry is (T2, T4, groups B, E and F).

use std::collections::BTreeSet;
use std::fs::{remove_file, rename};

use hythe_model::ContentHash;

use hythe_client::scan::Scope;

use crate::ground::Ground;

/// Sets the hash of every file, as if all had been read.
fn read_all(ground: &Ground) {
    let folder = ground.folder;
    for row in ground.local().into_values() {
        let node = row.node;
        ground
            .state
            .write_blocking::<_, hythe_client::state::StateError>(move |tx| {
                tx.set_local_hash(folder, node.id, &node.stamp, ContentHash([1; 32]))
                    .map(drop)
            })
            .unwrap();
    }
}

#[test]
fn t2_a_renamed_file_keeps_its_node_and_what_is_known_of_its_content() {
    let ground = Ground::new();
    ground.write("a", "x");
    ground.scan();
    read_all(&ground);
    let id = ground.id("a");
    rename(ground.at("a"), ground.at("b")).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::from([id]));
    assert_eq!(ground.id("b"), id);
    assert_eq!(ground.local()["b"].node.hash, Some(ContentHash([1; 32])));
    assert!(!ground.local().contains_key("a"));
}

#[test]
fn t2_a_moved_directory_is_one_change_whatever_it_holds() {
    let ground = Ground::new();
    for n in 0..100 {
        ground.write(&format!("d/x/{n}"), "x");
    }
    ground.write("e/f", "x");
    ground.scan();
    let (id, below) = (ground.id("d"), ground.id("d/x/5"));
    rename(ground.at("d"), ground.at("e/moved")).unwrap();
    assert_eq!(
        ground.scan_places(&["d", "e/moved"]).dirty,
        BTreeSet::from([id])
    );
    assert_eq!(ground.id("e/moved"), id);
    assert_eq!(ground.id("e/moved/x/5"), below);
    ground.assert_local_is_disk();
    // Into the alphabet's other half, so that either place comes first in a whole scan.
    rename(ground.at("e/moved"), ground.at("z")).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::from([id]));
    rename(ground.at("z"), ground.at("a")).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::from([id]));
    assert_eq!(ground.id("a/x/5"), below);
    ground.assert_local_is_disk();
}

#[test]
fn sc017_a_file_that_left_a_directory_before_it_went_is_moved_not_gone() {
    let ground = Ground::new();
    ground.write("d/keep", "x");
    ground.write("d/go", "y");
    ground.scan();
    let (keep, go, d) = (ground.id("d/keep"), ground.id("d/go"), ground.id("d"));
    rename(ground.at("d/keep"), ground.at("kept")).unwrap();
    std::fs::remove_dir_all(ground.at("d")).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::from([keep, go, d]));
    assert_eq!(ground.id("kept"), keep);
    ground.assert_local_is_disk();
}

#[test]
fn sc019_swapped_files_swap_their_nodes() {
    let ground = Ground::new();
    ground.write("a", "one");
    ground.write("b", "two");
    ground.scan();
    read_all(&ground);
    let ids = (ground.id("a"), ground.id("b"));
    rename(ground.at("a"), ground.at("t")).unwrap();
    rename(ground.at("b"), ground.at("a")).unwrap();
    rename(ground.at("t"), ground.at("b")).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::from([ids.0, ids.1]));
    assert_eq!((ground.id("b"), ground.id("a")), ids);
    assert!(
        ground.local().values().all(|row| row.node.hash.is_some()),
        "nothing to read again"
    );
}

#[test]
fn swapped_directories_swap_their_nodes() {
    let ground = Ground::new();
    ground.write("a/1", "one");
    ground.write("b/2", "two");
    ground.scan();
    let ids = (ground.id("a"), ground.id("b"), ground.id("a/1"));
    rename(ground.at("a"), ground.at("t")).unwrap();
    rename(ground.at("b"), ground.at("a")).unwrap();
    rename(ground.at("t"), ground.at("b")).unwrap();
    assert_eq!(
        ground.scan_places(&["a", "b"]).dirty,
        BTreeSet::from([ids.0, ids.1])
    );
    assert_eq!((ground.id("b"), ground.id("a"), ground.id("b/1")), ids);
    ground.assert_local_is_disk();
}

#[test]
fn sc020_a_rotation_moves_nodes() {
    let ground = Ground::new();
    ground.write("log.1", "one");
    ground.write("log.2", "two");
    ground.scan();
    let (one, two) = (ground.id("log.1"), ground.id("log.2"));
    rename(ground.at("log.2"), ground.at("log.3")).unwrap();
    rename(ground.at("log.1"), ground.at("log.2")).unwrap();
    ground.write("log.1", "new");
    ground.scan();
    assert_eq!((ground.id("log.2"), ground.id("log.3")), (one, two));
    assert!(![one, two].contains(&ground.id("log.1")));
    ground.assert_local_is_disk();
}

#[test]
fn sc063_vim_saves_one_new_version_of_the_same_node() {
    let ground = Ground::new();
    ground.write("f", "one");
    ground.scan();
    let id = ground.id("f");
    ground.write(".f.swp", "swap");
    rename(ground.at("f"), ground.at("f~")).unwrap();
    ground.write("f", "two");
    remove_file(ground.at("f~")).unwrap();
    remove_file(ground.at(".f.swp")).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::from([id]));
    assert_eq!(ground.id("f"), id);
    assert_eq!(ground.local()["f"].node.hash, None);
}

#[test]
fn sc064_a_file_renamed_over_another_keeps_the_others_node() {
    let ground = Ground::new();
    ground.write("document", "one");
    ground.scan();
    let id = ground.id("document");
    ground.write("lu123.tmp", "two");
    // Seen half-way, too.
    ground.scan();
    let temporary = ground.id("lu123.tmp");
    rename(ground.at("lu123.tmp"), ground.at("document")).unwrap();
    let report = ground.scan_places(&["document", "lu123.tmp"]);
    assert_eq!(report.dirty, BTreeSet::from([id, temporary]));
    assert_eq!(ground.id("document"), id);
    ground.assert_local_is_disk();
}

#[test]
fn sc027_a_change_of_case_is_a_rename() {
    let ground = Ground::new();
    ground.write("README", "x");
    ground.scan();
    let id = ground.id("README");
    rename(ground.at("README"), ground.at("Readme")).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::from([id]));
    assert_eq!(ground.id("Readme"), id);
}

#[test]
fn sc025_a_second_name_of_a_file_is_a_node_of_its_own() {
    let ground = Ground::new();
    ground.write("m", "x");
    ground.scan();
    let id = ground.id("m");
    for name in ["a", "z"] {
        std::fs::hard_link(ground.at("m"), ground.at(name)).unwrap();
    }
    ground.scan();
    assert_eq!(ground.id("m"), id);
    let ids: BTreeSet<_> = ground.local().values().map(|row| row.node.id).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(ground.scan().dirty, BTreeSet::new());
    // The first name goes: the others stay what they are.
    let others = (ground.id("a"), ground.id("z"));
    remove_file(ground.at("m")).unwrap();
    ground.scan();
    assert_eq!((ground.id("a"), ground.id("z")), others);
    ground.assert_local_is_disk();
}

#[test]
fn t4_another_kind_is_another_node() {
    let ground = Ground::new();
    ground.write("file", "x");
    ground.write("d/child", "x");
    ground.scan();
    let (file, d, child) = (ground.id("file"), ground.id("d"), ground.id("d/child"));
    remove_file(ground.at("file")).unwrap();
    ground.write("file/new child", "x");
    std::fs::remove_dir_all(ground.at("d")).unwrap();
    ground.write("d", "now a file");
    let report = ground.scan();
    assert!([file, d, child].iter().all(|id| report.dirty.contains(id)));
    assert_ne!(ground.id("file"), file);
    assert_ne!(ground.id("d"), d);
    ground.assert_local_is_disk();
    assert_eq!(ground.scan().dirty, BTreeSet::new());
}

#[test]
fn sc058_a_directory_that_became_a_link_is_not_entered() {
    let ground = Ground::new();
    ground.write("d/f", "x");
    ground.scan();
    let outside = ground.home.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("f"), "outside").unwrap();
    std::fs::remove_dir_all(ground.at("d")).unwrap();
    std::os::unix::fs::symlink(&outside, ground.at("d")).unwrap();
    ground.scan_places(&["d/f"]);
    assert_eq!(ground.local().keys().collect::<Vec<_>>(), ["d"]);
    assert_eq!(ground.scan().entries, 1);
}

#[test]
fn a_new_file_with_a_reused_inode_is_a_new_node() {
    let ground = Ground::new();
    ground.write("a", "x");
    ground.scan();
    let (id, inode) = (ground.id("a"), ground.stamp("a").inode);
    remove_file(ground.at("a")).unwrap();
    let reused = (0..64).any(|n| {
        let name = format!("b{n}");
        ground.write(&name, "y");
        ground.stamp(&name).inode == inode
    });
    ground.scan();
    if !reused {
        eprintln!("SKIPPED: this file system did not use the inode again");
    }
    assert!(ground.local().values().all(|row| row.node.id != id));
}

/// A scan was killed after it had given a directory's place to another node and before it had looked
/// for what was in it.
#[test]
fn c2_rows_below_no_directory_are_found_after_a_scan_that_broke_off() {
    let ground = Ground::new();
    ground.write("d/moved", "x");
    ground.write("d/stays", "y");
    ground.write("d/goes", "z");
    ground.scan();
    let [d, moved, stays, goes] = ["d", "d/moved", "d/stays", "d/goes"].map(|at| ground.id(at));
    let folder = ground.folder;
    ground
        .state
        .write_blocking(move |tx| tx.remove_local(folder, d))
        .map(drop)
        .unwrap();
    std::fs::rename(ground.at("d/moved"), ground.at("moved")).unwrap();
    remove_file(ground.at("d/goes")).unwrap();

    let report = ground.try_scan(&Scope::WholeAfterBreak).unwrap();
    ground.assert_local_is_disk();
    assert_eq!([ground.id("moved"), ground.id("d/stays")], [moved, stays]);
    assert!(report.dirty.contains(&goes));
    assert!(ground.local().values().all(|row| row.node.id != goes));
}
