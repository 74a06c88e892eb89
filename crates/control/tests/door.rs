//! The door as both sides use it: a listener, a service, callers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hythe_control::{
    CallError, Caller, Entry, EntryKind, Event, Events, Failure, FailureKind, Listener, Octets,
    Place, Progress, Reply, Request, SOCKET_NAME, Service, serve,
};
use hythe_model::NodeId;
use tokio::sync::{Notify, oneshot};

/// Answers some requests in ways that show the protocol.
#[derive(Default)]
struct Show {
    waiting: Notify,
    dropped: Arc<Notify>,
}

/// Tells when the future that owns it is dropped.
struct TellWhenDropped(Arc<Notify>);

impl Drop for TellWhenDropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Service for Show {
    async fn call(
        &self,
        request: Request,
        attachment: Option<OwnedFd>,
        events: Events,
    ) -> Result<Reply, Failure> {
        match request {
            Request::Pause => Ok(Reply::Done),
            Request::Held => Ok(Reply::Held(Vec::new())),
            Request::List {
                place: Place::Space { path, .. },
                ..
            } => {
                let names = (0..700).map(|n| entry(&format!("{path}/{n}")));
                events.entries(names).await;
                Ok(Reply::Count(700))
            }
            Request::List {
                place: Place::Local { path },
                ..
            } => {
                events
                    .entries((0..40).map(|_| entry(&path.to_string().repeat(20_000))))
                    .await;
                Ok(Reply::Count(40))
            }
            Request::Read { .. } => {
                let mut file = File::from(attachment.expect("a descriptor"));
                file.write_all(b"content").unwrap();
                Ok(Reply::Done)
            }
            Request::Write { .. } => {
                let mut text = String::new();
                File::from(attachment.expect("a descriptor"))
                    .read_to_string(&mut text)
                    .unwrap();
                Err(Failure::new(FailureKind::Refused, text)
                    .because("a reason")
                    .next("A step."))
            }
            Request::Wait { .. } => {
                let _tell = TellWhenDropped(self.dropped.clone());
                self.waiting.notify_one();
                std::future::pending().await
            }
            Request::Verify => {
                for done_items in 0..10_000 {
                    let doing = "counting".to_owned();
                    let (total_items, done_bytes, total_bytes) = (None, 0, None);
                    events.offer(Event::Progress(Progress {
                        doing,
                        done_items,
                        total_items,
                        done_bytes,
                        total_bytes,
                    }));
                }
                Ok(Reply::Done)
            }
            _ => Err(Failure::new(FailureKind::Internal, "not shown here")),
        }
    }
}

fn entry(path: &str) -> Entry {
    Entry {
        path: Octets::from(path),
        kind: EntryKind::File,
        size: Some(1),
        modified: None,
        executable: false,
        target: None,
        node: NodeId::ROOT,
        quarantine: None,
    }
}

fn space(path: &str) -> Place {
    Place::Space {
        space: String::new(),
        path: Octets::from(path),
    }
}

/// A home, a daemon in it, and the way to end it.
struct Daemon {
    folder: tempfile::TempDir,
    home: PathBuf,
    service: Arc<Show>,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<()>,
}

impl Daemon {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_owned();
        Self::start_in(folder, home)
    }

    fn start_in(folder: tempfile::TempDir, home: PathBuf) -> Self {
        let service = Arc::new(Show::default());
        let listener = Listener::bind(&home).unwrap();
        let (stop, stopped) = oneshot::channel();
        let ended = async move { stopped.await.unwrap_or(()) };
        let served = tokio::spawn(serve(listener, service.clone(), ended));
        Self {
            folder,
            home,
            service,
            stop: Some(stop),
            served,
        }
    }

    fn caller(&self) -> Caller {
        Caller::connect(&self.home).unwrap()
    }
}

async fn ask(caller: &mut Caller, request: &Request) -> Result<Reply, CallError> {
    caller.call(request, None, |_| ()).await
}

#[tokio::test]
async fn many_requests_one_after_the_other() {
    let daemon = Daemon::start();
    let mut caller = daemon.caller();
    for _ in 0..3 {
        assert_eq!(
            ask(&mut caller, &Request::Pause).await.unwrap(),
            Reply::Done
        );
        assert_eq!(
            ask(&mut caller, &Request::Held).await.unwrap(),
            Reply::Held(Vec::new())
        );
    }
}

#[tokio::test]
async fn a_listing_comes_in_bounded_events_and_in_order() {
    let daemon = Daemon::start();
    let (mut paths, mut events) = (Vec::new(), 0);
    let request = Request::List {
        place: space("d"),
        recursive: true,
    };
    let mut caller = daemon.caller();
    let reply = caller.call(&request, None, |event| {
        let Event::Entries(entries) = event else {
            panic!("{event:?}")
        };
        events += 1;
        assert!(entries.len() <= 256);
        paths.extend(entries.into_iter().map(|entry| entry.path.to_string()));
    });
    assert_eq!(reply.await.unwrap(), Reply::Count(700));
    assert_eq!(
        paths,
        (0..700).map(|n| format!("d/{n}")).collect::<Vec<_>>()
    );
    assert_eq!(events, 3);
}

#[tokio::test]
async fn long_paths_make_small_events() {
    let daemon = Daemon::start();
    let mut most = 0;
    let place = Place::Local {
        path: Octets::from("/x"),
    };
    let reply = daemon
        .caller()
        .call(
            &Request::List {
                place,
                recursive: false,
            },
            None,
            |event| {
                let Event::Entries(entries) = event else {
                    panic!("{event:?}")
                };
                most = most.max(
                    entries
                        .iter()
                        .map(|entry| entry.path.0.len())
                        .sum::<usize>(),
                );
            },
        )
        .await;
    assert_eq!(reply.unwrap(), Reply::Count(40));
    assert!(most <= 256 << 10, "{most}");
}

#[tokio::test]
async fn content_goes_through_the_callers_descriptor_both_ways() {
    let daemon = Daemon::start();
    let mut file = tempfile::tempfile().unwrap();
    let read = Request::Read {
        place: space("f"),
        version: None,
    };
    daemon
        .caller()
        .call(&read, Some(file.as_fd()), |_| ())
        .await
        .unwrap();
    file.rewind().unwrap();
    let write = Request::Write {
        place: space("f"),
        modified: None,
        executable: false,
    };
    let failed = daemon
        .caller()
        .call(&write, Some(file.as_fd()), |_| ())
        .await
        .unwrap_err();
    let CallError::Failed(failure) = failed else {
        panic!("{failed}")
    };
    assert_eq!(failure.message, "content");
    assert_eq!(failure.cause.as_deref(), Some("a reason"));
    assert_eq!(failure.next.as_deref(), Some("A step."));
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_its_request() {
    let daemon = Daemon::start();
    let mut caller = daemon.caller();
    tokio::select! {
        _ = ask(&mut caller, &Request::Wait { timeout_ms: None }) => panic!("nothing ends it"),
        () = daemon.service.waiting.notified() => (),
    }
    drop(caller);
    daemon.service.dropped.notified().await;
}

#[tokio::test]
async fn progress_nobody_reads_never_holds_a_request_up() {
    let daemon = Daemon::start();
    assert_eq!(
        ask(&mut daemon.caller(), &Request::Verify).await.unwrap(),
        Reply::Done
    );
}

#[tokio::test]
async fn a_home_with_a_very_long_path_works() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("h".repeat(200)).join("o".repeat(200));
    fs::create_dir_all(&home).unwrap();
    let daemon = Daemon::start_in(folder, home);
    assert_eq!(
        ask(&mut daemon.caller(), &Request::Pause).await.unwrap(),
        Reply::Done
    );
}

#[tokio::test]
async fn the_socket_is_the_users_alone_and_goes_away_with_the_daemon() {
    let mut daemon = Daemon::start();
    let path = daemon.folder.path().join(SOCKET_NAME);
    let found = fs::symlink_metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    daemon.stop.take().unwrap().send(()).unwrap();
    daemon.served.await.unwrap();
    assert!(!path.exists());
    assert!(matches!(
        Caller::connect(&daemon.home),
        Err(CallError::NotRunning)
    ));
}

#[tokio::test]
async fn a_socket_left_by_a_killed_daemon_is_no_daemon_and_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SOCKET_NAME);
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(matches!(
        Caller::connect(folder.path()),
        Err(CallError::NotRunning)
    ));
    let home = folder.path().to_owned();
    let daemon = Daemon::start_in(folder, home);
    assert_eq!(
        ask(&mut daemon.caller(), &Request::Pause).await.unwrap(),
        Reply::Done
    );
}

#[tokio::test]
async fn a_stop_lets_idle_callers_go() {
    let mut daemon = Daemon::start();
    let mut caller = daemon.caller();
    assert_eq!(
        ask(&mut caller, &Request::Pause).await.unwrap(),
        Reply::Done
    );
    daemon.stop.take().unwrap().send(()).unwrap();
    daemon.served.await.unwrap();
    assert!(ask(&mut caller, &Request::Pause).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_answered_with_a_sentence_and_the_end() {
    let daemon = Daemon::start();
    for line in ["{\"version\":9,\"request\":\"pause\"}\n", "nonsense\n"] {
        let (stream, answer) = say(&daemon.home, line);
        assert!(
            answer.contains("\"failure\"") && answer.contains("protocol"),
            "{answer}"
        );
        drop(stream);
    }
    assert_eq!(
        ask(&mut daemon.caller(), &Request::Pause).await.unwrap(),
        Reply::Done
    );
}

/// Sends raw text and reads to the end, on a thread of its own so that the daemon can answer.
fn say(home: &Path, text: &str) -> (std::os::unix::net::UnixStream, String) {
    let mut stream = std::os::unix::net::UnixStream::connect(home.join(SOCKET_NAME)).unwrap();
    let text = text.to_owned();
    tokio::task::block_in_place(move || {
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (stream, answer)
    })
}

#[tokio::test]
async fn a_service_in_the_same_process_is_asked_the_same_way() {
    let service = Arc::new(Show::default());
    let mut caller = Caller::within(service.clone()).unwrap();
    assert_eq!(
        ask(&mut caller, &Request::Pause).await.unwrap(),
        Reply::Done
    );
    tokio::select! {
        _ = ask(&mut caller, &Request::Wait { timeout_ms: None }) => panic!("nothing ends it"),
        () = service.waiting.notified() => (),
    }
    drop(caller);
    service.dropped.notified().await;
}
