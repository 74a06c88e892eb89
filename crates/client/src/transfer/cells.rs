//! A file as cells: which parts of each are data, read and looked at on the pool.

use std::io;
use std::ops::Range;

use bytes::Bytes;

use super::files::SourceFile;
use super::whole_hash::{CELL_BYTES, CellHash, hash_cell};
use hythe_content::{CONTEXT_BYTES, Cutter};

/// Holes are hashed as the zeros they read as, up to this many bytes in a file. A file with more (a
/// disk image of a terabyte, say) gets no whole-file hash, rather than minutes of hashing nothing.
const MAX_HASHED_HOLES: u64 = 4 << 30;

/// The cells of one file, in order.
pub struct CellPlan {
    size: u64,
    extents: Vec<Extent>,
    next_extent: usize,
    next_cell: u64,
    hashed: bool,
}

/// A run of data, in one cell or many.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extent {
    range: Range<u64>,
    kept: bool,
}

/// One cell to be read.
pub struct CellTask {
    index: u64,
    range: Range<u64>,
    data: Vec<DataPart>,
    /// Whether the whole file is hashed, and whether this cell is all of it.
    hash: Option<bool>,
}

/// A run of data inside a cell. Offsets are of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct DataPart {
    range: Range<u64>,
    /// Where the run of data began, in this cell or an earlier one: cuts never look before it.
    extent_start: u64,
    ends_extent: bool,
    kept: bool,
}

/// One run of data that was read, with the places where it could be cut.
pub struct DataRun {
    /// Offset in the file.
    pub offset: u64,
    /// The bytes.
    pub bytes: Bytes,
    /// Candidate cuts, as offsets in `bytes` after which to cut.
    pub candidates: Vec<u32>,
    /// Whether a hole or the end of the file follows.
    pub ends_extent: bool,
    /// Whether its chunks are known already: it is read to be hashed, and not cut.
    pub kept: bool,
}

/// A cell that was read.
pub struct Cell {
    /// Its runs of data, in order.
    pub runs: Vec<DataRun>,
    /// Its part of the whole-file hash, where that is computed.
    pub hash: Option<CellHash>,
}

impl CellPlan {
    /// Plans the reading of a file. Extents that are out of order or beyond the size are cut to
    /// what makes sense: they come from a file system, which may answer while the file changes. What
    /// is kept is in order, and data.
    pub fn new(size: u64, extents: Vec<Range<u64>>, kept: &[Range<u64>]) -> Self {
        let extents = tidy(size, extents);
        let data: u64 = extents.iter().map(|extent| extent.end - extent.start).sum();
        let extents = part(extents, kept);
        let hashed = size - data <= MAX_HASHED_HOLES;
        Self {
            size,
            extents,
            next_extent: 0,
            next_cell: 0,
            hashed,
        }
    }

    fn cell_count(&self) -> u64 {
        self.size.div_ceil(CELL_BYTES as u64).max(1)
    }

    fn data_in(&mut self, cell: &Range<u64>) -> Vec<DataPart> {
        let mut parts = Vec::new();
        while let Some(extent) = self.extents.get(self.next_extent) {
            let range = extent.range.start.max(cell.start)..extent.range.end.min(cell.end);
            if range.is_empty() {
                break;
            }
            let ends_extent = range.end == extent.range.end;
            parts.push(DataPart {
                range,
                extent_start: extent.range.start,
                ends_extent,
                kept: extent.kept,
            });
            if !ends_extent {
                break;
            }
            self.next_extent += 1;
        }
        parts
    }
}

impl Iterator for CellPlan {
    type Item = CellTask;

    /// The next cell that has data or must be hashed.
    fn next(&mut self) -> Option<CellTask> {
        let count = self.cell_count();
        if !self.hashed {
            // Jump over holes: straight to the cell in which the next data lies.
            let data = self.extents.get(self.next_extent)?;
            self.next_cell = self.next_cell.max(data.range.start / CELL_BYTES as u64);
        }
        if self.next_cell >= count {
            return None;
        }
        let index = self.next_cell;
        self.next_cell += 1;
        let start = index * CELL_BYTES as u64;
        let range = start..self.size.min(start + CELL_BYTES as u64);
        let data = self.data_in(&range);
        Some(CellTask {
            index,
            range,
            data,
            hash: self.hashed.then_some(count == 1),
        })
    }
}

/// Parts runs of data at what is kept. Where the file system shows a hole in what is kept, it is data
/// all the same: its chunk holds zeros.
fn part(extents: Vec<Range<u64>>, kept: &[Range<u64>]) -> Vec<Extent> {
    let whole = |range| Extent { range, kept: false };
    if kept.is_empty() {
        return extents.into_iter().map(whole).collect();
    }
    let mut parts = Vec::new();
    for extent in extents {
        let mut start = extent.start;
        let first = kept.partition_point(|range| range.end <= start);
        for range in kept[first..]
            .iter()
            .take_while(|range| range.start < extent.end)
        {
            if start < range.start {
                parts.push(whole(start..range.start));
            }
            start = range.end;
        }
        if start < extent.end {
            parts.push(whole(start..extent.end));
        }
    }
    parts.extend(kept.iter().map(|range| Extent {
        range: range.clone(),
        kept: true,
    }));
    parts.sort_unstable_by_key(|part| part.range.start);
    parts
}

fn tidy(size: u64, extents: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut tidied: Vec<Range<u64>> = Vec::with_capacity(extents.len());
    let mut reached = 0;
    for extent in extents {
        let range = extent.start.max(reached)..extent.end.min(size);
        if range.is_empty() {
            continue;
        }
        reached = range.end;
        match tidied.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => tidied.push(range),
        }
    }
    tidied
}

impl CellTask {
    /// Reads the data of the cell, finds where it could be cut, and hashes it.
    pub fn read(&self, source: &dyn SourceFile, cutter: &Cutter) -> io::Result<Cell> {
        let mut runs = Vec::with_capacity(self.data.len());
        for part in &self.data {
            runs.push(part.read(source, cutter)?);
        }
        let hash = self.hash.map(|is_only| self.hash(is_only, &runs));
        Ok(Cell { runs, hash })
    }

    fn hash(&self, is_only: bool, runs: &[DataRun]) -> CellHash {
        let length = (self.range.end - self.range.start) as usize;
        match runs {
            [run] if run.bytes.len() == length => hash_cell(self.index, is_only, &run.bytes),
            runs => {
                let mut bytes = vec![0; length];
                for run in runs {
                    let start = (run.offset - self.range.start) as usize;
                    bytes[start..start + run.bytes.len()].copy_from_slice(&run.bytes);
                }
                hash_cell(self.index, is_only, &bytes)
            }
        }
    }
}

impl DataPart {
    /// Whether the extent is too short to be cut, as most files are.
    fn is_one_chunk(&self, cutter: &Cutter) -> bool {
        let length = self.range.end - self.extent_start;
        self.ends_extent && length <= u64::from(cutter.limits().min)
    }

    fn read(&self, source: &dyn SourceFile, cutter: &Cutter) -> io::Result<DataRun> {
        // What comes before decides about the first cuts.
        let context = (self.range.start - self.extent_start).min(CONTEXT_BYTES as u64);
        let mut bytes = vec![0; (self.range.end - self.range.start + context) as usize];
        source.read_exact_at(&mut bytes, self.range.start - context)?;
        let mut candidates = Vec::new();
        if !self.kept && !self.is_one_chunk(cutter) {
            cutter.candidates(&bytes, context as usize, &mut candidates);
        }
        Ok(DataRun {
            offset: self.range.start,
            bytes: Bytes::from(bytes).slice(context as usize..),
            candidates,
            ends_extent: self.ends_extent,
            kept: self.kept,
        })
    }
}

#[cfg(test)]
mod tests {
    use hythe_model::{ChunkClass, Chunker};

    use super::*;
    use crate::transfer::tests::keys;

    const CELL: u64 = CELL_BYTES as u64;

    type Run = (u64, u64);

    /// The cells of a file with these runs of data, and the data in each.
    fn parts(size: u64, extents: &[Run]) -> Vec<(u64, Vec<Run>)> {
        let extents = extents.iter().map(|(start, end)| *start..*end).collect();
        let data = |task: CellTask| {
            let parts = task.data.into_iter();
            parts
                .map(|part| (part.range.start, part.range.end))
                .collect()
        };
        CellPlan::new(size, extents, &[])
            .map(|task| (task.index, data(task)))
            .collect()
    }

    #[test]
    fn data_is_split_at_cells_and_holes_are_not_read() {
        let last = (2 * CELL, 2 * CELL + 1);
        let extents = [(10, 20), (CELL - 5, CELL + 5), last];
        let expected = vec![
            (0, vec![(10, 20), (CELL - 5, CELL)]),
            (1, vec![(CELL, CELL + 5)]),
            (2, vec![last]),
        ];
        assert_eq!(parts(2 * CELL + 1, &extents), expected);
    }

    #[test]
    fn an_empty_file_has_one_empty_cell() {
        assert_eq!(parts(0, &[]), vec![(0, Vec::new())]);
    }

    #[test]
    fn a_vast_hole_is_jumped_over() {
        let tebibyte = 1 << 40;
        let data = (tebibyte - 3, tebibyte);
        let expected = vec![(tebibyte / CELL - 1, vec![data])];
        assert_eq!(parts(tebibyte, &[data]), expected);
    }

    #[test]
    fn extents_that_make_no_sense_are_cut_to_size() {
        let tidied = tidy(100, vec![0..10, 5..20, 20..30, 30..30, 90..200, 40..50]);
        assert_eq!(tidied, vec![0..30, 90..100]);
    }

    #[test]
    fn what_is_kept_is_read_and_not_cut() {
        let plan = CellPlan::new(100, vec![0..50, 60..100], &[10..20, 20..30, 70..100]);
        let parts: Vec<_> = plan
            .flat_map(|task| task.data)
            .map(|part| (part.range, part.kept))
            .collect();
        let expected = [
            (0..10, false),
            (10..20, true),
            (20..30, true),
            (30..50, false),
            (60..70, false),
            (70..100, true),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_read_past_the_end_is_an_error_not_zeros() {
        let task = CellPlan::new(10, vec![0..5, 5..10], &[]).next().unwrap();
        let shorter: Vec<u8> = vec![1; 9];
        assert!(
            task.read(&shorter, &keys().cutter(Chunker::Keyed, ChunkClass(18)))
                .is_err()
        );
    }
}
