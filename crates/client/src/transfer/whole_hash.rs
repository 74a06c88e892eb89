//! BLAKE3 of a whole file, computed cell by cell on several cores.
//!
//! BLAKE3 is a tree, so the cells of a file can be hashed apart and joined: each full cell is a
//! complete subtree (a power of two of BLAKE3's 1 KiB chunks). The joining follows the lazy merging
//! of section 5.1.2 of the BLAKE3 paper (O'Connor et al. 2020), with cells in the place of chunks.

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use hythe_model::ContentHash;

/// Length of a cell in bytes: the unit of reading, hashing and cutting.
pub const CELL_BYTES: usize = 2 << 20;

/// The hash of one cell, to be joined in order.
#[derive(Clone, Copy)]
pub enum CellHash {
    /// The file is this one cell.
    Whole([u8; 32]),
    /// A subtree of a longer file.
    Part(ChainingValue),
}

/// Hashes one cell of a file. `index` counts cells from 0; every cell but the last is full, and none
/// but the only one is empty.
pub fn hash_cell(index: u64, is_only: bool, bytes: &[u8]) -> CellHash {
    if is_only {
        return CellHash::Whole(*blake3::hash(bytes).as_bytes());
    }
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(index * CELL_BYTES as u64);
    hasher.update(bytes);
    CellHash::Part(hasher.finalize_non_root())
}

/// Joins the hashes of a file's cells, given in order.
#[derive(Default)]
pub struct WholeHash {
    /// Complete subtrees, largest first, not yet merged with what may still come.
    stack: Vec<ChainingValue>,
    cells: u64,
    only: Option<[u8; 32]>,
}

impl WholeHash {
    /// Takes the next cell's hash.
    pub fn push(&mut self, cell: CellHash) {
        match cell {
            CellHash::Whole(hash) => self.only = Some(hash),
            CellHash::Part(value) => {
                self.merge_complete();
                self.stack.push(value);
                self.cells += 1;
            }
        }
    }

    /// Merges until one subtree is left for each bit of the number of cells. Done one cell late,
    /// because the merge that turns out to be the last is the root and is hashed otherwise.
    fn merge_complete(&mut self) {
        while self.stack.len() > self.cells.count_ones() as usize {
            let Some(right) = self.stack.pop() else {
                return;
            };
            let Some(left) = self.stack.pop() else { return };
            self.stack
                .push(merge_subtrees_non_root(&left, &right, Mode::Hash));
        }
    }

    /// The hash of the whole file; none if cells are missing (an empty file has one empty cell).
    pub fn finish(mut self) -> Option<ContentHash> {
        if let Some(hash) = self.only {
            return Some(ContentHash(hash));
        }
        let mut right = self.stack.pop()?;
        let mut left = self.stack.pop()?;
        while let Some(above) = self.stack.pop() {
            right = merge_subtrees_non_root(&left, &right, Mode::Hash);
            left = above;
        }
        Some(ContentHash(
            *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(bytes: &[u8]) -> Option<ContentHash> {
        let cells: Vec<&[u8]> = if bytes.is_empty() {
            vec![bytes]
        } else {
            bytes.chunks(CELL_BYTES).collect()
        };
        let mut whole = WholeHash::default();
        for (index, cell) in cells.iter().enumerate() {
            whole.push(hash_cell(index as u64, cells.len() == 1, cell));
        }
        whole.finish()
    }

    #[test]
    fn s7_cells_join_to_the_hash_of_the_whole() {
        let bytes: Vec<u8> = (0..9 * CELL_BYTES as u64 + 1)
            .map(|i| ((i * i) >> 7) as u8)
            .collect();
        for cells in 0..=9 {
            for more in [0, 1, 1023, 1024, 1025] {
                let length = (cells * CELL_BYTES + more).min(bytes.len());
                let expected = ContentHash(*blake3::hash(&bytes[..length]).as_bytes());
                assert_eq!(joined(&bytes[..length]), Some(expected), "{length} bytes");
            }
        }
    }

    #[test]
    fn missing_cells_give_no_hash() {
        assert_eq!(WholeHash::default().finish(), None);
        let mut one_of_two = WholeHash::default();
        one_of_two.push(hash_cell(0, false, &[0; CELL_BYTES]));
        assert_eq!(one_of_two.finish(), None);
    }
}
