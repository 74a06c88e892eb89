//! Strict reading and writing of CBOR: what every decoder of this crate shares.

use std::convert::Infallible;

use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

pub(crate) type Writer<'a> = Encoder<&'a mut Vec<u8>>;
pub(crate) type Written = Result<(), minicbor::encode::Error<Infallible>>;

/// Writes one item into fresh memory.
pub(crate) fn write(item: impl FnOnce(&mut Writer<'_>) -> Written) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = item(&mut Encoder::new(&mut bytes));
    // A Vec takes every byte, and the encoders of this crate's types refuse no value.
    debug_assert!(written.is_ok());
    bytes
}

/// Reads exactly one item: trailing bytes are an error.
pub(crate) fn read<'b, T>(
    bytes: &'b [u8],
    item: impl FnOnce(&mut Decoder<'b>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut decoder = Decoder::new(bytes);
    let value = item(&mut decoder)?;
    if decoder.position() != bytes.len() {
        return Err(Error::message("bytes after the end").at(decoder.position()));
    }
    Ok(value)
}

/// Reads the head of an array of known length.
pub(crate) fn array(decoder: &mut Decoder<'_>, length: u64) -> Result<(), Error> {
    let at = decoder.position();
    match decoder.array()? {
        Some(found) if found == length => Ok(()),
        _ => Err(Error::message("an array of another length").at(at)),
    }
}

/// Reads an array of at most `limit` items. What is allocated ahead is bounded by the bytes that
/// are there: every item takes at least one.
pub(crate) fn list<'b, T>(
    decoder: &mut Decoder<'b>,
    limit: usize,
    mut item: impl FnMut(&mut Decoder<'b>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let at = decoder.position();
    let length = decoder.array()?.and_then(|n| usize::try_from(n).ok());
    let Some(length) = length.filter(|n| *n <= limit) else {
        return Err(Error::message("an array without a length or over its limit").at(at));
    };
    let left = decoder.input().len() - decoder.position();
    let mut items = Vec::with_capacity(length.min(left));
    for _ in 0..length {
        items.push(item(decoder)?);
    }
    Ok(items)
}
