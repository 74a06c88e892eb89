//! The outermost CBOR of a change set, read without copying and written in one pass.

use std::ops::Range;

use minicbor::Decoder;

use crate::crypto::Signature;
use crate::error::{DecodeError, StructureError};
use crate::hash::Hash32;
use crate::limits::MAX_SEALED_BYTES;

/// What errors call it.
pub(crate) const WHAT: &str = "a change set";

/// The four elements of an encoded change set, before they are looked into.
pub(crate) struct Outer<'a> {
    pub(crate) header: &'a [u8],
    pub(crate) signature: Signature,
    pub(crate) clear: &'a [u8],
    /// What follows: the array of sealed parts, and where in the change set it starts.
    rest: &'a [u8],
    rest_at: usize,
}

impl<'a> Outer<'a> {
    pub(crate) fn split(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let read = |decoder: &mut Decoder<'a>| {
            if decoder.array()? != Some(4) {
                return Err(minicbor::decode::Error::message(
                    "a change set has 4 elements",
                ));
            }
            let header = decoder.bytes()?;
            let signature = decoder.decode()?;
            let clear = decoder.bytes()?;
            let rest_at = decoder.position();
            Ok(Self {
                header,
                signature,
                clear,
                rest: &bytes[rest_at..],
                rest_at,
            })
        };
        read(&mut Decoder::new(bytes)).map_err(syntax)
    }

    /// Finds the sealed parts and compares each with its signed hash.
    pub(crate) fn sealed(
        &self,
        hashes: &[Hash32],
    ) -> Result<Vec<Option<Range<usize>>>, DecodeError> {
        let mut decoder = Decoder::new(self.rest);
        // The count is compared before room for the parts is made.
        if decoder.array().map_err(syntax)? != Some(hashes.len() as u64) {
            return Err(StructureError::Parts.into());
        }
        let mut ranges = Vec::with_capacity(hashes.len());
        for (index, hash) in hashes.iter().enumerate() {
            let part: Option<&minicbor::bytes::ByteSlice> = decoder.decode().map_err(syntax)?;
            let end = self.rest_at + decoder.position();
            ranges.push(match part {
                None => None,
                Some(part) if part.len() > MAX_SEALED_BYTES => {
                    let what = "a sealed part";
                    return Err(DecodeError::TooLarge {
                        what,
                        limit: MAX_SEALED_BYTES,
                    });
                }
                Some(part) if Hash32::of(part) != *hash => {
                    return Err(DecodeError::SealedHash { part: index });
                }
                Some(part) => Some(end - part.len()..end),
            });
        }
        Ok(ranges)
    }
}

pub(crate) fn syntax(source: minicbor::decode::Error) -> DecodeError {
    DecodeError::Syntax { what: WHAT, source }
}

/// Puts the elements of a change set together and says where each sealed part came to lie.
pub(crate) fn join<'a>(
    header: &[u8],
    signature: &Signature,
    clear: &[u8],
    parts: impl ExactSizeIterator<Item = Option<&'a [u8]>>,
) -> (Vec<u8>, Vec<Option<Range<usize>>>) {
    let mut bytes = Vec::with_capacity(header.len() + clear.len() + 128);
    put_head(&mut bytes, ARRAY, 4);
    put_bytes(&mut bytes, header);
    put_bytes(&mut bytes, &signature.0);
    put_bytes(&mut bytes, clear);
    put_head(&mut bytes, ARRAY, parts.len());
    let ranges = parts.map(|part| {
        let Some(part) = part else {
            bytes.push(NULL);
            return None;
        };
        put_bytes(&mut bytes, part);
        Some(bytes.len() - part.len()..bytes.len())
    });
    let ranges = ranges.collect();
    (bytes, ranges)
}

/// Major type 2 of CBOR, byte string.
const BYTES: u8 = 0x40;
/// Major type 4 of CBOR, array.
const ARRAY: u8 = 0x80;
/// The simple value null.
const NULL: u8 = 0xf6;

fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_head(into, BYTES, bytes.len());
    into.extend_from_slice(bytes);
}

/// Writes the shortest head of a CBOR item (RFC 8949, 4.2.1).
fn put_head(into: &mut Vec<u8>, major: u8, length: usize) {
    let length = length as u64;
    let tail = length.to_be_bytes();
    let (info, from) = match length {
        0..=23 => return into.push(major | tail[7]),
        24..=0xff => (24, 7),
        0x100..=0xffff => (25, 6),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 0),
    };
    into.push(major | info);
    into.extend_from_slice(&tail[from..]);
}
