//! zstd, where it pays.

use zstd::bulk::{Compressor, Decompressor};

/// The level chunks are compressed with: on this construction zstd is the slowest step by far.
const LEVEL: i32 = 1;

/// How many bytes the probe looks at, in stripes spread over the chunk.
const PROBE_BYTES: usize = 4096;
const PROBE_STRIPES: usize = 16;

/// Compression has to save one part in this many, or the chunk stays as it is.
const WORTH: usize = 32;

/// What a worker keeps between chunks: compressor states and a buffer. One per thread.
pub struct Scratch {
    level: i32,
    compressor: Option<Compressor<'static>>,
    decompressor: Option<Decompressor<'static>>,
    pub(crate) buffer: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// An empty scratch; grows to the largest chunk it meets, at most twice 16 MiB.
    pub const fn new() -> Self {
        Self::with_level(LEVEL)
    }

    /// With another zstd level. The sealed bytes of a chunk then differ, its id does not, and
    /// readers do not care.
    pub const fn with_level(level: i32) -> Self {
        Self {
            level,
            compressor: None,
            decompressor: None,
            buffer: Vec::new(),
        }
    }

    /// Compresses a chunk; none where that does not pay.
    pub(crate) fn compress(&mut self, plain: &[u8]) -> Option<&[u8]> {
        if looks_random(plain) {
            return None;
        }
        let limit = plain.len() - plain.len().div_ceil(WORTH);
        if self.buffer.len() < limit {
            self.buffer.resize(limit, 0);
        }
        if self.compressor.is_none() {
            // Without a compressor (no memory for one) a chunk is stored as it is.
            self.compressor = Compressor::new(self.level).ok();
        }
        let compressor = self.compressor.as_mut()?;
        // An error means that `limit` was too small.
        let length = compressor
            .compress_to_buffer(plain, &mut self.buffer[..limit])
            .ok()?;
        Some(&self.buffer[..length])
    }

    /// Decompresses to exactly `length` bytes, and never writes more; none where that fails.
    pub(crate) fn decompress(&mut self, compressed: &[u8], length: usize) -> Option<&[u8]> {
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        if self.decompressor.is_none() {
            self.decompressor = Decompressor::new().ok();
        }
        let decompressor = self.decompressor.as_mut()?;
        let out = &mut self.buffer[..length];
        let found = decompressor.decompress_to_buffer(compressed, out).ok()?;
        (found == length).then_some(&*out)
    }
}

/// Whether the bytes look like random ones: encrypted, or compressed already.
///
/// Pearson's chi-square of the byte counts of a sample, with 255 degrees of freedom. Random bytes
/// stay within 255 ± 5 × 22.6. Compressed formats lie little above (1,400 is where the sample
/// says 0.2 bits of each byte are redundant); counts that are *too* even mean structure.
fn looks_random(plain: &[u8]) -> bool {
    if plain.len() < PROBE_BYTES {
        return false;
    }
    let stripe = PROBE_BYTES / PROBE_STRIPES;
    let step = (plain.len() - stripe) / (PROBE_STRIPES - 1);
    let mut counts = [0_u32; 256];
    for i in 0..PROBE_STRIPES {
        for byte in &plain[i * step..i * step + stripe] {
            counts[usize::from(*byte)] += 1;
        }
    }
    let squares: u32 = counts.iter().map(|n| n * n).sum();
    // Σ (n - e)² / e with e = PROBE_BYTES / 256 = 16 and Σ n = PROBE_BYTES.
    let chi_square = squares / 16 - 4096;
    (142..1400).contains(&chi_square)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        bytes
    }

    #[test]
    fn the_probe_knows_random_bytes_from_others() {
        for length in [4096, 4097, 65_536, 1 << 20] {
            assert!(looks_random(&random(length)), "{length}");
        }
        let counting: Vec<u8> = (0..=255).cycle().take(65_536).collect();
        assert!(!looks_random(&counting), "even counts are structure");
        assert!(!looks_random(&vec![7; 65_536]));
        let text = b"It is a truth universally acknowledged, ".repeat(500);
        assert!(!looks_random(&text));
    }

    #[test]
    fn compression_that_does_not_pay_is_not_used() {
        let mut scratch = Scratch::new();
        assert!(scratch.compress(&random(1000)).is_none());
        assert!(scratch.compress(b"").is_none());
        assert!(scratch.compress(b"a").is_none());
        assert!(scratch.compress(&[0; 1000]).is_some());
    }

    #[test]
    fn decompression_stops_at_the_length_asked_for() {
        let mut scratch = Scratch::new();
        let bomb = scratch.compress(&vec![0; 1 << 20]).unwrap().to_vec();
        assert!(bomb.len() < 1000);
        let mut reader = Scratch::new();
        assert!(reader.decompress(&bomb, 1000).is_none());
        assert_eq!(reader.buffer.len(), 1000);
        assert!(reader.decompress(&bomb, (1 << 20) + 1).is_none());
        assert_eq!(
            reader.decompress(&bomb, 1 << 20),
            Some(&vec![0; 1 << 20][..])
        );
    }
}
