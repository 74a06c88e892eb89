//! Decoders of lists and texts that check their lengths before they allocate.

use minicbor::Decoder;
use minicbor::decode::{Decode, Error};

/// Reads an array of at most `MAX` items.
///
/// Reserves no more items than bytes are left, since each takes at least one.
pub(crate) fn list<'b, const MAX: usize, C, T: Decode<'b, C>>(
    decoder: &mut Decoder<'b>,
    context: &mut C,
) -> Result<Vec<T>, Error> {
    let at = decoder.position();
    let count = match decoder.array()? {
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
        None => return Err(Error::message("a list of unknown length").at(at)),
    };
    if count > MAX || count > decoder.input().len().saturating_sub(decoder.position()) {
        return Err(Error::message("a list over its limit").at(at));
    }
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(T::decode(decoder, context)?);
    }
    Ok(items)
}

/// Reads a text of at most `MAX` bytes.
pub(crate) fn text<const MAX: usize, C>(
    decoder: &mut Decoder<'_>,
    _: &mut C,
) -> Result<String, Error> {
    let at = decoder.position();
    let text = decoder.str()?;
    if text.len() > MAX {
        return Err(Error::message("a text over its limit").at(at));
    }
    Ok(text.to_owned())
}
