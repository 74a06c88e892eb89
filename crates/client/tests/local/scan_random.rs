//! Whatever a user does, the Local tree is the disk afterwards, and what stayed keeps its node.

use std::collections::BTreeMap;

use hythe_model::NodeId;
use proptest::prelude::*;

use crate::ground::Ground;

/// Something a user does. Numbers choose among the places that there are.
#[derive(Debug, Clone)]
enum Deed {
    Write(usize),
    Save(usize),
    Directory(usize),
    Remove(usize),
    Move(usize, usize),
    Exchange(usize, usize),
    Link(usize, usize),
    Symlink(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let n = 0..16_usize;
    let deed = prop_oneof![
        4 => n.clone().prop_map(Deed::Write),
        2 => n.clone().prop_map(Deed::Save),
        2 => n.clone().prop_map(Deed::Directory),
        2 => n.clone().prop_map(Deed::Remove),
        4 => (n.clone(), n.clone()).prop_map(|(from, to)| Deed::Move(from, to)),
        2 => (n.clone(), n.clone()).prop_map(|(one, two)| Deed::Exchange(one, two)),
        1 => (n.clone(), n.clone()).prop_map(|(from, to)| Deed::Link(from, to)),
        1 => n.prop_map(Deed::Symlink),
    ];
    proptest::collection::vec(deed, 1..12)
}

/// Sixteen places in and below four directories; many deeds fail, as users' do.
fn place(ground: &Ground, n: usize) -> std::path::PathBuf {
    let directory = ["", "d/", "d/e/", "f/"][n % 4];
    ground.at(&format!("{directory}{}", ["x", "y", "d", "e"][n / 4 % 4]))
}

fn act(ground: &Ground, deed: &Deed) {
    use hythe_client::os;
    let place = |n: &usize| place(ground, *n);
    let parent = |n: &usize| os::open_root(place(n).parent().unwrap());
    let name = |n: &usize| place(n).file_name().unwrap().as_encoded_bytes().to_vec();
    let _ = match deed {
        Deed::Write(n) => std::fs::write(place(n), format!("{n}")),
        Deed::Save(n) => {
            let next = ground.home.path().join("next");
            std::fs::write(&next, "saved").and_then(|()| std::fs::rename(&next, place(n)))
        }
        Deed::Directory(n) => std::fs::create_dir(place(n)),
        Deed::Remove(n) => {
            std::fs::remove_file(place(n)).or_else(|_| std::fs::remove_dir_all(place(n)))
        }
        Deed::Move(from, to) => std::fs::rename(place(from), place(to)),
        Deed::Exchange(one, two) => {
            parent(one).and_then(|left| os::exchange(left, &name(one), parent(two)?, &name(two)))
        }
        Deed::Link(from, to) => std::fs::hard_link(place(from), place(to)),
        Deed::Symlink(n) => std::os::unix::fs::symlink("/no/where", place(n)),
    };
}

/// Identity of an entry on the disk, hard links apart.
fn entries(ground: &Ground) -> BTreeMap<(u64, Option<hythe_model::Timestamp>), NodeId> {
    let rows = ground.local();
    let mut found = BTreeMap::new();
    for (path, row) in rows {
        let links = ground
            .root
            .stat(&crate::ground::tree(&path))
            .unwrap()
            .unwrap()
            .links;
        if row.node.kind == hythe_model::NodeKind::Directory || links == 1 {
            found.insert((row.node.stamp.inode, row.node.stamp.born), row.node.id);
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn c1_the_local_tree_is_the_disk_after_any_deeds(rounds in proptest::collection::vec(deeds(), 1..4)) {
        let ground = Ground::new();
        for directory in ["d", "d/e", "f"] {
            std::fs::create_dir_all(ground.at(directory)).unwrap();
        }
        ground.scan();
        for deeds in rounds {
            let before = entries(&ground);
            let rows = ground.local();
            deeds.iter().for_each(|deed| act(&ground, deed));
            let report = ground.scan();
            ground.assert_local_is_disk();
            prop_assert_eq!(ground.scan().dirty.len(), 0, "a second look finds nothing");
            // Directories keep their node wherever they are.
            let after = entries(&ground);
            for row in ground.local().values() {
                let identity = (row.node.stamp.inode, row.node.stamp.born);
                if row.node.kind == hythe_model::NodeKind::Directory
                    && let Some(id) = before.get(&identity)
                {
                    prop_assert_eq!(after[&identity], *id);
                }
            }
            // Every difference was told.
            for (path, row) in ground.local() {
                let same = rows.values().any(|old| old.node == row.node);
                prop_assert!(same || report.dirty.contains(&row.node.id), "{} not told", path);
            }
            let now: Vec<NodeId> = ground.local().values().map(|row| row.node.id).collect();
            for row in rows.values() {
                let there = now.contains(&row.node.id);
                prop_assert!(there || report.dirty.contains(&row.node.id), "a loss not told");
            }
        }
    }

    #[test]
    fn c1_single_places_find_what_a_whole_scan_finds(rounds in proptest::collection::vec(deeds(), 1..4)) {
        let ground = Ground::new();
        for directory in ["d", "d/e", "f"] {
            std::fs::create_dir_all(ground.at(directory)).unwrap();
        }
        ground.scan();
        for deeds in rounds {
            deeds.iter().for_each(|deed| act(&ground, deed));
            // Every place that a deed may have touched, in one go.
            let places: Vec<String> = (0..16)
                .map(|n| place(&ground, n))
                .map(|path| path.strip_prefix(ground.at("")).unwrap().to_str().unwrap().to_owned())
                .collect();
            let places: Vec<&str> = places.iter().map(String::as_str).collect();
            let report = ground.scan_places(&places);
            prop_assert!(report.again.is_empty());
            ground.assert_local_is_disk();
            prop_assert_eq!(ground.scan().dirty.len(), 0, "a whole look finds nothing more");
        }
    }
}
