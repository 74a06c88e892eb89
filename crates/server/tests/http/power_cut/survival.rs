//! Starting a real server on what a power cut left, and asking it for what was promised.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use hythe_model::Cursor;
use hythe_server::Server;
use hythe_wire::chunk::{ChunkFrame, ReadRequest};
use hythe_wire::log::LogFrame;
use hythe_wire::{Message, routes};

use super::disk::{Disk, Keep, Tree, put, scratch};
use super::record::{Promise, Record, config};
use super::trace::Step;
use crate::transfer::name;
use crate::world::{Frames, World, cbor};

/// A power cut after so many steps.
#[derive(Debug, Clone)]
pub struct Cut {
    pub after: usize,
    pub keep: Keep,
}

/// Where each promise was given: before this step nothing was sent of it.
pub fn promised_at(record: &Record) -> Vec<(usize, &Promise)> {
    let sent = |mark: &str| {
        let has = |step: &Step| matches!(step, Step::Sent(bytes) if contains(bytes, mark));
        let at = record.steps.iter().position(has);
        at.unwrap_or_else(|| panic!("{mark} was never sent"))
    };
    let promises = record.promises.iter();
    promises
        .map(|(mark, promise)| (sent(mark), promise))
        .collect()
}

fn contains(bytes: &[u8], mark: &str) -> bool {
    bytes
        .windows(mark.len())
        .any(|part| part == mark.as_bytes())
}

/// What a run of cuts showed.
#[derive(Debug, Default)]
pub struct Seen {
    /// How many different states were started from.
    pub states: usize,
    /// The cuts that took something.
    pub losses: Vec<(Cut, String)>,
}

/// Cuts the power at each of `cuts`, which are in order, and starts a server on what is left.
/// `steps` are those of the record, perhaps without some syncs.
pub fn survive(record: &Record, steps: &[Step], cuts: &[Cut], until_first_loss: bool) -> Seen {
    let promises = promised_at(record);
    let mut disk = Disk::new(&record.root);
    let (mut done, mut seen) = (0, Seen::default());
    let mut known = HashSet::new();
    for cut in cuts {
        steps[done..cut.after]
            .iter()
            .for_each(|step| disk.step(step));
        done = cut.after;
        let given = promises.iter().rev().find(|(at, _)| *at <= cut.after);
        let promise = given.map(|(_, promise)| (*promise).clone());
        let tree = disk.after_cut(&cut.keep);
        if !known.insert(fingerprint(&tree, promise.as_ref())) {
            continue;
        }
        seen.states += 1;
        if let Err(lost) = start_on(&tree, record, &promise.unwrap_or_default()) {
            seen.losses.push((cut.clone(), lost));
            if until_first_loss {
                break;
            }
        }
    }
    seen
}

fn fingerprint(tree: &Tree, promise: Option<&Promise>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{promise:?}").as_bytes());
    for (path, bytes) in tree {
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update(blake3::hash(bytes.as_deref().unwrap_or_default()).as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn start_on(tree: &Tree, record: &Record, promise: &Promise) -> Result<(), String> {
    let folder = scratch();
    put(tree, folder.path());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let running = Server::start(config(folder.path())).await;
        let running = running.map_err(|error| format!("the server does not start: {error}"))?;
        let mut world = World {
            elsewhere: Some(running.local_url().clone()),
            server: Some(running),
            data: folder,
        };
        // What is not as it should be may also be met by an assertion.
        let kept = AssertUnwindSafe(kept(&world, record, promise)).catch_unwind();
        let result = kept
            .await
            .unwrap_or_else(|_| Err("an answer has another form".into()));
        world.stop().await;
        result
    })
}

/// Whether everything that was promised is there, and nothing half.
async fn kept(world: &World, record: &Record, promise: &Promise) -> Result<(), String> {
    let report = world.server().files().check().await;
    let report = report.map_err(|error| format!("the data cannot be checked: {error}"))?;
    if !report.is_clean() {
        return Err(format!("the data is not in order: {report:?}"));
    }
    let epoch = world.server().files().epoch().to_string();
    if promise.epoch.as_ref().is_some_and(|old| *old != epoch) {
        return Err("the data is gone, or was taken for a restored copy".to_owned());
    }
    if promise.log > 0 {
        log_is_kept(world, record, promise.log).await?;
    }
    chunks_are_kept(world, record, promise.chunks).await
}

/// The log is what was sent, at least as far as was promised.
async fn log_is_kept(world: &World, record: &Record, promised: usize) -> Result<(), String> {
    let mut read = 0;
    loop {
        let path = routes::space_changes_from(record.person.space, Cursor(read as u64), 1000);
        let answer = record.person.get(world, &path).send().await.unwrap();
        if !answer.status().is_success() {
            return Err(format!("the log cannot be read: {}", answer.status()));
        }
        let frames: Vec<LogFrame> = Frames::of(answer, LogFrame::MAX_BYTES).all().await;
        let before = read;
        for frame in frames {
            if let LogFrame::Entry(entry) = frame {
                if record.log.get(read).map(AsRef::as_ref) != Some(entry.change_set.as_slice()) {
                    return Err(format!("the log is another one at {read}"));
                }
                read += 1;
            }
        }
        if read == before {
            break;
        }
    }
    if read < promised {
        return Err(format!("of {promised} change sets {read} are there"));
    }
    Ok(())
}

async fn chunks_are_kept(world: &World, record: &Record, promised: usize) -> Result<(), String> {
    let chunks = &record.chunks[..promised];
    if chunks.is_empty() {
        return Ok(());
    }
    let request = ReadRequest {
        objects: chunks.iter().map(name).collect(),
    };
    let path = routes::space_chunks_read(record.person.space);
    let post = cbor(record.person.post(world, &path), &request);
    let answer = post.send().await.unwrap();
    let mut frames = Frames::of(answer, ChunkFrame::MAX_BYTES);
    let mut whole = 0;
    while let Some(message) = frames.next().await? {
        match ChunkFrame::from_frame(&message).unwrap() {
            ChunkFrame::Sealed { index, bytes } if chunks[index as usize].bytes == *bytes => {
                whole += 1;
            }
            ChunkFrame::End => break,
            other => return Err(format!("a chunk is not there: {other:?}")),
        }
    }
    if whole == chunks.len() {
        Ok(())
    } else {
        Err(format!("of {} chunks {whole} are there", chunks.len()))
    }
}
