//! Runs that once failed, as short as they could be made.

use hythe_wire::Code;

use super::grounds::tree;
use super::script::{At, Deed, Event, Fate, Script, Step, Weather};
use super::world::{Host, World, run};

const FINE: Weather = Weather {
    percent: 0,
    seed: 0,
    fate: None,
};

fn write(device: usize, name: &str, value: u32) -> Step {
    let at = At::named(name);
    let deed = Deed::Write {
        at,
        value,
        same_time: false,
    };
    Step::User(device, deed)
}

fn hear(device: usize) -> Step {
    Step::Hear(device, FINE)
}

fn pass(device: usize) -> Step {
    pass_in(device, FINE)
}

fn pass_in(device: usize, weather: Weather) -> Step {
    Step::Pass(device, weather, Vec::new())
}

async fn holds(devices: usize, steps: Vec<Step>) {
    super::moments::Ears::open();
    let mut host = Host::start().await;
    let ended = run(&mut host, &Script { devices, steps }).await;
    host.stop().await;
    assert_eq!(ended, Ok(()));
}

/// Before a change set is sent, it is found out what became of the one before. What others did is
/// read on the way, and was forgotten when the second was refused.
#[tokio::test(flavor = "multi_thread")]
async fn c1_what_is_read_before_a_refused_commit_is_planned() {
    let busy = Weather::all(Fate::Refused(Code::Overloaded));
    let steps = vec![
        hear(0),
        hear(1),
        write(0, "a", 10),
        write(0, "e/a", 11),
        write(1, "e/a", 12),
        pass(0),
        pass_in(1, busy),
        Step::Wait(1),
        pass(1),
    ];
    holds(2, steps).await;
}

/// A folder is removed, and at the moment its file is to be removed the user removes that file. The
/// folder went, the file's row stayed, and passes followed each other without end.
#[tokio::test(flavor = "multi_thread")]
async fn c2_a_file_that_goes_while_its_folder_is_removed_leaves_no_row() {
    let at = At::named("e/a");
    let steps = vec![
        write(0, "e/a", 10),
        hear(0),
        pass(0),
        hear(1),
        pass(1),
        Step::User(0, Deed::Remove { at: At::named("e") }),
        Step::Look(0),
        pass(0),
        hear(1),
        Step::Pass(1, FINE, vec![(0, Event::Chase(Deed::Remove { at }))]),
    ];
    holds(2, steps).await;
}

/// A folder is removed elsewhere and a file takes its name; at some moment while that is done here,
/// the user removes the folder. The file took the place of the folder's row, the row of what was in
/// it stayed, and its removal was tried again and again.
#[tokio::test(flavor = "multi_thread")]
async fn c2_a_folder_that_goes_while_its_name_is_taken_leaves_no_row() {
    super::moments::Ears::open();
    let folder = || Deed::Remove {
        at: At::named("d/e"),
    };
    let mut host = Host::start().await;
    for moment in 0..16 {
        let steps = vec![
            write(0, "d/e/b", 10),
            hear(0),
            pass(0),
            hear(1),
            pass(1),
            Step::User(0, folder()),
            write(0, "d/e", 11),
            Step::Look(0),
            pass(0),
            hear(1),
            Step::Pass(1, FINE, vec![(moment, Event::User(folder()))]),
        ];
        let ended = run(&mut host, &Script { devices: 2, steps }).await;
        assert_eq!(ended, Ok(()), "at {moment}");
    }
    host.stop().await;
}

/// A restored log that was read, and not yet compared with what was agreed on, says older things:
/// whoever plans by it takes them for news.
#[tokio::test(flavor = "multi_thread")]
async fn s1_sc123_nothing_is_planned_by_a_restored_log_before_it_was_compared() {
    super::moments::Ears::open();
    let mut host = Host::start().await;
    // In some of them the reading breaks off just there; a start then plans everything.
    for seed in 0..24 {
        let bad = Weather {
            percent: 12,
            seed,
            fate: None,
        };
        let agree = || [Step::Look(0), hear(0), pass(0), hear(0), pass(0)];
        let mut steps = vec![write(0, "a", 10)];
        steps.extend(agree());
        steps.extend([Step::Restore, write(0, "a", 11)]);
        steps.extend(agree());
        steps.push(Step::Restore);
        for _ in 0..3 {
            steps.extend([Step::Hear(0, bad), Step::Crash(0), pass(0)]);
        }
        let ended = run(&mut host, &Script { devices: 1, steps }).await;
        assert_eq!(ended, Ok(()), "seed {seed}");
    }
    host.stop().await;
}

/// A conflict copy was under way when the program ended, and the user's value was still in `.hythe/out`. It
/// came back as `recovered`, wherever it had been.
#[tokio::test(flavor = "multi_thread")]
async fn s10_a_value_that_a_crash_left_beside_the_tree_gets_its_old_name_back() {
    let mut host = Host::start().await;
    let mut world = World::new(&mut host, 1).await;
    for step in [write(0, "d/a", 10), hear(0), pass(0), Step::Crash(0)] {
        world.step(&step).await.unwrap();
    }
    let folder = world.grounds.folder(0).to_owned();
    let out = folder.join(".hythe/out/0123456789abcdef");
    std::fs::rename(folder.join("d/a"), out).unwrap();
    for step in [write(0, "d/a", 11), Step::Look(0), hear(0), pass(0)] {
        world.step(&step).await.unwrap();
    }
    let names: Vec<String> = tree(&folder)
        .into_keys()
        .map(|path| path.escape_ascii().to_string())
        .collect();
    let is_copy = |name: &&String| name.starts_with("d/a (conflict d0 ");
    assert_eq!(names.iter().filter(is_copy).count(), 1, "{names:?}");
    assert!(
        names.contains(&"d/a".to_owned()) && names.len() == 3,
        "{names:?}"
    );
    drop(world);
    host.stop().await;
}

/// A scan that was killed left a row below a directory that had no row: nothing could be done about
/// it, and passes followed each other without end.
#[tokio::test(flavor = "multi_thread")]
async fn c2_a_scan_that_was_killed_leaves_nothing_open() {
    let killed = |moment| {
        let steps = vec![
            hear(0),
            pass(0),
            write(0, "e/a", 35),
            Step::Look(0),
            Step::Pass(0, FINE, vec![(moment, Event::Crash)]),
        ];
        holds(1, steps)
    };
    for moment in 1..5 {
        killed(moment).await;
    }
}
