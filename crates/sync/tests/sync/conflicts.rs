//! S12: n distinct values at one place make n - 1 conflict copies, and no more by themselves.

use hythe_model::EntryName;

use crate::users::Edit;
use crate::world::{Event, World};

fn copies(world: &World) -> Vec<EntryName> {
    let entries = world.devices[0].disk.entries.values();
    let named = entries.map(|entry| entry.name.clone());
    named
        .filter(|name| name.to_string().contains(" (conflict "))
        .collect()
}

/// A world where all devices have one file, and then each wrote what `values` says.
fn written(values: &[u32]) -> World {
    let mut world = World::new(u8::try_from(values.len()).unwrap());
    world.run(&Event::User(
        0,
        Edit::File {
            directory: 0,
            name: 0,
            content: 99,
        },
    ));
    world.settle(u64::MAX);
    for (device, content) in (0..).zip(values) {
        world.run(&Event::User(
            device,
            Edit::Write {
                entry: 0,
                content: *content,
            },
        ));
    }
    world
}

#[test]
fn s12_distinct_values_make_one_copy_less() {
    for values in [
        &[1, 2][..],
        &[1, 3],
        &[1, 2, 3],
        &[1, 3, 5, 7],
        &[2, 4, 6, 8, 10],
    ] {
        let mut world = written(values);
        world.settle(u64::MAX);
        world.assert_laws();
        assert_eq!(
            copies(&world).len(),
            values.len() - 1,
            "{values:?}\n{}",
            world.report()
        );
    }
}

#[test]
fn sc002_equal_values_make_none() {
    let mut world = written(&[5, 5, 5]);
    world.settle(u64::MAX);
    world.assert_laws();
    assert_eq!(copies(&world), []);
}

#[test]
fn s12_equal_losers_share_one_copy() {
    for values in [&[1, 3, 3][..], &[1, 2, 2], &[1, 2, 2, 2], &[1, 3, 2, 3, 2]] {
        let mut world = written(values);
        world.settle(u64::MAX);
        world.assert_laws();
        let mut distinct = values.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(
            copies(&world).len(),
            distinct.len() - 1,
            "{values:?}\n{}",
            world.report()
        );
    }
}

#[test]
fn sc007_a_copy_edited_twice_makes_one_copy_with_one_bracket() {
    let mut world = written(&[1, 2]);
    world.settle(u64::MAX);
    let copy = copies(&world)[0].clone();
    for device in &mut world.devices {
        let all = device.disk.entries.iter();
        let inode = all
            .filter(|(_, entry)| entry.name == copy)
            .map(|(inode, _)| *inode)
            .next();
        let content =
            device.disk.entries.len() as u32 + u32::from(device.context.device == "device1");
        device.disk.write(inode.unwrap(), 20 + content);
    }
    world.settle(u64::MAX);
    world.assert_laws();
    let names = copies(&world);
    assert_eq!(names.len(), 2, "{names:?}");
    for name in names {
        assert_eq!(name.to_string().matches("(conflict").count(), 1, "{name}");
    }
}

#[test]
fn sc124_newer_states_of_two_devices_are_both_kept() {
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
    world.run(&Event::User(
        0,
        Edit::Write {
            entry: 0,
            content: 3,
        },
    ));
    world.settle(u64::MAX);
    // The server forgets 3. One device edits on and comes back first, the other has 3 still.
    world.run(&Event::User(
        0,
        Edit::Write {
            entry: 0,
            content: 5,
        },
    ));
    world.restore(copy, false);
    [Event::Scan(0), Event::Step(0)]
        .iter()
        .for_each(|event| world.run(event));
    world.reconcile_all();
    world.settle(u64::MAX);
    world.assert_laws();
    let contents = world.devices[1].disk.contents();
    assert_eq!(contents, [3, 5].into(), "{}", world.report());
    assert_eq!(copies(&world).len(), 1);
}
