//! What the program says and how it ends when it is used wrongly, or before there is anything.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the program in a home, with something on its standard input.
fn hythe<A: AsRef<OsStr>>(home: &Path, arguments: &[A], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hythe"));
    command
        .args(arguments)
        .env("HYTHE_HOME", home)
        .env("HYTHE_LOG", "error");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that ended without reading closed the pipe: that is fine.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn wrong_usage_is_exit_2_and_says_what_would_be_right() {
    let home = tempfile::tempdir().unwrap();
    let odd = OsStr::from_bytes(b"\xff\xfe");
    let cases: [&[&OsStr]; 9] = [
        &[],
        &["dance".as_ref()],
        &["ls".as_ref()],
        &["ls".as_ref(), "plain".as_ref()],
        &["ls".as_ref(), odd],
        &["cat".as_ref(), ":/../secret".as_ref()],
        &["get".as_ref(), "home:".as_ref()],
        &["sync".as_ref(), "--move".as_ref(), "one".as_ref()],
        &[
            "serve".as_ref(),
            "--data".as_ref(),
            "d".as_ref(),
            "--listen".as_ref(),
            "host".as_ref(),
        ],
    ];
    for arguments in cases {
        let done = hythe(home.path(), arguments, "");
        assert_eq!(done.status.code(), Some(2), "{arguments:?}");
        assert!(done.stdout.is_empty(), "{arguments:?}");
        assert!(!done.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn commands_that_are_not_built_are_not_shown() {
    let home = tempfile::tempdir().unwrap();
    let help = text(&hythe(home.path(), &["--help"], "").stdout);
    for missing in ["drive", "pin", "evict", "reference"] {
        let shown = help
            .lines()
            .any(|line| line.trim_start().starts_with(missing));
        assert!(!shown, "{missing} is shown:\n{help}");
        let code = hythe(home.path(), &[missing], "").status.code();
        assert_eq!(code, Some(2), "{missing}");
    }
}

#[test]
fn before_anything_is_there_each_command_names_the_first_step() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [
        &["status"][..],
        &["wait"],
        &["pause"],
        &["ls", ":/"],
        &["history", ":/a"],
        &["devices"],
        &["verify"],
        &["daemon", "run"],
        &["sync", "/tmp/nowhere-hythe"],
    ] {
        let done = hythe(home.path(), arguments, "");
        assert_eq!(
            done.status.code(),
            Some(1),
            "{arguments:?}: {}",
            text(&done.stderr)
        );
        let said = text(&done.stderr);
        assert!(said.contains("hythe connect"), "{arguments:?}: {said}");
        assert!(said.contains("next:"), "{arguments:?}: {said}");
    }
    assert!(
        !Path::new("/tmp/nowhere-hythe").exists(),
        "nothing is made before it can be used"
    );
}

#[test]
fn stopping_what_does_not_run_is_done() {
    let home = tempfile::tempdir().unwrap();
    let done = hythe(home.path(), &["daemon", "stop"], "");
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
}

#[test]
fn a_home_with_a_very_long_path_works() {
    let place = tempfile::tempdir().unwrap();
    let home = place.path().join("h".repeat(200)).join("o".repeat(200));
    let done = hythe(&home, &["status"], "");
    assert_eq!(done.status.code(), Some(1));
    assert!(
        text(&done.stderr).contains("not connected"),
        "{}",
        text(&done.stderr)
    );
}

#[test]
fn connect_takes_its_url_from_standard_input_and_never_repeats_it() {
    let home = tempfile::tempdir().unwrap();
    let nothing = hythe(home.path(), &["connect", "-"], "");
    assert_eq!(nothing.status.code(), Some(2));
    let secret = "https://127.0.0.1:1/#i=c2VjcmV0";
    for (arguments, input) in [
        (vec!["connect", "-"], secret),
        (vec!["connect", secret], ""),
    ] {
        let refused = hythe(home.path(), &arguments, &format!("{input}\nunread\n"));
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
        assert!(
            !text(&refused.stderr).contains("c2VjcmV0"),
            "{}",
            text(&refused.stderr)
        );
    }
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hythe"));
    command
        .args(["completions", "bash"])
        .env("HYTHE_HOME", home.path());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let done = child.wait_with_output().unwrap();
    assert_eq!(text(&done.stderr), "");
}

#[test]
fn completions_name_the_commands() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let done = hythe(home.path(), &["completions", shell], "");
        assert!(done.status.success());
        assert!(text(&done.stdout).contains("unsync"), "{shell}");
    }
}
