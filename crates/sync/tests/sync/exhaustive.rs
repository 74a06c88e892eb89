//! All histories of up to three edits on all trees of up to three nodes: what random search may
//! miss, and a bound on it.

use crate::users::Edit;
use crate::world::{Event, World};

/// The trees to begin with, as edits from nothing. Between them they have each shape of up to
/// three nodes that edits could tell apart.
const TREES: [&[Edit]; 7] = [
    &[],
    &[file(0, 0, 1)],
    &[file(0, 0, 1), file(0, 1, 3)],
    &[directory(0, 0)],
    &[directory(0, 0), file(1, 1, 1)],
    &[directory(0, 0), directory(0, 1), file(1, 2, 1)],
    &[directory(0, 0), directory(1, 1), file(2, 2, 1)],
];

const fn file(directory: u8, name: u8, content: u32) -> Edit {
    Edit::File {
        directory,
        name,
        content,
    }
}

const fn directory(directory: u8, name: u8) -> Edit {
    Edit::Directory { directory, name }
}

/// The edits to try on a tree of `count` nodes. Entries are picked in order of their paths.
fn edits(count: u8) -> Vec<Edit> {
    let mut edits = vec![
        file(0, 0, 5),
        file(0, 2, 7),
        directory(0, 0),
        directory(0, 2),
    ];
    for parent in 1..=count {
        edits.extend([file(parent, 0, 5), directory(parent, 0)]);
    }
    for entry in 0..count {
        edits.extend([
            Edit::Write { entry, content: 3 },
            Edit::Write { entry, content: 9 },
            Edit::Touch { entry },
            Edit::Remove { entry },
            Edit::Retype { entry },
            Edit::Swap {
                one: entry,
                other: entry + 1,
            },
        ]);
        for parent in 0..=count {
            edits.extend([0, 2].map(|name| Edit::Move {
                entry,
                directory: parent,
                name,
            }));
        }
    }
    edits
}

/// Settles a world in which the first device did `one` and the second `other`, and asks the laws.
fn settle(base: &World, one: &[Edit], other: &[Edit], second_first: bool) {
    let mut world = base.clone();
    one.iter()
        .for_each(|edit| world.run(&Event::User(0, *edit)));
    other
        .iter()
        .for_each(|edit| world.run(&Event::User(1, *edit)));
    if second_first {
        [Event::Scan(1), Event::Step(1)]
            .iter()
            .for_each(|event| world.run(event));
    }
    world.settle(u64::MAX);
    world.assert_laws();
}

#[test]
fn s1_c1_all_small_histories_settle() {
    let mut histories = 0;
    for tree in TREES {
        let mut base = World::new(2);
        tree.iter()
            .for_each(|edit| base.run(&Event::User(0, *edit)));
        base.settle(u64::MAX);
        let edits = edits(u8::try_from(tree.len()).unwrap());
        for (at, first) in edits.iter().enumerate() {
            for second in &edits[at..] {
                // Two devices, an edit each; which of them commits first is the other order.
                settle(&base, &[*first], &[*second], false);
                settle(&base, &[*first], &[*second], true);
                histories += 2;
            }
        }
        histories += all_of_three(&base, &edits);
    }
    println!("{histories} histories");
}

/// Two edits on one device against one on the other. All of them take two minutes, so this asks for
/// it: `HYTHE_EXHAUSTIVE=1`. Else every n-th, with n coprime to the number of edits.
fn all_of_three(base: &World, edits: &[Edit]) -> usize {
    let all = edits.len().pow(3);
    let stride = if cfg!(debug_assertions) {
        all.div_ceil(4_000)
    } else {
        1
    };
    let stride = (stride..)
        .find(|stride| gcd(*stride, edits.len()) == 1)
        .unwrap_or(1);
    let chosen = (0..all).step_by(stride);
    for number in chosen.clone() {
        let pick = |power: u32| edits[number / edits.len().pow(power) % edits.len()];
        settle(base, &[pick(0), pick(1)], &[pick(2)], number % 2 == 1);
    }
    chosen.count()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
