//! `read`: a file's content to a descriptor, in order and in bounded memory.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use hythe_control::{Event as Told, Events, Failure, Place, Progress as Shown, Reply};
use hythe_model::{Body, Chunker, Layout, LayoutEntry, NodeKind};
use tokio::sync::mpsc;

use super::descriptor::{Run, Sink};
use super::place::{self, shown};
use super::words::{broke_off, refused};
use super::{current, entry, past};
use crate::daemon::Door;
use crate::transfer::{Progress, Transfer, TransferError, download_small, load_layout};

/// Content that is fetched together. While one such part is written the next is fetched, so about
/// twice this is in memory.
const PART_BYTES: u64 = 8 << 20;
const PART_CHUNKS: usize = 1024;

/// How often progress is told at most.
pub(super) const TELL_EVERY: Duration = Duration::from_millis(100);

/// Writes a file's content to a descriptor.
pub(super) async fn read(
    door: &Door,
    place: &Place,
    version: Option<&str>,
    to: OwnedFd,
    events: &Events,
) -> Result<Reply, Failure> {
    let found = place::existing(door, place).await?;
    let space = &found.space;
    let Some(node) = found.node.filter(|node| node.kind == NodeKind::File) else {
        return Err(refused(format!("{} is no file", shown(space, &found.path))));
    };
    let mut entry = door
        .shared
        .state
        .read(|rows| entry::own(rows, space.number, &node))?;
    let field = match version {
        None => door
            .shared
            .state
            .read(|rows| rows.remote_body(space.number, node.id))?,
        Some(version) => {
            let older = past::version(door, space, node.id, version).await?;
            entry.executable = older.attributes.unwrap_or(node.attributes).executable;
            entry.modified = Some(older.attributes.unwrap_or(node.attributes).modified.into());
            Some(older.field)
        }
    };
    let unreadable = || {
        refused(format!(
            "The content of {} cannot be opened",
            shown(space, &found.path)
        ))
    };
    let transfer = current::transfer(space).await?;
    let body = load_layout(&transfer, &field.ok_or_else(unreadable)?).await?;
    let Body::File(layout) = body else {
        return Err(unreadable());
    };
    entry.size = Some(layout.size);
    let doing = format!("reading {}", shown(space, &found.path));
    pour(
        &transfer,
        &layout,
        to,
        Telling::new(events, doing, layout.size),
    )
    .await?;
    Ok(Reply::Entry(entry))
}

/// Fetches the runs of a layout, in order, and writes them to a descriptor.
pub(crate) async fn pour(
    transfer: &Transfer,
    layout: &Layout,
    to: OwnedFd,
    mut telling: Telling<'_>,
) -> Result<(), Failure> {
    let (runs, coming) = mpsc::channel::<Vec<Run>>(1);
    let writing = tokio::task::spawn_blocking(move || write_all(to, coming));
    for part in parts(&layout.entries) {
        let fetched = fetch(transfer, part).await?;
        let bytes: u64 = part.iter().map(LayoutEntry::length).sum();
        if runs.send(fetched).await.is_err() {
            // The writer ended; its error is the one to report.
            break;
        }
        telling.did(bytes);
    }
    drop(runs);
    let unwritten =
        |error| refused("The content could not be written where it should go").because(error);
    writing.await.map_err(broke_off)?.map_err(unwritten)
}

fn write_all(to: OwnedFd, mut coming: mpsc::Receiver<Vec<Run>>) -> std::io::Result<()> {
    let mut sink = Sink::new(to)?;
    while let Some(runs) = coming.blocking_recv() {
        runs.into_iter().try_for_each(|run| sink.put(run))?;
    }
    sink.finish()
}

/// Runs that are fetched together.
fn parts(entries: &[LayoutEntry]) -> impl Iterator<Item = &[LayoutEntry]> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let (mut bytes, mut count) = (0, 0);
        for entry in rest {
            let more = match entry {
                LayoutEntry::Chunk(chunk) => u64::from(chunk.length),
                LayoutEntry::Hole(_) => 0,
            };
            if count == PART_CHUNKS || (count > 0 && bytes + more > PART_BYTES) {
                break;
            }
            bytes += more;
            count += 1;
        }
        let (part, later) = rest.split_at(count);
        rest = later;
        (!part.is_empty()).then_some(part)
    })
}

/// The bytes of some runs, each chunk verified.
async fn fetch(transfer: &Transfer, part: &[LayoutEntry]) -> Result<Vec<Run>, TransferError> {
    let mut runs = Vec::with_capacity(part.len());
    let mut wanted = Vec::new();
    for (at, entry) in part.iter().enumerate() {
        match entry {
            LayoutEntry::Hole(length) => runs.push(Run::Hole(*length)),
            LayoutEntry::Chunk(_) => {
                wanted.push((at, alone(entry)));
                runs.push(Run::Data(Vec::new()));
            }
        }
    }
    let (whole, mut coming) = mpsc::channel(16);
    let progress = Progress::default();
    let collect = async {
        let mut failed = None;
        while let Some((at, bytes)) = coming.recv().await {
            match (bytes, runs.get_mut::<usize>(at)) {
                (Ok(bytes), Some(run)) => *run = Run::Data(bytes),
                (Err(error), _) => failed = Some(error),
                (Ok(_), None) => {}
            }
        }
        failed
    };
    let (fetched, failed) =
        tokio::join!(download_small(transfer, wanted, whole, &progress), collect);
    fetched?;
    match failed {
        Some(error) => Err(error),
        None => Ok(runs),
    }
}

/// A layout of one run only.
pub(super) fn alone(entry: &LayoutEntry) -> Layout {
    Layout {
        size: entry.length(),
        chunker: Chunker::Keyed,
        class: hythe_content::class_for(entry.length(), None),
        hash: None,
        entries: [entry.clone()].into(),
    }
}

/// Tells how far a transfer is, not too often.
pub(crate) struct Telling<'e> {
    events: &'e Events,
    told: Option<Instant>,
    now: Shown,
}

impl<'e> Telling<'e> {
    pub fn new(events: &'e Events, doing: String, total_bytes: u64) -> Self {
        let now = Shown {
            total_bytes: Some(total_bytes),
            ..current::progress(doing)
        };
        Self {
            events,
            told: None,
            now,
        }
    }

    /// More bytes are done.
    pub fn did(&mut self, bytes: u64) {
        self.at(self.now.done_bytes + bytes);
    }

    /// So many bytes are done.
    pub fn at(&mut self, bytes: u64) {
        self.now.done_bytes = bytes;
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            self.told = Some(Instant::now());
            self.events.offer(Told::Progress(self.now.clone()));
        }
    }
}
