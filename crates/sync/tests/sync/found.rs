//! Histories that failed once, found by the laws' random search and shrunk.

use crate::users::Edit;
use crate::world::{Event, World};

const fn file(directory: u8, name: u8, content: u32) -> Edit {
    Edit::File {
        directory,
        name,
        content,
    }
}

fn assert_settles(mut world: World, events: &[Event]) {
    events.iter().for_each(|event| world.run(event));
    world.settle(u64::MAX);
    world.assert_laws();
}

/// A new file was paired with a node that then moved away: the file's own id was not open.
#[test]
fn a_pair_that_comes_apart_stays_open() {
    assert_settles(
        World::new(2),
        &[
            Event::User(0, file(0, 1, 1)),
            Event::User(0, file(0, 0, 4)),
            Event::User(1, file(0, 0, 1)),
            Event::Scan(1),
            Event::Scan(0),
            Event::Step(0),
            Event::Late(1, file(0, 1, 1)),
            Event::Pull(1),
            Event::Step(1),
            Event::User(
                0,
                Edit::Move {
                    entry: 2,
                    directory: 0,
                    name: 1,
                },
            ),
        ],
    );
}

/// A directory stepped aside for a file before it was known whether it would go.
#[test]
fn a_directory_that_comes_back_gets_its_name_back() {
    let mut world = World::new(2);
    for edit in [
        Edit::Directory {
            directory: 0,
            name: 0,
        },
        file(1, 0, 3),
    ] {
        world.run(&Event::User(0, edit));
    }
    world.settle(u64::MAX);
    assert_settles(
        world,
        &[
            Event::User(
                0,
                Edit::Save {
                    entry: 1,
                    content: 1,
                },
            ),
            Event::User(1, Edit::Remove { entry: 0 }),
            Event::User(1, file(0, 0, 1)),
            Event::Scan(1),
            Event::Step(1),
        ],
    );
}

/// A directory left the view of a folder while both sides made the same name in it.
#[test]
fn a_name_in_a_leaving_directory_is_one_nodes_only() {
    let mut world = World::new(2);
    world.run(&Event::User(
        0,
        Edit::Directory {
            directory: 0,
            name: 0,
        },
    ));
    world.settle(u64::MAX);
    world.add_view(world.some_directory(0).unwrap());
    world.run(&Event::User(
        0,
        Edit::Directory {
            directory: 1,
            name: 2,
        },
    ));
    world.settle(u64::MAX);
    assert_settles(
        world,
        &[
            Event::User(
                2,
                Edit::Directory {
                    directory: 1,
                    name: 2,
                },
            ),
            Event::User(
                0,
                Edit::Move {
                    entry: 1,
                    directory: 0,
                    name: 1,
                },
            ),
            Event::User(0, file(2, 2, 1)),
            Event::Scan(0),
            Event::Step(0),
        ],
    );
}
