//! Links, as whoever gives them out and whoever has them would type it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod stage;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use hythe_wire::link_url::LinkUrl;
use hythe_wire::opaque::Password;
use stage::{Device, Stage, files_below, url_in};

const PASSWORD: &str = "canary-password-51c09e";

/// Somebody without an account: a device that was never enrolled.
fn visitor(stage: &Stage) -> Device {
    Device {
        name: "visitor".to_owned(),
        home: stage.place.path().join("home-visitor"),
        folder: stage.place.path().join("visited"),
        daemon: None,
    }
}

/// Runs a command with lines on its standard input.
fn typed(device: &Device, arguments: &[&str], lines: &str) -> Output {
    let mut command = device.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

/// What a command says that must fail.
fn refused(device: &Device, arguments: &[&str]) -> String {
    let done = device.run(arguments);
    assert_eq!(done.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(done.stderr).unwrap()
}

fn write(device: &Device, path: &str, content: &[u8]) {
    let source = device.folder.with_file_name("source");
    fs::write(&source, content).unwrap();
    device.ok(&["put", source.to_str().unwrap(), path]);
}

/// A folder with a file, a large one below it, and a file beside it, in a space.
fn fill(device: &Device, space: &str) -> Vec<u8> {
    let large = stage::noise(11, 3 << 20);
    device.ok(&["mkdir", "-p", &format!("{space}:/photos/below")]);
    write(device, &format!("{space}:/photos/small"), b"small");
    write(device, &format!("{space}:/photos/below/large"), &large);
    write(device, &format!("{space}:/beside"), b"beside");
    large
}

fn link(device: &Device, path: &str, more: &[&str]) -> String {
    let arguments = [&["link", "create", path], more].concat();
    url_in(&device.ok(&arguments))
}

#[test]
fn whoever_has_a_link_sees_what_it_shows_and_nothing_beside() {
    let stage = Stage::server_only();
    let ann = stage.person("ann");
    let large = fill(&ann, "");
    let url = link(&ann, ":/photos", &[]);
    let visitor = visitor(&stage);
    assert_eq!(visitor.ok(&["ls", &url]), "below/\nsmall\n");
    assert_eq!(visitor.ok(&["cat", &format!("{url}:/small")]), "small");
    fs::create_dir(&visitor.folder).unwrap();
    let into = visitor.folder.to_str().unwrap();
    visitor.ok(&["get", &url, into]);
    let got = fs::read(visitor.folder.join("photos/below/large")).unwrap();
    assert!(got == large);
    assert!(refused(&visitor, &["cat", &format!("{url}:/beside")]).contains("nothing"));
    // It is alive: what is written later is there, what was moved away is not.
    write(&ann, ":/photos/later", b"later");
    ann.ok(&["mv", ":/photos/small", ":/small"]);
    assert_eq!(visitor.ok(&["ls", &url]), "below/\nlater\n");
    assert_eq!(visitor.ok(&["cat", &format!("{url}:/later")]), "later");
    // Nothing was kept where the visitor has no device.
    assert!(!visitor.home.exists());
}

#[test]
fn a_link_ends_when_it_is_revoked_used_up_or_its_giver_goes() {
    let stage = Stage::server_only();
    let (ann, bob) = (stage.person("ann"), stage.person("bob"));
    ann.ok(&["spaces", "create", "team"]);
    fill(&ann, "team");
    let visitor = visitor(&stage);
    let small = |url: &str| format!("{url}:/small");

    let twice = link(&ann, "team:/photos", &["--downloads", "2"]);
    for _ in 0..2 {
        assert_eq!(visitor.ok(&["cat", &small(&twice)]), "small");
    }
    assert!(refused(&visitor, &["cat", &small(&twice)]).contains("as often as"));
    // What it shows may still be looked at: only opening counts.
    visitor.ok(&["ls", &twice]);

    let revoked = link(&ann, "team:/photos", &["--days", "7"]);
    visitor.ok(&["ls", &revoked]);
    let listed = ann.ok(&["link", "list", "team:/photos", "--uses"]);
    for told in [
        "used up",
        "opened 2 of 2",
        "opened team:/photos/small",
        "looked",
        "127.0.0.0/24",
    ] {
        assert!(listed.contains(told), "{told}: {listed}");
    }
    assert!(!listed.contains("127.0.0.1"), "a whole address: {listed}");
    ann.ok(&["link", "revoke", "team:/photos"]);
    assert!(refused(&visitor, &["ls", &revoked]).contains("revoked"));
    assert!(refused(&ann, &["link", "revoke", "team:/photos"]).contains("no such link"));

    // Whoever may not read any more shows nothing either.
    ann.ok(&["share", "team", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "team"]);
    let his = link(&bob, "team:/photos", &[]);
    visitor.ok(&["ls", &his]);
    ann.ok(&["members", "team", "--remove", "bob"]);
    assert!(refused(&visitor, &["ls", &his]).contains("ended"));
}

#[test]
fn a_link_ends_with_the_device_that_gave_it_out_and_with_the_role_to_give_it_out() {
    let mut stage = Stage::server_only();
    stage.enrol("a");
    stage.enrol("b");
    let bob = stage.person("bob");
    let (visitor, ann) = (visitor(&stage), stage.device("a"));
    fill(ann, "");
    let hers = link(ann, ":/photos", &[]);
    ann.ok(&["spaces", "create", "team"]);
    fill(ann, "team");
    ann.ok(&["share", "team", "bob", "--role", "editor"]);
    bob.ok(&["spaces", "accept", "team"]);
    let his = link(&bob, "team:/photos", &[]);
    ann.ok(&["share", "team", "bob", "--role", "viewer"]);
    assert!(refused(&visitor, &["ls", &his]).contains("revoked"));

    let phone = stage.device("b");
    let [view, download] = [&["--view"][..], &[]].map(|kind| link(phone, ":/photos", kind));
    visitor.ok(&["ls", &view]);
    visitor.ok(&["cat", &format!("{download}:/small")]);
    stage.device("a").ok(&["devices", "remove", "b"]);
    for url in [view, download] {
        assert!(refused(&visitor, &["ls", &url]).contains("revoked"));
        let small = format!("{url}:/small");
        assert!(refused(&visitor, &["cat", &small]).contains("revoked"));
    }
    visitor.ok(&["ls", &hers]);
}

#[test]
fn a_password_belongs_to_a_link_and_viewing_is_no_copying() {
    let stage = Stage::server_only();
    let ann = stage.person("ann");
    fill(&ann, "");
    let twice = format!("{PASSWORD}\n{PASSWORD}\n");
    let create = ["link", "create", ":/photos/small", "--protect", "--view"];
    let made = typed(&ann, &create, &twice);
    let url = url_in(&String::from_utf8(made.stdout).unwrap());
    let visitor = visitor(&stage);
    let cat = |password: &str| typed(&visitor, &["cat", &url], password);
    assert_eq!(cat(&format!("{PASSWORD}\n")).stdout, b"small");
    let wrong = cat("another\n");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("password"));
    let get = typed(&visitor, &["get", &url], &format!("{PASSWORD}\n"));
    assert!(String::from_utf8_lossy(&get.stderr).contains("looking only"));
    assert!(ann.ok(&["link", "list"]).contains("with password"));
}

#[test]
fn a_link_into_a_sealed_space_is_kept_as_the_space_is_by_its_givers_daemon() {
    let mut stage = Stage::with_devices(&["a"]);
    let visitor = visitor(&stage);
    let ann = stage.device("a");
    ann.ok(&["spaces", "create", "diary", "--sealed"]);
    let large = fill(ann, "diary");
    write(
        ann,
        "diary:/photos/canary-in-name-7ae1",
        b"canary-in-content-0c4d",
    );
    let url = link(ann, "diary:/photos", &[]);
    let listed = "below/\ncanary-in-name-7ae1\nsmall\n";
    assert_eq!(visitor.ok(&["ls", &url]), listed);
    let into = visitor.folder.to_str().unwrap();
    visitor.ok(&["get", &url, into]);
    assert!(fs::read(visitor.folder.join("below/large")).unwrap() == large);
    assert_eq!(fs::read(visitor.folder.join("small")).unwrap(), b"small");
    // What changes is shown once the daemon has seen it: written anew, made, moved in and out.
    write(ann, "diary:/photos/small", b"written anew");
    ann.ok(&["mkdir", "diary:/other"]);
    write(ann, "diary:/other/moved", b"moved in");
    ann.ok(&["mv", "diary:/other", "diary:/photos/other"]);
    ann.ok(&["rm", "diary:/photos/below/large"]);
    for (path, content) in [("small", "written anew"), ("other/moved", "moved in")] {
        let path = format!("{url}:/{path}");
        stage::wait_until("the link shows it", || {
            visitor.run(&["cat", &path]).stdout == content.as_bytes()
        });
    }
    stage::wait_until("the link shows it no more", || {
        visitor.ok(&["ls", &format!("{url}:/below")]).is_empty()
    });
    ann.ok(&["link", "revoke", "diary:/photos"]);
    assert!(refused(&visitor, &["ls", &url]).contains("revoked"));
    // The server has made it possible without being able to see any of it.
    let data = stage.data();
    for canary in ["canary-in-name-7ae1", "canary-in-content-0c4d"] {
        assert_eq!(found(&data, canary.as_bytes()), 0, "{canary}");
    }
}

#[test]
fn sc155_files_are_put_through_a_link_that_shows_nothing() {
    let stage = Stage::server_only();
    let ann = stage.person("ann");
    ann.ok(&["mkdir", ":/inbox"]);
    let url = link(&ann, ":/inbox", &["--upload", "--downloads", "3"]);
    let visitor = visitor(&stage);
    let (small, large) = (
        visitor.folder.with_extension("txt"),
        stage::noise(3, 3 << 20),
    );
    fs::write(&small, "small").unwrap();
    let small = small.to_str().unwrap();
    // Two guests, one name: both are kept.
    for _ in 0..2 {
        visitor.ok(&["put", small, &url]);
    }
    let source = visitor.folder.with_extension("large");
    fs::write(&source, &large).unwrap();
    visitor.ok(&["put", source.to_str().unwrap(), &format!("{url}:/large")]);
    assert!(refused(&visitor, &["put", small, &url]).contains("as often as"));
    assert_eq!(
        ann.ok(&["ls", ":/inbox"]),
        "large\nvisited (2).txt\nvisited.txt\n"
    );
    assert_eq!(ann.ok(&["cat", ":/inbox/visited (2).txt"]), "small");
    let got = visitor.folder.with_extension("got");
    ann.ok(&["get", ":/inbox/large", got.to_str().unwrap()]);
    assert!(fs::read(&got).unwrap() == large);
    // It shows nothing of what is there, and takes nothing but files into it.
    for arguments in [["ls", &url], ["cat", &format!("{url}:/large")]] {
        refused(&visitor, &arguments);
    }
    let reading = link(&ann, ":/inbox", &[]);
    refused(&visitor, &["put", small, &reading]);
    let listed = ann.ok(&["link", "list", ":/inbox", "--uses"]);
    assert!(
        listed.contains("taken 3 of 3") && listed.contains("put home:/inbox/large"),
        "{listed}"
    );
    // What was taken in is like any other file: another device has it, and it verifies.
    ann.ok(&["verify"]);
}

/// How often bytes stand in any file below a directory.
fn found(data: &Path, canary: &[u8]) -> usize {
    let times = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        bytes.windows(canary.len()).filter(|w| *w == canary).count()
    };
    files_below(data).iter().map(|path| times(path)).sum()
}

#[test]
fn a4_what_opens_a_link_reaches_neither_the_servers_files_nor_its_log() {
    let mut stage = Stage::server_only();
    let ann = stage.person("ann");
    fill(&ann, "");
    // The log of the server, as talkative as it gets.
    stage.stop_server();
    let log = stage.place.path().join("data").join("server.log");
    let mut command = stage.server_command();
    command
        .env("HYTHE_LOG", "trace")
        .args(["serve", "--listen"]);
    command.arg(&stage.listen).arg("--data").arg(stage.data());
    stage.run_server(command.stderr(fs::File::create(&log).unwrap()));

    let visitor = visitor(&stage);
    let plain = link(&ann, ":/photos", &[]);
    visitor.ok(&["cat", &format!("{plain}:/small")]);
    let twice = format!("{PASSWORD}\n{PASSWORD}\n");
    let made = typed(&ann, &["link", "create", ":/photos", "--protect"], &twice);
    let guarded = url_in(&String::from_utf8(made.stdout).unwrap());
    let opened = typed(&visitor, &["ls", &guarded], &format!("{PASSWORD}\n"));
    assert!(opened.status.success());
    stage.stop_server();

    let data = stage.data();
    let written = fs::read_to_string(&log).unwrap();
    assert!(written.contains("/api/v1/links/"), "the log tells nothing");
    let mut canaries = vec![PASSWORD.as_bytes().to_vec()];
    for (text, password) in [(&plain, None), (&guarded, Some(Password::new(PASSWORD)))] {
        let url: LinkUrl = text.parse().unwrap();
        let keys = url.secret.keys(url.link, password.as_ref()).unwrap();
        for secret in [&url.secret.0, &keys.token.0, &keys.seed] {
            let bytes = secret.expose();
            canaries.push(bytes.to_vec());
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            canaries.push(hex.into_bytes());
        }
        let fragment = text.split_once('#').unwrap().1;
        canaries.push(fragment.as_bytes()[4..].to_vec());
        // The search finds what is there: the link's id is.
        assert!(
            found(&data, &url.link.0) > 0,
            "the search finds nothing at all"
        );
    }
    for canary in canaries {
        assert_eq!(found(&data, &canary), 0, "{canary:?}");
    }
}
