//! The state digest: a sum over all records that can be updated record by record.
//!
//! LtHash16 of Lewi, Kim, Maykov and Weis, "Securing Update Propagation with Homomorphic Hashing"
//! (IACR ePrint 2019/227): each record is expanded to 1,024 numbers of 16 bits, and the numbers of
//! all records are added. The order in which records came, and what they were before, leave no
//! trace; finding two sets of records with one sum is a lattice problem of at least 200 bits.

use std::fmt;

use crate::record::Record;

/// How many numbers a sum has.
const LANES: usize = 1024;

/// Keys of keyed BLAKE3: they keep these hashes apart from all others.
const ELEMENT_KEY: &[u8; 32] = b"hythe/1/state-digest/element\0\0\0\0";
const TOTAL_KEY: &[u8; 32] = b"hythe/1/state-digest/total\0\0\0\0\0\0";

/// A sum over records. The sum of nothing is [`LtHash::default`].
#[derive(Clone, PartialEq, Eq)]
pub struct LtHash(Box<[u16; LANES]>);

impl Default for LtHash {
    fn default() -> Self {
        Self(Box::new([0; LANES]))
    }
}

impl LtHash {
    /// Length of the stored form.
    pub const BYTES: usize = LANES * 2;

    /// Adds a record, given its encoding.
    pub fn add(&mut self, record: &[u8]) {
        let element = expand(record);
        for (sum, pair) in self.0.iter_mut().zip(element.as_chunks::<2>().0) {
            *sum = sum.wrapping_add(u16::from_le_bytes(*pair));
        }
    }

    /// Takes a record away, given its encoding.
    pub fn remove(&mut self, record: &[u8]) {
        let element = expand(record);
        for (sum, pair) in self.0.iter_mut().zip(element.as_chunks::<2>().0) {
            *sum = sum.wrapping_sub(u16::from_le_bytes(*pair));
        }
    }

    /// Adds another sum: the change that a fold made to the sum before it.
    pub fn combine(&mut self, other: &Self) {
        for (sum, term) in self.0.iter_mut().zip(other.0.iter()) {
            *sum = sum.wrapping_add(*term);
        }
    }

    /// The stored form: the numbers in order, low byte first.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|lane| lane.to_le_bytes()).collect()
    }

    /// Reads the stored form; none when it has another length than [`Self::BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (pairs, []) = bytes.as_chunks::<2>() else {
            return None;
        };
        let lanes: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        Some(Self(lanes.into_boxed_slice().try_into().ok()?))
    }

    /// The 32-byte digest that is compared, signed and shown.
    pub fn digest(&self) -> StateDigest {
        StateDigest(*blake3::keyed_hash(TOTAL_KEY, &self.to_bytes()).as_bytes())
    }
}

impl fmt::Debug for LtHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LtHash({})", self.digest())
    }
}

fn expand(record: &[u8]) -> [u8; LANES * 2] {
    let mut element = [0; LANES * 2];
    blake3::Hasher::new_keyed(ELEMENT_KEY)
        .update(record)
        .finalize_xof()
        .fill(&mut element);
    element
}

/// Digest of the state of a space at one position: equal exactly for equal sets of records.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateDigest(pub [u8; 32]);

crate::cbor::fixed_bytes!(StateDigest, 32);

impl StateDigest {
    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "StateDigest({a:02x}{b:02x}{c:02x}{d:02x})")
    }
}

/// The sum over all records of a snapshot, computed anew.
pub fn digest_of<'a>(records: impl IntoIterator<Item = &'a Record>) -> LtHash {
    let mut sum = LtHash::default();
    records
        .into_iter()
        .for_each(|record| sum.add(&record.encode()));
    sum
}
