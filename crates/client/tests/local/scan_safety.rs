//! What a scan must not conclude (S4), and what it reports instead.

use std::collections::BTreeSet;
use std::fs::rename;
use std::os::fd::BorrowedFd;

use hythe_client::disk::Absence;
use hythe_client::scan::{Entering, Scan, ScanError, Scope};

use crate::ground::{Ground, Mounted};

fn filled() -> Ground {
    let ground = Ground::new();
    for name in ["a/1", "a/2", "b/3", "c"] {
        ground.write(name, "x");
    }
    ground.scan();
    ground
}

#[test]
fn sc135_sc137_a_folder_that_is_away_loses_no_row() {
    let ground = filled();
    let before = ground.local();
    let aside = ground.home.path().join("aside");
    rename(ground.at(""), &aside).unwrap();
    let away = |ground: &Ground| match ground.try_scan(&Scope::Whole) {
        Err(ScanError::Away(absence)) => absence,
        other => panic!("{other:?}"),
    };
    assert_eq!(away(&ground), Absence::Missing);
    std::fs::create_dir(ground.at("")).unwrap();
    assert_eq!(away(&ground), Absence::Unmarked { empty: true });
    assert_eq!(ground.local(), before);
    std::fs::remove_dir(ground.at("")).unwrap();
    rename(&aside, ground.at("")).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::new());
}

#[test]
fn sc135_a_folder_without_its_marker_loses_no_row() {
    let ground = filled();
    let before = ground.local();
    std::fs::remove_dir_all(ground.at("a")).unwrap();
    std::fs::remove_file(ground.at(".hythe/marker")).unwrap();
    let result = ground.try_scan(&Scope::Whole);
    assert!(matches!(
        result,
        Err(ScanError::Away(Absence::Unmarked { empty: false }))
    ));
    assert_eq!(ground.local(), before);
}

/// Takes the marker away as soon as the scan has begun.
struct Saboteur(std::path::PathBuf);

impl Entering for Saboteur {
    fn entering(&self, _: BorrowedFd<'_>, path: &[u8]) -> bool {
        if path == b"a" {
            std::fs::remove_file(&self.0).unwrap();
        }
        true
    }
}

#[test]
fn sc135_a_folder_that_goes_away_during_a_scan_loses_no_row() {
    let ground = filled();
    let before = ground.local();
    std::fs::remove_file(ground.at("c")).unwrap();
    let saboteur = Saboteur(ground.at(".hythe/marker"));
    let scan = Scan {
        root: &ground.root,
        state: &ground.state,
        folder: ground.folder,
        entering: Some(&saboteur),
    };
    assert!(matches!(scan.run(&Scope::Whole), Err(ScanError::Away(_))));
    assert_eq!(ground.local(), before);
}

#[test]
fn sc062_a_mount_inside_hides_nothing_and_its_end_deletes_nothing() {
    let ground = filled();
    let before = ground.local();
    let Some(mounted) = Mounted::tmpfs(&ground.at("a"), "size=1m") else {
        return;
    };
    std::fs::write(ground.at("a/1"), "on another disk").unwrap();
    std::fs::create_dir(ground.at("new")).unwrap();
    let Some(second) = Mounted::tmpfs(&ground.at("new"), "size=1m") else {
        return;
    };
    std::fs::write(ground.at("new/f"), "on another disk").unwrap();
    let report = ground.scan();
    assert_eq!(report.dirty, BTreeSet::new());
    assert_eq!(ground.local(), before);
    assert_eq!(ground.problems(), ["a", "new"]);
    ground.scan_places(&["a", "a/1", "new/f"]);
    assert_eq!(ground.local(), before);
    drop((mounted, second));
    std::fs::remove_dir(ground.at("new")).unwrap();
    assert_eq!(ground.scan().dirty, BTreeSet::new());
    assert_eq!(ground.problems(), [""; 0]);
}

#[test]
fn sc060_what_is_no_data_is_listed_until_it_goes() {
    let ground = Ground::new();
    let made = std::process::Command::new("mkfifo")
        .arg(ground.at("pipe"))
        .status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(ground.at("socket")).unwrap();
    ground.write("d/.hythe", "not at the top");
    let report = ground.scan();
    assert_eq!(report.problems, 3);
    assert_eq!(ground.problems(), ["d/.hythe", "pipe", "socket"]);
    let said = ground
        .state
        .read(|rows| rows.problems(ground.folder))
        .unwrap();
    assert!(said.iter().all(|one| !one.action.is_empty()), "{said:?}");
    assert_eq!(ground.local().keys().collect::<Vec<_>>(), ["d"]);
    std::fs::remove_file(ground.at("pipe")).unwrap();
    ground.scan_places(&["pipe"]);
    assert_eq!(ground.problems(), ["d/.hythe", "socket"]);
    std::fs::remove_file(ground.at("socket")).unwrap();
    ground.scan_places(&[""]);
    assert_eq!(ground.problems(), ["d/.hythe"]);
}

#[test]
fn sc060_a_pipe_in_place_of_a_file_is_listed() {
    let ground = filled();
    let id = ground.id("c");
    std::fs::remove_file(ground.at("c")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(ground.at("c"))
        .status();
    assert!(made.unwrap().success());
    assert_eq!(ground.scan().dirty, BTreeSet::from([id]));
    assert_eq!(ground.problems(), ["c"]);
}

/// Root may read everything, so this test runs itself again as nobody.
#[test]
fn sc101_s4_an_unreadable_directory_loses_no_row() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let me = std::fs::metadata("/proc/self").unwrap().uid();
    if me == 0 {
        return again_as_nobody("scan_safety::sc101_s4_an_unreadable_directory_loses_no_row");
    }
    let ground = filled();
    let before = ground.local();
    let mode = |mode| {
        std::fs::set_permissions(ground.at("a"), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for unreadable in [0o000, 0o100, 0o600] {
        mode(unreadable);
        let report = ground.scan();
        mode(0o700);
        let below = |path: &str| before[path].node.id;
        assert!(!report.dirty.contains(&below("a/1")), "mode {unreadable:o}");
        assert!(report.problems > 0, "mode {unreadable:o}");
        assert_eq!(ground.local().len(), before.len());
        mode(unreadable);
        ground.scan_places(&["a/1", "a/gone", "a"]);
        mode(0o700);
        assert_eq!(ground.local().len(), before.len(), "mode {unreadable:o}");
    }
    std::fs::remove_file(ground.at("a/1")).unwrap();
    assert!(
        ground.scan().dirty.contains(&before["a/1"].node.id),
        "now there is evidence"
    );
}

/// A disk that fails while a directory is listed, before or after the first names: this test runs
/// itself again under `strace`, which makes the system call fail.
#[test]
fn sc104_s4_a_listing_that_breaks_off_loses_no_row() {
    if let Some(home) = std::env::var_os("HYTHE_TEST_FAILING") {
        // Its path is known to whoever makes the call fail.
        let named = tempfile::Builder::new()
            .prefix("home")
            .rand_bytes(0)
            .tempdir_in(home);
        let ground = Ground::at_home(named.unwrap());
        for name in ["a/1", "a/2", "b"] {
            ground.write(name, "x");
        }
        ground.scan();
        let before = ground.local();
        std::fs::remove_file(ground.at("a/1")).unwrap();
        ground.write("b", "edited");
        let report = ground.scan();
        assert_eq!(
            report.dirty,
            BTreeSet::from([before["b"].node.id]),
            "others go on (C3)"
        );
        assert!(report.problems > 0);
        assert_eq!(ground.local().len(), before.len());
        return;
    }
    // Each reading of `a` is two calls: names, end. The scan before takes two.
    for failing in ["3+", "4+"] {
        let home = tempfile::tempdir().unwrap();
        let status = std::process::Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=getdents64", "-o", "/dev/null"])
            .arg(format!("--inject=getdents64:error=EIO:when={failing}"))
            .arg("--trace-path")
            .arg(home.path().join("home/folder/a"))
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "scan_safety::sc104_s4_a_listing_that_breaks_off_loses_no_row",
            ])
            .env("HYTHE_TEST_FAILING", home.path())
            .status();
        match status {
            Ok(status) => assert!(status.success(), "failing from call {failing}"),
            Err(error) => {
                eprintln!("SKIPPED: strace, which is needed here, cannot be run: {error}");
            }
        }
    }
}

fn again_as_nobody(test: &str) {
    let program = std::env::current_exe().unwrap();
    let home = tempfile::tempdir_in("/tmp").unwrap();
    // The program itself may be where only root can reach it.
    let copy = home.path().join("test");
    std::fs::copy(program, &copy).unwrap();
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(home.path(), all).unwrap();
    let status = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&copy)
        .args(["--exact", test, "--nocapture"])
        .env("TMPDIR", home.path())
        .status();
    match status {
        Ok(status) => assert!(status.success(), "as nobody: {status}"),
        Err(error) => eprintln!("SKIPPED: setpriv, which is needed here, cannot be run: {error}"),
    }
}
