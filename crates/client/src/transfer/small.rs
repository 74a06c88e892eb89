//! Many small files in few requests.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use hythe_model::{Layout, LayoutEntry};
use tokio::sync::mpsc;

use super::fetch::{REQUESTS, Use, Wanted, fetch, next_batch};
use super::progress::Progress;
use super::{Transfer, TransferError};

/// A file whose bytes are coming in.
struct Growing<K> {
    key: K,
    bytes: Vec<u8>,
    /// Chunks still to come.
    left: usize,
    failed: Option<TransferError>,
}

/// A place where a chunk belongs.
#[derive(Clone, Copy)]
struct Slot {
    file: usize,
    offset: usize,
}

/// Fetches files that fit into memory, each handed out as soon as it is whole. Memory is bounded by
/// the files under way: use it for files of up to a megabyte.
///
/// # Errors
/// What concerns all of the files, above all [`TransferError::Api`]; those handed out are whole.
/// What concerns one file is handed out for it. Ends early, without error, when nobody receives.
pub async fn download_small<K: Send>(
    transfer: &Transfer,
    files: Vec<(K, Layout)>,
    whole: mpsc::Sender<(K, Result<Vec<u8>, TransferError>)>,
    progress: &Progress,
) -> Result<(), TransferError> {
    let mut growing = HashMap::new();
    let (mut slots, mut wanted) = (Vec::new(), Vec::new());
    for (file, (key, layout)) in files.into_iter().enumerate() {
        let mut left = 0;
        for (offset, chunk) in chunks(&layout) {
            wanted.push(Wanted {
                place: slots.len(),
                chunk,
            });
            slots.push(Slot { file, offset });
            left += 1;
        }
        growing.insert(
            file,
            Start {
                key,
                size: layout.size,
                left,
            },
        );
    }
    let mut files = Files {
        starts: growing,
        growing: HashMap::new(),
        whole,
        progress,
    };
    if !files.hand_out_empty().await {
        return Ok(());
    }
    let copy: Use<Vec<u8>> = Arc::new(|_, plain| plain.to_vec());
    let mut rest = wanted.into_iter().peekable();
    let mut fetching = FuturesUnordered::new();
    loop {
        while fetching.len() < REQUESTS && rest.peek().is_some() {
            fetching.push(fetch(transfer, next_batch(&mut rest), &copy, progress));
        }
        let Some(fetched) = fetching.next().await else {
            return Ok(());
        };
        for (place, result) in fetched? {
            if !files.take(slots[place], result).await {
                return Ok(());
            }
        }
    }
}

/// A file of which nothing has come yet: no memory is spent on it.
struct Start<K> {
    key: K,
    size: u64,
    left: usize,
}

impl<K> Start<K> {
    fn grow(self) -> Growing<K> {
        let bytes = vec![0; usize::try_from(self.size).unwrap_or_default()];
        Growing {
            key: self.key,
            bytes,
            left: self.left,
            failed: None,
        }
    }
}

struct Files<'a, K> {
    starts: HashMap<usize, Start<K>>,
    growing: HashMap<usize, Growing<K>>,
    whole: mpsc::Sender<(K, Result<Vec<u8>, TransferError>)>,
    progress: &'a Progress,
}

impl<K: Send> Files<'_, K> {
    /// Hands out the files without any chunk. False when nobody receives.
    async fn hand_out_empty(&mut self) -> bool {
        let empty: Vec<usize> = self
            .starts
            .iter()
            .filter(|(_, start)| start.left == 0)
            .map(|(file, _)| *file)
            .collect();
        for file in empty {
            let Some(start) = self.starts.remove(&file) else {
                continue;
            };
            if !self.hand_out(start.grow()).await {
                return false;
            }
        }
        true
    }

    /// Puts a chunk into its place. False when nobody receives.
    async fn take(&mut self, slot: Slot, result: Result<Vec<u8>, TransferError>) -> bool {
        if let Some(start) = self.starts.remove(&slot.file) {
            self.growing.insert(slot.file, start.grow());
        }
        let Some(file) = self.growing.get_mut(&slot.file) else {
            return true;
        };
        match result {
            Ok(plain) => {
                // Sizes add up: the layout was checked when it was read.
                if let Some(room) = file.bytes.get_mut(slot.offset..slot.offset + plain.len()) {
                    room.copy_from_slice(&plain);
                }
            }
            Err(error) => file.failed = Some(error),
        }
        file.left -= 1;
        if file.left > 0 {
            return true;
        }
        match self.growing.remove(&slot.file) {
            Some(file) => self.hand_out(file).await,
            None => true,
        }
    }

    async fn hand_out(&self, file: Growing<K>) -> bool {
        self.progress.did(file.bytes.len() as u64);
        let result = match file.failed {
            Some(error) => Err(error),
            None => Ok(file.bytes),
        };
        self.whole.send((file.key, result)).await.is_ok()
    }
}

fn chunks(layout: &Layout) -> impl Iterator<Item = (usize, hythe_model::ChunkRef)> {
    let placed = layout.entries.iter().scan(0usize, |next, entry| {
        let offset = *next;
        *next = offset.saturating_add(usize::try_from(entry.length()).unwrap_or(usize::MAX));
        Some((offset, entry))
    });
    placed.filter_map(|(offset, entry)| match entry {
        LayoutEntry::Chunk(chunk) => Some((offset, chunk.clone())),
        LayoutEntry::Hole(_) => None,
    })
}
