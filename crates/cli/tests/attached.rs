//! Folders that are shared where they are, and spaces shown inside others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use stage::relay::{Relay, To};
use stage::{Device, Stage, noise, url_in, wait_until};

/// Another device of an account.
fn another(stage: &Stage, name: &str, of: &Device) -> Device {
    let device = Device::at(stage.place.path(), name);
    let url = url_in(&of.ok(&["devices", "add"]));
    device.ok(&["connect", &url, "--device-name", name]);
    device
}

/// Devices that end with the test.
struct Cast {
    devices: Vec<Device>,
    stage: Stage,
}

impl Drop for Cast {
    fn drop(&mut self) {
        let running = self.devices.iter_mut().filter(|one| one.daemon.is_some());
        running.for_each(Device::kill);
    }
}

impl Cast {
    /// Two devices of Ann and one of Bob, each with its folder of the personal space; those of the
    /// list run.
    fn new(running: &[usize]) -> Self {
        let stage = Stage::server_only();
        let (first, bob) = (stage.person("ann"), stage.person("bob"));
        let second = another(&stage, "second", &first);
        let mut devices = vec![first, second, bob];
        for device in &devices {
            device.ok(&["sync", device.folder.to_str().unwrap()]);
        }
        running.iter().for_each(|at| devices[*at].start());
        Self { devices, stage }
    }

    /// How many change sets the server has.
    fn change_sets(&self) -> u64 {
        self.stage.stats()["change_sets"].as_u64().unwrap()
    }

    /// Waits until what all of these wrote is on all of them.
    fn settle(&self, which: &[usize]) {
        for at in which.iter().chain(which) {
            self.devices[*at].ok(&["wait", "--timeout", "100"]);
        }
    }
}

const ANN: usize = 0;
const SECOND: usize = 1;
const BOB: usize = 2;

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn d2_a_folder_is_shared_in_place_and_its_files_stay_the_same_files() {
    let cast = Cast::new(&[ANN, SECOND, BOB]);
    let [ann, second, bob] = &cast.devices[..] else {
        unreachable!()
    };
    ann.write("Recipes/soups/borscht", "beetroot");
    ann.write("Recipes/large", noise(1, 3_000_000));
    std::os::unix::fs::symlink("large", ann.path("Recipes/link")).unwrap();
    ann.write("diary", "mine");
    cast.settle(&[ANN, SECOND]);
    let before: Vec<u64> = [ann, second]
        .map(|one| inode(&one.path("Recipes/large")))
        .into();

    let said = ann.ok(&["share", ":/Recipes", "bob", "--role", "editor"]);
    assert!(said.contains("stays where it is"), "{said}");
    cast.settle(&[ANN, SECOND]);
    let after: Vec<u64> = [ann, second]
        .map(|one| inode(&one.path("Recipes/large")))
        .into();
    assert_eq!(before, after, "nothing was fetched or written again");
    assert_eq!(second.read("Recipes/soups/borscht"), b"beetroot");
    assert_eq!(
        fs::read_link(second.path("Recipes/link")).unwrap(),
        Path::new("large")
    );

    // Bob shows it where he likes; nothing but the folder is his to see.
    bob.ok(&["spaces", "accept", "Recipes"]);
    bob.ok(&["spaces", "attach", "Recipes", ":/Kitchen"]);
    cast.settle(&[BOB]);
    assert_eq!(bob.read("Kitchen/soups/borscht"), b"beetroot");
    assert_eq!(bob.read("Kitchen/large"), noise(1, 3_000_000));
    assert!(!bob.path("diary").exists());

    // Both edit, and commands cross the border.
    bob.write("Kitchen/soups/borscht", "beetroot, dill");
    second.write("Recipes/new", "by Ann");
    cast.settle(&[BOB, SECOND, ANN]);
    cast.settle(&[BOB]);
    assert_eq!(ann.read("Recipes/soups/borscht"), b"beetroot, dill");
    assert_eq!(bob.read("Kitchen/new"), b"by Ann");
    assert_eq!(
        ann.ok(&["cat", ":/Recipes/soups/borscht"]),
        "beetroot, dill"
    );
    assert_eq!(bob.ok(&["ls", ":/Kitchen/soups"]).trim(), "borscht");
    for one in [ann, second, bob] {
        one.ok(&["verify"]);
    }

    // To share it with one more is to share the space that it is.
    let again = ann.ok(&["share", ":/Recipes", "bob", "--role", "viewer"]);
    assert!(again.contains("bob is viewer of Recipes now"), "{again}");
}

#[test]
fn d2_what_a_device_did_meanwhile_survives_the_move_into_a_space() {
    let mut cast = Cast::new(&[ANN, SECOND]);
    let write = |cast: &Cast, at: usize, name: &str, text: &str| cast.devices[at].write(name, text);
    for name in ["kept", "edited", "moved-out", "removed", "dir/inner"] {
        write(&cast, ANN, &format!("Shared/{name}"), name);
    }
    write(&cast, ANN, "Own/moved-in", "moved in");
    cast.settle(&[ANN, SECOND]);

    // The second device does not run, so it learns of the move only after its own changes.
    cast.devices[SECOND].stop();
    let second = &cast.devices[SECOND];
    second.write("Shared/edited", "edited meanwhile");
    second.write("Shared/dir/new", "made meanwhile");
    fs::rename(second.path("Shared/moved-out"), second.path("Own/out")).unwrap();
    fs::rename(second.path("Own/moved-in"), second.path("Shared/in")).unwrap();
    fs::remove_file(second.path("Shared/removed")).unwrap();
    let kept = inode(&second.path("Shared/kept"));
    cast.devices[ANN].ok(&["share", ":/Shared", "bob", "--role", "editor"]);
    cast.settle(&[ANN]);

    cast.devices[SECOND].start();
    cast.settle(&[SECOND, ANN]);
    for one in &cast.devices[..2] {
        assert_eq!(content(&one.path("Shared/edited")), "edited meanwhile");
        assert_eq!(content(&one.path("Shared/dir/new")), "made meanwhile");
        assert_eq!(content(&one.path("Shared/dir/inner")), "dir/inner");
        assert_eq!(content(&one.path("Own/out")), "moved-out");
        assert_eq!(content(&one.path("Shared/in")), "moved in");
        assert!(!one.path("Shared/removed").exists(), "{}", one.name);
        one.ok(&["verify"]);
    }
    assert_eq!(inode(&cast.devices[SECOND].path("Shared/kept")), kept);
    let listed = cast.devices[ANN].ok(&["ls", ":/Shared"]);
    assert_eq!(listed, "dir/\nedited\nin\nkept\n");
    assert_eq!(cast.devices[ANN].ok(&["ls", ":/Own"]), "out\n");
}

#[test]
fn d2_sharing_that_was_cut_off_leaves_all_readable_and_goes_on() {
    let mut cast = Cast::new(&[ANN]);
    let names: Vec<String> = (0..2500).map(|n| format!("Big/{}/{n}", n % 7)).collect();
    for name in &names {
        cast.devices[ANN].write(name, name);
    }
    cast.settle(&[ANN]);
    // Cut off at another point each time: so many change sets more than before.
    for more in [1, 3, 4, 6, 2] {
        let before = cast.change_sets();
        let share = ["share", ":/Big", "bob", "--role", "viewer"];
        let mut running = cast.devices[ANN].command(&share).spawn().unwrap();
        wait_until("sharing has come so far, or to its end", || {
            cast.change_sets() >= before + more || running.try_wait().unwrap().is_some()
        });
        cast.devices[ANN].kill();
        let _ = running.wait().unwrap();
        cast.devices[ANN].start();
        let ann = &cast.devices[ANN];
        for name in names.iter().step_by(331) {
            assert_eq!(ann.ok(&["cat", &format!(":/{name}")]), *name);
            assert_eq!(content(&ann.path(name)), *name);
        }
    }
    let ann = &cast.devices[ANN];
    ann.ok(&["share", ":/Big", "bob", "--role", "viewer"]);
    cast.settle(&[ANN]);
    let mut listed = 0;
    for directory in 0..7 {
        let names = ann.ok(&["ls", &format!("Big:/{directory}")]);
        listed += names.lines().count();
    }
    assert_eq!(listed, names.len(), "never half");
    assert_eq!(ann.ok(&["spaces"]).matches("Big").count(), 1);
    ann.ok(&["verify"]);
}

#[test]
fn an_attached_space_follows_its_name_and_goes_without_a_delete() {
    let cast = Cast::new(&[ANN, SECOND, BOB]);
    let [ann, second, bob] = &cast.devices[..] else {
        unreachable!()
    };
    ann.ok(&["spaces", "create", "photos"]);
    ann.ok(&["share", "photos", "bob", "--role", "editor"]);
    ann.ok(&["spaces", "attach", "photos", ":/here"]);
    cast.settle(&[ANN, SECOND]);
    ann.write("here/a", "picture");
    cast.settle(&[ANN, SECOND]);
    assert_eq!(second.read("here/a"), b"picture");

    // SC-153: renamed on one device, it is the same folder under the new name on the other.
    let before = inode(&second.path("here/a"));
    fs::rename(ann.path("here"), ann.path("there")).unwrap();
    cast.settle(&[ANN, SECOND]);
    assert_eq!(inode(&second.path("there/a")), before);
    second.write("there/b", "another");
    cast.settle(&[SECOND, ANN]);
    assert_eq!(ann.read("there/b"), b"another");

    // A space is never shown inside itself, however it is asked for.
    let itself = ann.run(&["spaces", "attach", "photos", "photos:/again"]);
    assert_eq!(itself.status.code(), Some(1));

    // Who takes no part sees an empty folder that says so.
    bob.ok(&["spaces", "create", "club"]);
    bob.ok(&["share", "club", "ann", "--role", "editor"]);
    ann.ok(&["spaces", "accept", "club"]);
    bob.ok(&["spaces", "accept", "photos"]);
    ann.ok(&["spaces", "attach", "photos", "club:/pictures"]);
    assert_eq!(bob.ok(&["ls", "club:/pictures"]), "a\nb\n");
    bob.ok(&["spaces", "leave", "photos"]);
    let left = bob.run(&["cat", "club:/pictures/a"]);
    let told = String::from_utf8(left.stderr).unwrap();
    assert!(told.contains("you take no part in"), "{told}");

    // Detached, its files go from the disks and stay in the space; what was not sent stays here.
    ann.ok(&["spaces", "detach", ":/there"]);
    cast.settle(&[ANN, SECOND]);
    for one in [ann, second] {
        wait_until("the folder is gone", || !one.path("there").exists());
    }
    assert_eq!(ann.ok(&["ls", "photos:/"]), "a\nb\n");

    // Attached again, it comes back; deleted as a folder on a disk, it is detached.
    ann.ok(&["spaces", "attach", "photos", ":/once more"]);
    cast.settle(&[ANN, SECOND]);
    assert_eq!(second.read("once more/a"), b"picture");
    let away = second.folder.with_file_name("elsewhere");
    fs::rename(second.path("once more"), &away).unwrap();
    cast.settle(&[SECOND, ANN]);
    wait_until("the folder is gone", || !ann.path("once more").exists());
    assert_eq!(content(&away.join("a")), "picture");
    assert_eq!(ann.ok(&["ls", "photos:/"]), "a\nb\n");
    assert!(!ann.ok(&["ls", ":/"]).contains("once more"));
}

#[test]
fn only_owners_share_a_folder_and_its_members_keep_their_roles() {
    let cast = Cast::new(&[ANN, BOB]);
    let (ann, bob) = (&cast.devices[ANN], &cast.devices[BOB]);
    ann.ok(&["spaces", "create", "team"]);
    ann.ok(&["mkdir", "team:/plans"]);
    ann.ok(&["share", "team", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "team"]);
    let refused = bob.run(&["share", "team:/plans", "ann", "--role", "viewer"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("Only owners of team"), "{told}");
    // A file is no folder, and a whole space has its own name.
    let refused = ann.run(&["share", ":/", "bob", "--role", "viewer"]);
    assert_eq!(refused.status.code(), Some(1));

    ann.ok(&[
        "share",
        "team:/plans",
        "bob",
        "--role",
        "editor",
        "--name",
        "secret plans",
    ]);
    let members = ann.ok(&["members", "secret plans"]);
    assert!(members.contains("bob  editor  "), "{members}");
    assert!(members.contains("invited"), "{members}");
    bob.ok(&["spaces", "accept", "secret plans"]);
    assert!(bob.ok(&["ls", "team:/"]).contains("plans/"));
}

#[test]
fn d2_a_move_over_a_border_is_a_copy_and_a_removal() {
    let cast = Cast::new(&[ANN]);
    let ann = &cast.devices[ANN];
    ann.write("dir/inner/large", noise(5, 2_000_000));
    ann.write("dir/small", "small");
    ann.write("single", "one");
    cast.settle(&[ANN]);
    ann.ok(&["spaces", "create", "club"]);
    ann.ok(&["spaces", "attach", "club", ":/club"]);
    cast.settle(&[ANN]);
    let stored = cast.stage.stats()["packs"].as_u64().unwrap();

    ann.ok(&["mv", ":/dir", ":/club/"]);
    ann.ok(&["mv", ":/single", "club:/renamed"]);
    cast.settle(&[ANN]);
    assert_eq!(ann.ok(&["ls", "club:/"]), "dir/\nrenamed\n");
    assert_eq!(ann.read("club/dir/inner/large"), noise(5, 2_000_000));
    assert_eq!(ann.read("club/renamed"), b"one");
    assert!(!ann.path("dir").exists() && !ann.path("single").exists());
    let after = cast.stage.stats()["packs"].as_u64().unwrap();
    assert!(after <= stored + 1, "no content was sent again");
    let file = ann.home.with_file_name("put-me");
    fs::write(&file, "put").unwrap();
    ann.ok(&["put", file.to_str().unwrap(), ":/club"]);
    assert_eq!(ann.ok(&["cat", "club:/put-me"]), "put");
    // What it was before is in the trash of the space it left.
    ann.ok(&["restore", ":/single"]);
    assert_eq!(ann.ok(&["cat", ":/single"]), "one");

    // A name that is taken is not given twice, and nothing is half moved.
    let refused = ann.run(&["mv", ":/single", "club:/renamed"]);
    assert_eq!(refused.status.code(), Some(1));
    ann.ok(&["verify"]);
}

#[test]
fn e1_a_move_into_a_sealed_space_is_sealed_anew() {
    let cast = Cast::new(&[ANN]);
    let ann = &cast.devices[ANN];
    let large = noise(9, 3_000_000);
    ann.write("dir/inner/large", &large);
    ann.write("dir/small", "small");
    std::os::unix::fs::symlink("small", ann.path("dir/link")).unwrap();
    fs::create_dir(ann.path("dir/empty")).unwrap();
    ann.write("single", "one");
    cast.settle(&[ANN]);
    ann.ok(&["spaces", "create", "diary", "--sealed"]);
    let stored = || cast.stage.stats()["stored_bytes"].as_u64().unwrap();
    let before = stored();
    let told = ann.ok(&["mv", ":/dir", "diary:/"]);
    assert!(told.contains("6 items were sealed anew"), "{told}");
    assert!(stored() - before > 3_000_000, "nothing is taken over");
    let tree = ann.ok(&["tree", "diary:/"]);
    for name in ["dir", "empty", "inner", "large", "link", "small"] {
        assert!(tree.contains(name), "{tree}");
    }
    assert_eq!(ann.run(&["cat", "diary:/dir/inner/large"]).stdout, large);
    assert_eq!(ann.ok(&["cat", "diary:/dir/small"]), "small");
    cast.settle(&[ANN]);
    assert!(!ann.path("dir").exists());

    ann.ok(&["mv", ":/single", "diary:/renamed"]);
    assert_eq!(ann.ok(&["cat", "diary:/renamed"]), "one");
    // A name that is taken is not given twice, and then nothing is removed.
    ann.write("single", "another");
    cast.settle(&[ANN]);
    let refused = ann.run(&["mv", ":/single", "diary:/renamed"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(ann.ok(&["cat", ":/single"]), "another");
    // It can go back and come again, though its ids follow from the same.
    ann.ok(&["rm", "diary:/renamed"]);
    for _ in 0..2 {
        ann.ok(&["mv", ":/single", "diary:/again"]);
        ann.ok(&["rm", "diary:/again"]);
        ann.ok(&["restore", ":/single"]);
    }
    assert_eq!(ann.ok(&["cat", ":/single"]), "another");
    ann.ok(&["verify"]);
}

#[test]
fn e1_a_move_into_a_sealed_space_that_is_killed_goes_on() {
    const LEAVE: u64 = 300_000;
    let mut stage = Stage::server_only();
    let relay = Relay::to(&stage.listen);
    stage.enrol_by_way_of("a", relay.addr);
    let a = stage.device("a");
    let names = ["one", "two", "inner/three", "inner/four"];
    let contents = [500_000, 700_000, 900_000, 40].map(|length| noise(length, length));
    a.ok(&["mkdir", "-p", ":/dir/inner"]);
    for (name, content) in names.iter().zip(&contents) {
        let file = a.home.with_file_name("put-me");
        fs::write(&file, content).unwrap();
        a.ok(&["put", file.to_str().unwrap(), &format!(":/dir/{name}")]);
    }
    a.ok(&["spaces", "create", "diary", "--sealed"]);
    a.ok(&["ls", "diary:/"]);
    let mut killed = 0;
    loop {
        // More each time: a pack that was not sent to its end is begun anew.
        relay.let_pass(To::Server, Some((killed + 1) * LEAVE));
        let mut moving = a.command(&["mv", ":/dir", "diary:/"]).spawn().unwrap();
        let mut ended = None;
        wait_until("it ends or is held up", || {
            ended = moving.try_wait().unwrap();
            ended.is_some() || relay.is_held_up(To::Server)
        });
        if let Some(ended) = ended {
            assert!(ended.success());
            break;
        }
        moving.kill().unwrap();
        moving.wait().unwrap();
        killed += 1;
        relay.cut();
        relay.let_pass(To::Server, None);
        for (name, content) in names.iter().zip(&contents) {
            let [there, here] = ["diary", ""].map(|space| {
                let whole = a.run(&["cat", &format!("{space}:/dir/{name}")]);
                whole.stdout == *content
            });
            assert!(there || here, "{name} is in neither after {killed}");
        }
    }
    relay.let_pass(To::Server, None);
    assert!(killed > 1, "it was not broken off");
    for (name, content) in names.iter().zip(&contents) {
        assert_eq!(
            &a.run(&["cat", &format!("diary:/dir/{name}")]).stdout,
            content
        );
    }
    assert_eq!(a.ok(&["ls", ":/"]), "");
    assert_eq!(a.ok(&["ls", "diary:/dir"]), "inner/\none\ntwo\n");
    a.ok(&["verify"]);
}

#[test]
fn a_space_is_shown_once_in_the_tree_of_another() {
    let cast = Cast::new(&[ANN, BOB]);
    let (ann, bob) = (&cast.devices[ANN], &cast.devices[BOB]);
    for space in ["team", "photos"] {
        ann.ok(&["spaces", "create", space]);
        ann.ok(&["share", space, "bob", "--role", "editor"]);
        bob.ok(&["spaces", "accept", space]);
    }
    ann.ok(&["spaces", "attach", "photos", "team:/pictures"]);
    let refused = bob.run(&["spaces", "attach", "photos", "team:/again"]);
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("team:/pictures already"), "{told}");
    // It may be shown in another tree, moved, and shown again where it was taken out.
    bob.ok(&["spaces", "attach", "photos", ":/photos"]);
    let refused = bob.run(&["mv", ":/photos", "team:/photos"]);
    assert_eq!(refused.status.code(), Some(1));
    bob.ok(&["mv", "team:/pictures", "team:/moved"]);
    ann.ok(&["spaces", "detach", "team:/moved"]);
    ann.ok(&["spaces", "attach", "photos", "team:/again"]);
    assert_eq!(ann.ok(&["ls", "team:/"]).lines().count(), 1);

    // What comes beside it all the same, as of two that attach at once, is not filled.
    let file = ann.home.with_file_name("put-me");
    fs::write(&file, "large").unwrap();
    ann.ok(&["put", file.to_str().unwrap(), "photos:/large"]);
    bob.ok(&["spaces", "detach", ":/photos"]);
    bob.ok(&["spaces", "attach", "team", ":/team"]);
    wait_until("it is shown", || bob.path("team/again/large").exists());
    ann.ok(&["restore", "team:/moved"]);
    wait_until("it is told", || {
        let told = bob.run(&["status"]).stdout;
        String::from_utf8_lossy(&told).contains("at another place of this folder")
    });
    assert!(bob.path("team/again/large").exists());
    assert!(bob.path("team/moved").is_dir() && !bob.path("team/moved/large").exists());
    let waited = bob.run(&["wait", "--timeout", "100"]);
    assert_eq!(waited.status.code(), Some(3), "{waited:?}");
    ann.ok(&["spaces", "detach", "team:/moved"]);
    wait_until("it is told no more", || {
        bob.run(&["status"]).status.success()
    });
}

#[test]
fn what_is_put_where_no_space_is_shown_is_told_of_and_sent_once_there_is_one() {
    let cast = Cast::new(&[BOB]);
    let (ann, bob) = (&cast.devices[ANN], &cast.devices[BOB]);
    for space in ["team", "photos"] {
        ann.ok(&["spaces", "create", space]);
    }
    ann.ok(&["spaces", "attach", "photos", "team:/pictures"]);
    ann.ok(&["share", "team", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "team"]);
    bob.ok(&["spaces", "attach", "team", ":/team"]);
    cast.settle(&[BOB]);
    assert!(bob.path("team/pictures").is_dir());

    bob.write("team/pictures/mine", "of Bob");
    let waited = bob.run(&["wait", "--timeout", "100"]);
    assert_eq!(waited.status.code(), Some(3));
    let left_out = String::from_utf8(waited.stderr).unwrap();
    assert!(left_out.contains("team/pictures"), "{left_out}");
    let told = bob.run(&["status"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("not shown here"), "{told}");

    ann.ok(&["share", "photos", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "photos"]);
    wait_until("the file is sent", || {
        bob.run(&["wait", "--timeout", "100"]);
        ann.run(&["cat", "team:/pictures/mine"]).stdout == b"of Bob"
    });
    bob.ok(&["wait", "--timeout", "100"]);
    let told = bob.run(&["status"]);
    assert!(told.status.success(), "{told:?}");
}
