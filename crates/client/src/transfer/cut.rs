//! From runs of data to the chunks of a file.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use hythe_content::{Cutter, Selector, SpaceKeys};
use hythe_model::{ChunkClass, Chunker};

use super::cells::DataRun;

/// A future chunk: a range of the file and its bytes, which may lie in several cells.
pub struct Span {
    /// Where it lies in the file.
    pub offset: u64,
    pieces: Vec<Bytes>,
}

impl Span {
    /// Its bytes in one piece; `joined` is used where they are not.
    pub fn plain<'a>(&'a self, joined: &'a mut Vec<u8>) -> &'a [u8] {
        match self.pieces.as_slice() {
            [whole] => whole,
            pieces => {
                joined.clear();
                pieces
                    .iter()
                    .for_each(|piece| joined.extend_from_slice(piece));
                joined
            }
        }
    }
}

/// Cuts one file. Every run of data between holes is cut by itself.
pub struct Cuts {
    cutter: Arc<Cutter>,
    under_way: Option<Extent>,
}

/// The extent that is being cut.
struct Extent {
    /// Where it begins in the file.
    origin: u64,
    /// Where in it the chunk under way begins.
    start: u64,
    selector: Selector,
    /// The bytes from `start` on.
    pieces: VecDeque<Bytes>,
}

impl Cuts {
    /// Cuts as this chunker and class say.
    pub fn new(keys: &SpaceKeys, chunker: Chunker, class: ChunkClass) -> Self {
        Self {
            cutter: Arc::new(keys.cutter(chunker, class)),
            under_way: None,
        }
    }

    /// What finds the candidates.
    pub fn cutter(&self) -> Arc<Cutter> {
        Arc::clone(&self.cutter)
    }

    /// Takes the next run of data and gives the chunks that are complete with it.
    pub fn push(&mut self, run: DataRun) -> Vec<Span> {
        let limits = self.cutter.limits();
        let extent = self.under_way.get_or_insert_with(|| Extent {
            origin: run.offset,
            start: 0,
            selector: Selector::new(limits),
            pieces: VecDeque::new(),
        });
        let mut ends = Vec::new();
        extent
            .selector
            .push(run.bytes.len() as u64, &run.candidates, &mut ends);
        extent.pieces.push_back(run.bytes);
        if !run.ends_extent {
            return extent.take(&ends);
        }
        let Some(mut extent) = self.under_way.take() else {
            return Vec::new();
        };
        extent.selector.clone().finish(&mut ends);
        extent.take(&ends)
    }
}

impl Extent {
    fn take(&mut self, ends: &[u64]) -> Vec<Span> {
        ends.iter().map(|end| self.take_until(*end)).collect()
    }

    fn take_until(&mut self, end: u64) -> Span {
        let offset = self.origin + self.start;
        let mut left = (end - self.start) as usize;
        let mut pieces = Vec::with_capacity(1);
        while left > 0 {
            let Some(mut piece) = self.pieces.pop_front() else {
                break;
            };
            if piece.len() > left {
                self.pieces.push_front(piece.split_off(left));
            }
            left -= piece.len();
            pieces.push(piece);
        }
        self.start = end;
        Span { offset, pieces }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::cells::CellPlan;
    use crate::transfer::tests::{keys, noise};

    /// Offsets and contents of the chunks of a file with these extents.
    fn cut(bytes: &Vec<u8>, extents: &[std::ops::Range<u64>]) -> Vec<(u64, Vec<u8>)> {
        let mut cuts = Cuts::new(&keys(), Chunker::Keyed, ChunkClass(18));
        let mut chunks = Vec::new();
        for task in CellPlan::new(bytes.len() as u64, extents.to_vec(), &[]) {
            let cell = task.read(bytes, &cuts.cutter()).unwrap();
            for span in cell.runs.into_iter().flat_map(|run| cuts.push(run)) {
                chunks.push((span.offset, span.plain(&mut Vec::new()).to_vec()));
            }
        }
        chunks
    }

    #[test]
    fn cells_do_not_show_in_the_cuts() {
        let bytes = noise(1, 11 << 20);
        let expected = keys().cutter(Chunker::Keyed, ChunkClass(18)).split(&bytes);
        let whole = 0..bytes.len() as u64;
        let chunks = cut(&bytes, std::slice::from_ref(&whole));
        let ends: Vec<usize> = chunks
            .iter()
            .map(|(offset, bytes)| *offset as usize + bytes.len())
            .collect();
        assert_eq!(ends, expected);
        let joined: Vec<u8> = chunks.into_iter().flat_map(|(_, bytes)| bytes).collect();
        assert!(joined == bytes);
    }

    #[test]
    fn extents_are_cut_apart_and_keep_their_places() {
        let bytes = noise(2, 9 << 20);
        let extents = [100..5_000_000, 6_000_000..6_000_001, 7_000_000..9 << 20];
        let chunks = cut(&bytes, &extents);
        let mut covered = Vec::new();
        for (offset, chunk) in &chunks {
            let range = *offset..*offset + chunk.len() as u64;
            assert!(bytes[range.start as usize..range.end as usize] == *chunk);
            match covered.last_mut() {
                Some(std::ops::Range { end, .. }) if *end == range.start => *end = range.end,
                _ => covered.push(range),
            }
        }
        assert_eq!(covered, extents);
    }
}
