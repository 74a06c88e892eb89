//! What of a file is as in the version before, where that was cut and sealed under other keys: in an
//! earlier key epoch, or in the space that a folder was before it was shared (D5).
//!
//! Cuts and ids of chunks follow from the keys of the present epoch, so nothing of such a version
//! would be known again, and the first edit after a renewal would send the whole file. But a layout
//! carries each chunk's own key, which tells whether bytes are its content. What is found so keeps
//! its chunks; only what lies between is cut and sealed anew.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use hythe_content::{SpaceKeys, is_content_of, name_chunk};
use hythe_model::{ChunkRef, Chunker, Layout, LayoutEntry};

use super::files::SourceFile;

/// The chunks of an earlier version that a file still holds, by their offsets in it.
#[derive(Default)]
pub struct Kept {
    chunks: BTreeMap<u64, ChunkRef>,
    foreign: bool,
}

/// Looks for chunks in a file.
struct Search<'s> {
    keys: &'s SpaceKeys,
    source: &'s dyn SourceFile,
    buffer: Vec<u8>,
}

/// What the bytes at a place are to a chunk.
#[derive(PartialEq, Eq)]
enum Match {
    No,
    /// Its content, and these keys would make the same chunk.
    Own,
    /// Its content, sealed under other keys.
    Foreign,
}

impl Kept {
    /// Looks for the chunks of the version before. None are kept where that was written under these
    /// very keys: then the ordinary way finds them. Reads a few chunks to know that, and else about
    /// as much as the file has.
    ///
    /// # Errors
    /// What the file system said.
    pub fn of(
        keys: &SpaceKeys,
        source: &dyn SourceFile,
        previous: Option<&Layout>,
    ) -> io::Result<Self> {
        let mut kept = Self::default();
        let Some(previous) = previous.filter(|layout| layout.chunker != Chunker::Fixed) else {
            return Ok(kept);
        };
        let mut search = Search {
            keys,
            source,
            buffer: Vec::new(),
        };
        let chunks = placed(previous);
        let shift = i128::from(source.size()) - i128::from(previous.size);
        if !search.is_foreign(previous.chunker, &chunks, shift)? {
            return Ok(kept);
        }
        // Bytes stay where they were, or move with the end of the file: an edit in place, and one
        // that makes the file longer or shorter at one place.
        for shift in [0, shift] {
            for (offset, chunk) in &chunks {
                let Some(at) = moved(*offset, shift) else {
                    continue;
                };
                if kept.is_free(at, chunk) {
                    let found = search.compare(at, chunk, !kept.foreign)?;
                    kept.take(at, chunk, found);
                }
            }
            if shift == 0 && kept.chunks.len() == chunks.len() {
                break;
            }
        }
        // Where all that is left was made by these keys, the ordinary way is as good.
        Ok(if kept.foreign { kept } else { Self::default() })
    }

    /// The ranges that are not cut.
    pub fn ranges(&self) -> Vec<Range<u64>> {
        let range = |(at, chunk): (&u64, &ChunkRef)| *at..at + u64::from(chunk.length);
        self.chunks.iter().map(range).collect()
    }

    /// How the file is cut when these chunks are kept.
    pub fn chunker(&self, chunker: Chunker) -> Chunker {
        match chunker {
            _ if self.foreign => Chunker::Carried,
            Chunker::Carried => Chunker::Keyed,
            chunker => chunker,
        }
    }

    /// Puts the kept chunks among new ones, in order.
    pub fn among(self, new: Vec<(u64, LayoutEntry)>) -> Vec<(u64, LayoutEntry)> {
        if self.chunks.is_empty() {
            return new;
        }
        let kept = self.chunks.into_iter();
        let mut all: Vec<(u64, LayoutEntry)> = kept
            .map(|(at, chunk)| (at, LayoutEntry::Chunk(chunk)))
            .chain(new)
            .collect();
        all.sort_unstable_by_key(|(at, _)| *at);
        all
    }

    /// Whether nothing is kept where a chunk would lie.
    fn is_free(&self, at: u64, chunk: &ChunkRef) -> bool {
        let end = at + u64::from(chunk.length);
        let before = self.chunks.range(..end).next_back();
        before.is_none_or(|(start, before)| start + u64::from(before.length) <= at)
    }

    fn take(&mut self, at: u64, chunk: &ChunkRef, found: Match) {
        if found != Match::No {
            self.foreign |= found == Match::Foreign;
            self.chunks.insert(at, chunk.clone());
        }
    }
}

/// The chunks of a layout with their offsets.
fn placed(layout: &Layout) -> Vec<(u64, ChunkRef)> {
    let mut reached = 0;
    let mut chunks = Vec::new();
    for entry in layout.entries.iter() {
        if let LayoutEntry::Chunk(chunk) = entry {
            chunks.push((reached, chunk.clone()));
        }
        reached += entry.length();
    }
    chunks
}

fn moved(offset: u64, shift: i128) -> Option<u64> {
    u64::try_from(i128::from(offset) + shift).ok()
}

impl Search<'_> {
    /// Whether the version before was written under other keys: it says so, or one of a few chunks
    /// that are most likely unchanged shows it.
    fn is_foreign(
        &mut self,
        chunker: Chunker,
        chunks: &[(u64, ChunkRef)],
        shift: i128,
    ) -> io::Result<bool> {
        if chunker == Chunker::Carried {
            return Ok(true);
        }
        let middle = chunks.get(chunks.len() / 2);
        let probes = [
            (chunks.first(), 0),
            (chunks.last(), shift),
            (middle, 0),
            (middle, shift),
        ];
        for (probe, shift) in probes {
            let Some((offset, chunk)) = probe else {
                return Ok(false);
            };
            let Some(at) = moved(*offset, shift) else {
                continue;
            };
            match self.compare(at, chunk, true)? {
                Match::No => {}
                found => return Ok(found == Match::Foreign),
            }
        }
        Ok(false)
    }

    /// Compares the bytes at a place with a chunk; whether these keys would make it is asked only
    /// where it matters.
    fn compare(&mut self, at: u64, chunk: &ChunkRef, whose: bool) -> io::Result<Match> {
        if at + u64::from(chunk.length) > self.source.size() {
            return Ok(Match::No);
        }
        self.buffer.resize(chunk.length as usize, 0);
        self.source.read_exact_at(&mut self.buffer, at)?;
        if !is_content_of(chunk, &self.buffer) {
            return Ok(Match::No);
        }
        let own = whose && name_chunk(self.keys, &self.buffer).id == chunk.id;
        Ok(if own { Match::Own } else { Match::Foreign })
    }
}

#[cfg(test)]
mod tests {
    use hythe_model::{ChunkClass, KeyEpoch, Secret32, SpaceId};

    use super::*;
    use crate::transfer::tests::{keys, noise};

    const CLASS: ChunkClass = ChunkClass(18);

    fn other_keys() -> SpaceKeys {
        let secret = hythe_content::EpochSecret::new(Secret32::new([77; 32]));
        SpaceKeys::derive(&SpaceId([5; 32]), KeyEpoch(2), &secret)
    }

    /// The layout that a file gets under some keys.
    fn layout(keys: &SpaceKeys, bytes: &[u8], chunker: Chunker) -> Layout {
        let mut scratch = hythe_content::Scratch::new();
        let (mut start, mut entries) = (0, Vec::new());
        for end in keys.cutter(Chunker::Keyed, CLASS).split(bytes) {
            let sealed = hythe_content::seal_chunk(keys, &bytes[start..end], &mut scratch);
            entries.push(LayoutEntry::Chunk(sealed.unwrap().chunk));
            start = end;
        }
        Layout {
            size: bytes.len() as u64,
            chunker,
            class: CLASS,
            hash: None,
            entries: entries.into(),
        }
    }

    /// How many bytes are kept of a file that was written under some keys and is another by now.
    fn kept(written: &SpaceKeys, before: &[u8], now: &Vec<u8>) -> u64 {
        let previous = layout(written, before, Chunker::Keyed);
        let kept = Kept::of(&keys(), now, Some(&previous)).unwrap();
        let mut reached = 0;
        for range in kept.ranges() {
            assert!(range.start >= reached, "in order and apart");
            reached = range.end;
        }
        kept.ranges()
            .iter()
            .map(|range| range.end - range.start)
            .sum()
    }

    #[test]
    fn what_was_sealed_under_other_keys_is_kept_around_an_edit() {
        let before = noise(3, 6 << 20);
        let size = before.len() as u64;
        assert_eq!(kept(&other_keys(), &before, &before), size);
        // Two chunks of at most a MiB around each edit.
        let least = size - (3 << 20);
        let mut inserted = before.clone();
        inserted.splice(3 << 20..3 << 20, *b"five5");
        let mut shorter = before.clone();
        shorter.drain(1000..5000);
        let mut in_place = before.clone();
        in_place[1 << 20] ^= 1;
        in_place[5 << 20] ^= 1;
        let longer = [before.as_slice(), b"appended"].concat();
        for now in [inserted, shorter, in_place, longer] {
            assert!(kept(&other_keys(), &before, &now) >= least);
        }
        assert_eq!(kept(&other_keys(), &before, &noise(4, 6 << 20)), 0);
    }

    #[test]
    fn what_these_keys_made_goes_the_ordinary_way() {
        let before = noise(5, 4 << 20);
        let mut now = before.clone();
        now[2 << 20] ^= 1;
        assert_eq!(kept(&keys(), &before, &now), 0);
        // Also where it says that it was carried, once nothing of that is left.
        let said = layout(&keys(), &before, Chunker::Carried);
        let found = Kept::of(&keys(), &now, Some(&said)).unwrap();
        assert!(found.ranges().is_empty());
        assert_eq!(found.chunker(Chunker::Carried), Chunker::Keyed);
    }

    #[test]
    fn a_second_edit_keeps_what_the_first_one_kept() {
        let before = noise(6, 5 << 20);
        let mut now = before.clone();
        // Both ends are of these keys by now, the middle is not.
        let (own, other) = (keys(), other_keys());
        let chunks = |keys: &SpaceKeys, bytes: &[u8]| layout(keys, bytes, Chunker::Keyed).entries;
        let parts = [
            chunks(&own, &before[..1 << 20]),
            chunks(&other, &before[1 << 20..4 << 20]),
            chunks(&own, &before[4 << 20..]),
        ];
        let previous = Layout {
            entries: parts.concat().into(),
            chunker: Chunker::Carried,
            ..layout(&own, &before, Chunker::Carried)
        };
        now[10] ^= 1;
        let found = Kept::of(&own, &now, Some(&previous)).unwrap();
        let all: u64 = found
            .ranges()
            .iter()
            .map(|range| range.end - range.start)
            .sum();
        assert!(all >= 4 << 20, "{all}");
        assert_eq!(found.chunker(Chunker::Carried), Chunker::Carried);
        let entries = found.among(Vec::new());
        assert!(entries.is_sorted_by_key(|(at, _)| *at));
    }
}
