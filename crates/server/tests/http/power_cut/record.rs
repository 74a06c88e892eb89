//! A real server in a process of its own, traced, and what it promised whom.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use bytes::Bytes;
use hythe_content::{PackBuilder, SealedChunk};
use hythe_model::NodeKind;
use hythe_server::{Running, Server, ServerConfig, Transport};
use hythe_space::{ChangeSet, Draft, Moment};
use hythe_wire::account::RegisterReply;
use hythe_wire::chunk::PackReply;
use hythe_wire::invite::InviteUrl;
use hythe_wire::log::{AttachedObject, CommitReply, CommitRequest};
use hythe_wire::{headers, routes};

use super::disk::scratch;
use super::trace::{self, Step};
use crate::person::{Candidate, Person, register};
use crate::transfer::{chunks, name};
use crate::world::{PATIENCE, World, cbor, reply};

/// Set in the traced process: the folder below which everything happens.
const TRACED: &str = "HYTHE_TEST_TRACED";

/// What the traced process says begins so.
const SAYS: &str = "server: ";

/// Below the root of a run; the parent of DATA is not there yet either.
const DATA: &str = "srv/data";
const WITNESS: &str = "witness";

/// A commit of so many rows is copied back at once.
const ROWS_OF_A_CHECKPOINT: usize = 2000;

/// A traced run of a server, and what it promised.
pub struct Record {
    /// Where the traced server had its files.
    pub root: PathBuf,
    pub steps: Vec<Step>,
    /// What begins each promise in what was sent, and the promise.
    pub promises: Vec<(String, Promise)>,
    pub person: Person,
    /// All change sets of the person's space, in order.
    pub log: Vec<Bytes>,
    pub chunks: Vec<SealedChunk>,
}

/// What must be there after it was said; each promise includes those before.
#[derive(Debug, Clone, Default)]
pub struct Promise {
    /// The epoch, once the server was ready.
    pub epoch: Option<String>,
    /// So many change sets of the person's space.
    pub log: usize,
    /// So many chunks.
    pub chunks: usize,
}

/// A server's settings, with all that it keeps below `root`.
pub fn config(root: &Path) -> ServerConfig {
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut config = ServerConfig::new(root.join(DATA), listen);
    config.transport = Transport::Plain;
    config.witness = Some(root.join(WITNESS));
    config
}

/// In the traced process: serves until told otherwise, and returns true. Elsewhere false.
pub fn served() -> bool {
    let Some(root) = std::env::var_os(TRACED).map(PathBuf::from) else {
        return false;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut running = started(&root).await;
        for line in std::io::stdin().lines() {
            match line.unwrap().as_str() {
                "drain" => {
                    let moved = running.files().drain_once().await.unwrap();
                    println!("{SAYS}drained {moved}");
                }
                "restart" => {
                    running.stop().await;
                    running = started(&root).await;
                }
                _ => break,
            }
        }
        running.stop().await;
    });
    true
}

async fn started(root: &Path) -> Running {
    let running = Server::start(config(root)).await.unwrap();
    let invite = running.invite(PATIENCE, false).await.unwrap();
    let (epoch, url) = (running.files().epoch(), running.local_url());
    println!("{SAYS}{epoch} {url} {invite}");
    running
}

/// The traced process, from outside.
struct Traced {
    process: Child,
    orders: Option<ChildStdin>,
    said: Lines<BufReader<ChildStdout>>,
}

impl Traced {
    /// Runs the test `name` under `strace`; none where there is no `strace`.
    fn start(name: &str, root: &Path, out: &Path) -> Option<Self> {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-y", "-xx", "-s", trace::LONGEST_STRING, "-e"])
            .arg(trace::TRACED_CALLS)
            .arg("-o")
            .arg(out)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(TRACED, root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(error) => {
                eprintln!("SKIPPED: strace, which is needed here, cannot be run: {error}");
                return None;
            }
        };
        let orders = process.stdin.take();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Some(Self {
            process,
            orders,
            said,
        })
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders.as_ref().unwrap(), "{order}").unwrap();
    }

    /// The next line that the server says.
    fn said(&mut self) -> String {
        let mut lines = self.said.by_ref().map(Result::unwrap);
        let line = lines.find_map(|line| line.split_once(SAYS).map(|(_, said)| said.to_owned()));
        line.expect("the server ended early")
    }

    fn end(mut self) {
        self.order("stop");
        drop(self.orders.take());
        self.said.by_ref().for_each(drop);
        assert!(self.process.wait().unwrap().success());
    }
}

/// A run under way.
struct Session {
    traced: Traced,
    world: World,
    person: Person,
    log: Vec<Bytes>,
    chunks: Vec<SealedChunk>,
    promises: Vec<(String, Promise)>,
}

/// Runs a server through a day in short: first start, an account, small and large commits, chunks
/// moved into a pack, the write-ahead log copied back and begun anew, a restart. None without
/// `strace`.
pub fn record(name: &str) -> Option<Record> {
    let home = scratch();
    let root = home.path().join("root");
    let out = home.path().join("trace");
    std::fs::create_dir(&root).unwrap();
    let mut traced = Traced::start(name, &root, &out)?;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let session = runtime.block_on(async {
        let said = traced.said();
        let mut session = Session::open(traced, home, &said).await;
        session.small().await;
        session.packed().await;
        session.drained();
        session.copied_back(&root.join(DATA).join("hythe.db")).await;
        session.restarted();
        session.small().await;
        session
    });
    let Session {
        traced,
        world,
        person,
        log,
        chunks,
        promises,
    } = session;
    traced.end();
    let trace = std::fs::read_to_string(out).unwrap();
    drop(world);
    Some(Record {
        steps: trace::read(&trace, &root),
        root,
        promises,
        person,
        log,
        chunks,
    })
}

impl Session {
    /// Waits until the server is ready, and makes an account.
    async fn open(traced: Traced, home: tempfile::TempDir, said: &str) -> Self {
        let [epoch, url, invite] = said.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{said}")
        };
        let world = World {
            server: None,
            data: home,
            elsewhere: Some(url.parse().unwrap()),
        };
        let mut promise = Promise {
            epoch: Some(epoch.to_owned()),
            ..Promise::default()
        };
        let mut promises = vec![(said.to_owned(), promise.clone())];
        let Candidate { person, request } = Candidate::new(&world, 1).await;
        let invite: InviteUrl = invite.parse().unwrap();
        let answer = register(&world, &invite.token, &request).await;
        promise.log = request.space.len();
        promises.push((id_of(&answer), promise));
        let _: RegisterReply = reply(answer).await;
        let log = request.space.iter().map(|one| one.to_vec().into());
        Self {
            traced,
            world,
            person,
            log: log.collect(),
            chunks: Vec::new(),
            promises,
        }
    }

    fn promised(&mut self, mark: String) {
        let promise = Promise {
            log: self.log.len(),
            chunks: self.chunks.len(),
            ..self.promises[0].1.clone()
        };
        self.promises.push((mark, promise));
    }

    /// Commits what a draft holds, with chunks attached.
    async fn commit(&mut self, draft: Draft, attached: Vec<SealedChunk>) {
        let change_set: ChangeSet = self.person.sign(draft);
        let request = CommitRequest {
            change_set: change_set.encoded().to_vec().into(),
            attached: attached.iter().map(attached_object).collect(),
        };
        let path = routes::space_changes(self.person.space);
        let post = cbor(self.person.post(&self.world, &path), &request);
        let answer = post.send().await.unwrap();
        self.log.push(change_set.encoded().to_vec().into());
        self.chunks.extend(attached);
        self.promised(id_of(&answer));
        let done: CommitReply = reply(answer).await;
        let (account, view) = (&self.person.account, &mut self.person.view);
        view.append(account, Moment::Replaying, &change_set)
            .unwrap();
        assert_eq!(done.head, view.head());
    }

    /// Directories, and a file whose chunks come with it and stay in the database.
    async fn small(&mut self) {
        let mut draft = Draft::new();
        let directory = b"a directory".to_vec();
        self.person
            .add(&mut draft, NodeKind::Directory, directory, None);
        self.commit(draft, Vec::new()).await;
        let sealed = chunks(&mut self.person, 2, 5_000);
        self.file(sealed.iter().map(|chunk| chunk.chunk.id).collect(), sealed)
            .await;
    }

    /// A file of chunks that were uploaded before, and one of chunks that come with it and are too
    /// many for the database.
    async fn packed(&mut self) {
        let sealed = chunks(&mut self.person, 3, 40_000);
        let mut pack = PackBuilder::new();
        sealed.iter().for_each(|chunk| pack.push(chunk));
        let path = routes::space_packs(self.person.space);
        let post = self.person.post(&self.world, &path);
        let post = post.header("content-type", headers::PACK);
        let answer = post.body(pack.finish()).send().await.unwrap();
        let refs = sealed.iter().map(|chunk| chunk.chunk.id).collect();
        self.chunks.extend(sealed);
        self.promised(id_of(&answer));
        let _: PackReply = reply(answer).await;
        self.file(refs, Vec::new()).await;
        let sealed = chunks(&mut self.person, 2, 40_000);
        self.file(sealed.iter().map(|chunk| chunk.chunk.id).collect(), sealed)
            .await;
    }

    async fn file(&mut self, refs: Vec<hythe_model::ChunkId>, attached: Vec<SealedChunk>) {
        let mut draft = Draft::new();
        let name = b"a file".to_vec();
        self.person
            .add(&mut draft, NodeKind::File, name, Some(refs));
        self.commit(draft, attached).await;
    }

    /// The chunks in the database move into a pack.
    fn drained(&mut self) {
        self.traced.order("drain");
        let said = self.traced.said();
        assert_eq!(said, "drained 2");
        self.promised(said);
    }

    /// Commits so much that the write-ahead log is copied back into the database, and then once
    /// more, which begins it anew.
    async fn copied_back(&mut self, database: &Path) {
        let log = database.with_extension("db-wal");
        let before = salt_of(&log);
        let mut draft = Draft::new();
        for _ in 0..ROWS_OF_A_CHECKPOINT {
            let directory = b"one of many".to_vec();
            let kind = NodeKind::Directory;
            self.person.add(&mut draft, kind, directory, None);
        }
        self.commit(draft, Vec::new()).await;
        let index = database.with_extension("db-shm");
        let began = Instant::now();
        while !is_copied_back(&index) {
            assert!(began.elapsed() < PATIENCE, "the log was never copied back");
            std::thread::yield_now();
        }
        self.small().await;
        assert_ne!(salt_of(&log), before, "the log was not begun anew");
    }

    fn restarted(&mut self) {
        self.traced.order("restart");
        let said = self.traced.said();
        let [epoch, url, _] = said.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{said}")
        };
        assert_eq!(self.promises[0].1.epoch.as_deref(), Some(epoch));
        self.world.elsewhere = Some(url.parse().unwrap());
        self.promised(said);
    }
}

/// Whether all frames of the write-ahead log are in the database: what its index says of the last
/// frame, and of those copied back (<https://www.sqlite.org/walformat.html>).
fn is_copied_back(index: &Path) -> bool {
    let bytes = std::fs::read(index).unwrap();
    bytes[16..20] == bytes[96..100]
}

/// What tells one run of a write-ahead log from the next.
fn salt_of(log: &Path) -> Vec<u8> {
    std::fs::read(log).unwrap()[16..24].to_vec()
}

fn id_of(answer: &reqwest::Response) -> String {
    let id = &answer.headers()[headers::REQUEST_ID];
    id.to_str().unwrap().to_owned()
}

fn attached_object(chunk: &SealedChunk) -> AttachedObject {
    AttachedObject {
        name: name(chunk),
        sealed: chunk.bytes.clone().into(),
    }
}
