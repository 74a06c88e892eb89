//! What a scan finds.

use std::collections::BTreeSet;

use hythe_model::NodeKind;

use crate::ground::{Ground, TOP};

#[test]
fn s8_a_second_look_at_an_unchanged_folder_finds_nothing() {
    let ground = Ground::new();
    ground.write("a/b/c", "1");
    ground.write("a/d", "2");
    ground.write("e", "3");
    std::os::unix::fs::symlink("e", ground.at("l")).unwrap();
    let first = ground.scan();
    assert_eq!(first.dirty.len(), 6);
    assert_eq!(first.entries, 6);
    ground.assert_local_is_disk();
    assert_eq!(ground.scan().dirty, BTreeSet::new());
    let local = ground.local();
    assert_eq!(local["a"].node.place.parent, TOP);
    assert_eq!(local["l"].node.kind, NodeKind::Symlink);
    let text = blake3::hash(b"e");
    assert_eq!(local["l"].node.hash.unwrap().as_bytes(), text.as_bytes());
    assert!(!local.contains_key(".hythe"));
}

#[test]
fn an_edit_a_mode_and_a_new_file_are_found_and_nothing_else() {
    let ground = Ground::new();
    for name in ["edited", "mode", "same", "d/same"] {
        ground.write(name, "x");
    }
    ground.scan();
    let ids = [ground.id("edited"), ground.id("mode")];
    ground.write("edited", "y");
    let mut permissions = ground.at("mode").metadata().unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(ground.at("mode"), permissions).unwrap();
    ground.write("d/new", "z");
    let report = ground.scan();
    let wanted = BTreeSet::from([ids[0], ids[1], ground.id("d/new")]);
    assert_eq!(report.dirty, wanted);
    assert!(ground.local()["mode"].node.executable);
    ground.assert_local_is_disk();
}

#[test]
fn sc070_a_change_behind_an_old_time_is_found() {
    let ground = Ground::new();
    ground.write("f", "one");
    ground.scan();
    let modified = ground.at("f").metadata().unwrap().modified().unwrap();
    ground.write("f", "two");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(ground.at("f"))
        .unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::from([ground.id("f")]));
    assert_eq!(
        ground.local()["f"].node.hash,
        None,
        "what it holds has to be read"
    );
}

#[test]
fn what_is_gone_is_found_with_all_below_it() {
    let ground = Ground::new();
    for name in ["d/x/1", "d/x/2", "d/3", "e"] {
        ground.write(name, "x");
    }
    ground.scan();
    let before = ground.local();
    std::fs::remove_dir_all(ground.at("d")).unwrap();
    let report = ground.scan();
    let gone: BTreeSet<_> = before
        .iter()
        .filter(|(path, _)| path.starts_with('d'))
        .map(|(_, row)| row.node.id)
        .collect();
    assert_eq!(gone.len(), 5);
    assert_eq!(report.dirty, gone);
    ground.assert_local_is_disk();
}

#[test]
fn single_places_are_looked_at_alone() {
    let ground = Ground::new();
    for name in ["d/1", "d/2", "d/3", "e/4"] {
        ground.write(name, "x");
    }
    ground.scan();
    let (one, three) = (ground.id("d/1"), ground.id("d/3"));
    ground.write("d/1", "edited");
    ground.write("d/2", "edited as well");
    std::fs::remove_file(ground.at("d/3")).unwrap();
    let report = ground.scan_places(&["d/1", "d/3", "nothing/here"]);
    assert_eq!(report.dirty, BTreeSet::from([one, three]));
    assert_eq!(ground.scan().dirty, BTreeSet::from([ground.id("d/2")]));
}

#[test]
fn sc080_a_new_directory_is_looked_through_whole() {
    let ground = Ground::new();
    ground.write("known", "x");
    ground.scan();
    ground.write("x/y/z/f", "x");
    // Whatever place below it is told of: what is not known above it is looked at.
    ground.scan_places(&["x/y/z/f"]);
    ground.assert_local_is_disk();
    ground.write("p/q/r", "x");
    ground.scan_places(&["p"]);
    ground.assert_local_is_disk();
}

#[test]
fn a_place_that_is_a_directory_means_the_entries_in_it() {
    let ground = Ground::new();
    ground.write("d/x/deep", "x");
    ground.write("d/1", "x");
    ground.scan();
    ground.write("d/2", "new");
    ground.write("d/x/deep", "edited");
    std::fs::remove_file(ground.at("d/1")).unwrap();
    let one = ground.local()["d/1"].node.id;
    let report = ground.scan_places(&["d"]);
    assert_eq!(report.dirty, BTreeSet::from([ground.id("d/2"), one]));
    let report = ground.scan_places(&["", "d/x"]);
    assert_eq!(report.dirty, BTreeSet::from([ground.id("d/x/deep")]));
}

#[test]
fn a_directory_that_went_or_became_another_is_found_from_a_place_below_it() {
    let ground = Ground::new();
    ground.write("d/x/f", "x");
    ground.write("e/x/f", "x");
    ground.scan();
    let old = ground.id("e");
    std::fs::remove_dir_all(ground.at("d")).unwrap();
    std::fs::rename(ground.at("e"), ground.home.path().join("outside")).unwrap();
    ground.write("e/x/f", "another tree");
    ground.scan_places(&["d/x/f", "e/x/f"]);
    ground.assert_local_is_disk();
    assert_ne!(ground.id("e"), old);
}

#[test]
fn many_places_of_one_directory_are_found_by_listing_it() {
    let ground = Ground::new();
    for n in 0..600 {
        ground.write(&format!("d/{n}"), "x");
    }
    ground.scan();
    std::fs::remove_dir_all(ground.at("d")).unwrap();
    for n in 300..900 {
        ground.write(&format!("d/{n}"), "y");
    }
    let places: Vec<String> = (0..900).map(|n| format!("d/{n}")).collect();
    ground.scan_places(&places.iter().map(String::as_str).collect::<Vec<_>>());
    ground.assert_local_is_disk();
}

#[test]
fn sc046_a_directory_of_many_entries() {
    let ground = Ground::new();
    for n in 0..20_000 {
        std::fs::write(ground.at(&format!("{n:x}")), b"").unwrap();
    }
    assert_eq!(ground.scan().dirty.len(), 20_000);
    for n in (0..20_000).step_by(2) {
        std::fs::remove_file(ground.at(&format!("{n:x}"))).unwrap();
    }
    assert_eq!(ground.scan().dirty.len(), 10_000);
    ground.assert_local_is_disk();
}

/// Directories are listed ahead of their turn, side by side and below each other, and of a large
/// one only a part.
#[test]
fn wide_deep_and_large_directories_are_looked_through_whole() {
    let ground = Ground::new();
    for wide in 0..12 {
        for below in 0..6 {
            ground.write(&format!("w{wide}/b{below}/c/f"), "x");
        }
    }
    std::fs::create_dir(ground.at("w5/large")).unwrap();
    for n in 0..4200 {
        std::fs::write(ground.at(&format!("w5/large/{n}")), "").unwrap();
    }
    ground.scan();
    ground.assert_local_is_disk();
    assert_eq!(ground.scan().dirty, BTreeSet::new());

    let last = ground.id("w5/large/999");
    ground.write("w5/large/999", "changed");
    let deep = ground.id("w11/b5/c/f");
    std::fs::rename(ground.at("w11/b5/c/f"), ground.at("w0/f")).unwrap();
    assert!(ground.scan().dirty.is_superset(&[last, deep].into()));
    assert_eq!([ground.id("w5/large/999"), ground.id("w0/f")], [last, deep]);
    ground.assert_local_is_disk();
}
