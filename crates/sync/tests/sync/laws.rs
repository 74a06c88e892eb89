//! Laws that hold for every history of two devices and a server. `PROPTEST_CASES` asks for more of
//! them, for a night's run.

use proptest::prelude::*;

use crate::users::Edit;
use crate::world::{Event, World};

fn content() -> impl Strategy<Value = u32> {
    // Few, so that two users write the same now and then.
    1u32..7
}

fn edit() -> impl Strategy<Value = Edit> {
    let entry = 0u8..8;
    let directory = 0u8..5;
    let name = 0u8..3;
    prop_oneof![
        4 => (directory.clone(), name.clone(), content())
            .prop_map(|(directory, name, content)| Edit::File { directory, name, content }),
        3 => (directory.clone(), name.clone())
            .prop_map(|(directory, name)| Edit::Directory { directory, name }),
        1 => (directory.clone(), name.clone(), content())
            .prop_map(|(directory, name, content)| Edit::Link { directory, name, content }),
        4 => (entry.clone(), content()).prop_map(|(entry, content)| Edit::Write { entry, content }),
        1 => (entry.clone(), content()).prop_map(|(entry, content)| Edit::Save { entry, content }),
        1 => entry.clone().prop_map(|entry| Edit::Touch { entry }),
        1 => entry.clone().prop_map(|entry| Edit::Chmod { entry }),
        3 => entry.clone().prop_map(|entry| Edit::Remove { entry }),
        5 => (entry.clone(), directory, name)
            .prop_map(|(entry, directory, name)| Edit::Move { entry, directory, name }),
        1 => (entry.clone(), entry.clone()).prop_map(|(one, other)| Edit::Swap { one, other }),
        1 => entry.prop_map(|entry| Edit::Retype { entry }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let device = 0u8..3;
    prop_oneof![
        6 => (device.clone(), edit()).prop_map(|(device, edit)| Event::User(device, edit)),
        3 => device.clone().prop_map(Event::Scan),
        3 => device.clone().prop_map(Event::Pull),
        3 => device.clone().prop_map(Event::Step),
        1 => (device.clone(), edit()).prop_map(|(device, edit)| Event::Late(device, edit)),
        1 => (device.clone(), any::<u64>()).prop_map(|(device, mask)| Event::Part(device, mask)),
        1 => (device, any::<u64>()).prop_map(|(device, mask)| Event::Blocked(device, mask)),
    ]
}

fn history(length: usize) -> impl Strategy<Value = (Vec<Event>, u64)> {
    (prop::collection::vec(event(), 1..length), any::<u64>())
}

fn settled(events: &[Event], mask: u64) -> World {
    let mut world = World::new(2);
    for event in events {
        world.run(event);
    }
    world.settle(mask);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// S1 nothing seen is lost, C1 all sides agree, C2 there is an end, and every plan on the way
    /// passes the checker.
    #[test]
    fn s1_c1_c2_any_history_settles((events, mask) in history(40)) {
        settled(&events, mask).assert_laws();
    }

    /// The same where no plan takes on more than a few nodes (C4).
    #[test]
    fn c4_any_history_settles_in_small_plans((events, mask) in history(40), limit in 1usize..6) {
        let mut world = World::new(2);
        world.plan_in_parts(limit);
        for event in &events {
            world.run(event);
        }
        world.settle(mask);
        world.assert_laws();
    }

    /// Whoever may only read sends nothing and loses nothing: what it has and the log has not stays
    /// on its disk, and goes on its way when it may write again.
    #[test]
    fn s1_sc157_a_device_that_may_not_write_keeps_what_it_has(
        (before, _) in history(12),
        (events, mask) in history(40),
        limit in prop::option::of(1usize..6),
    ) {
        let mut world = World::new(2);
        before.iter().for_each(|event| world.run(event));
        world.devices[1].context.read_only = true;
        world.devices[1].context.limit = limit;
        let sent = world.devices[1].sent;
        events.iter().for_each(|event| world.run(event));
        world.settle(mask);
        assert_eq!(world.devices[1].sent, sent, "something was sent\n{}", world.report());
        world.assert_kept(1);
        world.devices[1].context.read_only = false;
        world.settle(mask);
        world.assert_laws();
    }

    /// The same for histories that begin with a common tree.
    #[test]
    fn s1_c1_c2_any_two_sides_of_a_common_tree_settle(
        common in prop::collection::vec(edit(), 1..10),
        one in prop::collection::vec(edit(), 0..6),
        other in prop::collection::vec(edit(), 0..6),
        mask: u64,
    ) {
        let mut world = World::new(2);
        common.iter().for_each(|edit| world.run(&Event::User(0, *edit)));
        world.settle(u64::MAX);
        one.iter().for_each(|edit| world.run(&Event::User(0, *edit)));
        other.iter().for_each(|edit| world.run(&Event::User(1, *edit)));
        world.settle(mask);
        world.assert_laws();
    }

    /// Three devices, the third with a folder that stands for a directory of the space. Nodes
    /// come into that view and leave it.
    #[test]
    fn c1_a_folder_for_a_directory_settles(
        common in prop::collection::vec(edit(), 1..10),
        events in prop::collection::vec(event(), 1..40),
        which: u8,
        mask: u64,
    ) {
        let mut world = World::new(2);
        world.run(&Event::User(0, Edit::Directory { directory: 0, name: 0 }));
        common.iter().for_each(|edit| world.run(&Event::User(0, *edit)));
        world.settle(u64::MAX);
        if let Some(root) = world.some_directory(which) {
            world.add_view(root);
        }
        events.iter().for_each(|event| world.run(event));
        world.settle(mask);
        world.assert_laws();
    }

    /// C5, SC-123, SC-124, SC-125: a server restored from a copy gets back what it lost.
    #[test]
    fn c5_sc123_a_restored_server_loses_nothing(
        before in prop::collection::vec(edit(), 1..10),
        lost in prop::collection::vec(event(), 1..20),
        between in prop::collection::vec(event(), 0..10),
        mask: u64,
    ) {
        let mut world = World::new(2);
        before.iter().for_each(|edit| world.run(&Event::User(0, *edit)));
        world.settle(u64::MAX);
        let copy = world.server.clone();
        lost.iter().for_each(|event| world.run(event));
        world.restore(copy, mask & 1 == 1);
        between.iter().for_each(|event| world.run(event));
        world.reconcile_all();
        world.settle(mask);
        world.assert_laws();
    }

    /// C4: whatever the parts and the order in which one device learns what is dirty, it ends in
    /// the same state.
    #[test]
    fn c4_the_order_of_news_means_nothing(
        common in prop::collection::vec(edit(), 1..10),
        one in prop::collection::vec(edit(), 0..6),
        other in prop::collection::vec(edit(), 0..6),
        mask: u64,
    ) {
        let mut world = World::new(2);
        common.iter().for_each(|edit| world.run(&Event::User(0, *edit)));
        world.settle(u64::MAX);
        one.iter().for_each(|edit| world.run(&Event::User(0, *edit)));
        other.iter().for_each(|edit| world.run(&Event::User(1, *edit)));
        [Event::Scan(1), Event::Step(1)].iter().for_each(|event| world.run(event));
        let mut at_once = world.clone();
        at_once.settle_one(0, u64::MAX);
        world.settle_one(0, mask);
        prop_assert_eq!(
            world.devices[0].disk.listing(),
            at_once.devices[0].disk.listing(),
            "in parts:\n{}at once:\n{}", world.report(), at_once.report()
        );
    }

    /// C2: the steps to agreement are few for each node that differs.
    #[test]
    fn c2_no_ping_pong(
        common in prop::collection::vec(edit(), 1..10),
        one in prop::collection::vec(edit(), 0..8),
        other in prop::collection::vec(edit(), 0..8),
    ) {
        let mut world = World::new(2);
        common.iter().for_each(|edit| world.run(&Event::User(0, *edit)));
        world.settle(u64::MAX);
        one.iter().for_each(|edit| world.run(&Event::User(0, *edit)));
        other.iter().for_each(|edit| world.run(&Event::User(1, *edit)));
        world.settle(u64::MAX);
        let nodes = world.server.nodes.len() + 1;
        prop_assert!(world.steps <= 8 * nodes, "{} steps, {nodes} nodes", world.steps);
    }

    /// S8: what the client wrote never comes back as an edit.
    #[test]
    fn s8_once_settled_nothing_moves((events, mask) in history(30)) {
        let mut world = settled(&events, mask);
        let log = world.server.log.len();
        for device in &mut world.devices {
            // Even when everything is looked at once more.
            device.dirty.extend(device.trees.all_remote().map(|node| node.id).collect::<Vec<_>>());
        }
        world.steps = 0;
        world.settle(u64::MAX);
        prop_assert_eq!((world.server.log.len(), world.steps), (log, 0));
    }
}
