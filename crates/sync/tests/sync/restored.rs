//! What devices make of a server that was restored from a copy (D4, C5).

use std::collections::BTreeSet;

use hythe_model::EntryName;
use hythe_sync::{
    Brake, Counts, DiskStamp, MapTrees, Plan, PlanContext, Refused, Step, Trees, check, plan,
};
use hythe_testkit::tree_text::id_of;

use crate::device::Ids;
use crate::table::Case;
use crate::users::Edit;
use crate::world::{Event, World};

fn write(content: u32) -> Event {
    Event::User(0, Edit::Write { entry: 0, content })
}

/// Two devices with a file that holds 3; the server forgets that and says 1 again, and device 0
/// brings 3 back while device 1 is away.
fn brought_back() -> World {
    let mut world = World::new(2);
    world.run(&Event::User(
        0,
        Edit::File {
            directory: 0,
            name: 0,
            content: 1,
        },
    ));
    world.settle(u64::MAX);
    let copy = world.server.clone();
    world.run(&write(3));
    world.settle(u64::MAX);
    world.restore(copy, false);
    sync(&mut world, 0);
    world
}

fn sync(world: &mut World, device: u8) {
    for event in [
        Event::Scan(device),
        Event::Pull(device),
        Event::Step(device),
    ] {
        world.run(&event);
    }
}

/// All files of both devices hold `contents`, in files of so many names.
fn assert_ends_with(world: &mut World, contents: &[u32], names: usize) {
    world.reconcile_all();
    world.settle(u64::MAX);
    world.assert_laws();
    let disk = &world.devices[1].disk;
    let expected: BTreeSet<u32> = contents.iter().copied().collect();
    assert_eq!(disk.contents(), expected, "{}", world.report());
    let all: Vec<&EntryName> = disk.entries.values().map(|entry| &entry.name).collect();
    assert_eq!(disk.listing().len(), names, "{all:?}");
}

#[test]
fn sc123_what_was_edited_after_the_backup_is_a_new_version_under_its_name() {
    let mut world = brought_back();
    let there: Vec<_> = world.server.nodes.values().collect();
    assert_eq!(there.len(), 1);
    let body = there[0].versions.body.unwrap();
    assert_eq!(world.server.contents[&body], 3);
    assert_ends_with(&mut world, &[3], 1);
}

#[test]
fn sc125_what_another_device_brought_back_and_edited_on_makes_no_copy() {
    let mut world = brought_back();
    world.run(&write(5));
    sync(&mut world, 0);
    assert_ends_with(&mut world, &[5], 1);
}

#[test]
fn sc125_an_edit_on_this_side_of_what_another_device_brought_back_is_a_copy() {
    let mut world = brought_back();
    world.run(&write(5));
    sync(&mut world, 0);
    world.run(&Event::User(
        1,
        Edit::Write {
            entry: 0,
            content: 7,
        },
    ));
    assert_ends_with(&mut world, &[5, 7], 2);
}

#[test]
fn sc125_an_edit_after_the_restore_makes_no_copy_of_what_it_was_made_from() {
    let mut world = World::new(2);
    world.run(&Event::User(
        0,
        Edit::File {
            directory: 0,
            name: 0,
            content: 1,
        },
    ));
    world.settle(u64::MAX);
    let copy = world.server.clone();
    world.restore(copy, false);
    world.run(&write(3));
    sync(&mut world, 0);
    assert_ends_with(&mut world, &[3], 1);
}

#[test]
fn c5_a_device_that_was_behind_does_not_send_what_is_older_than_the_backup() {
    let mut world = World::new(2);
    world.run(&Event::User(
        0,
        Edit::File {
            directory: 0,
            name: 0,
            content: 1,
        },
    ));
    world.settle(u64::MAX);
    world.run(&write(3));
    sync(&mut world, 0);
    // It hears of 3 and does not fetch it.
    world.run(&Event::Pull(1));
    let copy = world.server.clone();
    world.restore(copy, true);
    assert_ends_with(&mut world, &[3], 1);
}

/// A node whose content in the log is an older one that the disk has not had since.
fn forgotten_content(case: &Case<'_>, ids: &[&str]) -> MapTrees {
    let mut trees = case.trees();
    for id in ids {
        let mut row = trees.synced(id_of(id)).unwrap().unwrap();
        row.stamp.inode = DiskStamp::NO_ENTRY;
        trees.set_synced(id_of(id), Some(row));
    }
    trees
}

fn planned(trees: &MapTrees, dirty: &BTreeSet<hythe_model::NodeId>) -> Plan {
    plan(trees, dirty, &PlanContext::default(), &mut Ids(1)).unwrap()
}

#[test]
fn c5_the_absence_of_a_content_that_was_not_here_deletes_nothing() {
    let case = Case {
        synced: "f#f =one",
        local: "",
        remote: "f#f =one",
    };
    let trees = forgotten_content(&case, &["f"]);
    let steps = planned(&trees, &case.all()).steps;
    assert!(matches!(&steps[..], [Step::Download { .. }]), "{steps:?}");
    let delete = Step::RemoteDelete {
        node: id_of("f"),
        expected: trees.remote(id_of("f")).unwrap().unwrap().versions,
    };
    let plan = Plan {
        steps: vec![delete],
        ..Plan::default()
    };
    let none = BTreeSet::new();
    let refused = check(plan, &trees, &Brake::released(&none));
    assert!(
        matches!(refused, Err(Refused::NoEvidence(_))),
        "{refused:?}"
    );
}

#[test]
fn s5_contents_that_come_back_are_no_mass_change() {
    let ids: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    let lines = |content: &str| -> String {
        let line = |id| format!("f{id}#{id} ={content}\n");
        ids.iter().map(line).collect()
    };
    let (old, new) = (lines("one"), lines("two"));
    let case = Case {
        synced: &old,
        local: &new,
        remote: &old,
    };
    let none = BTreeSet::new();
    let brake = Brake {
        synced_nodes: 60,
        sent_before: Counts::default(),
        recent: &none,
        approved: false,
    };
    let held = |trees: &MapTrees| {
        let plan = planned(trees, &case.all());
        assert_eq!(plan.steps.len(), 60);
        check(plan, trees, &brake).unwrap().held().is_some()
    };
    assert!(held(&case.trees()), "edits of sixty files at once");
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert!(!held(&forgotten_content(&case, &ids)));
}
