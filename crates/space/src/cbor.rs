//! What this crate adds to minicbor: one accepted encoding per value, fixed-length byte strings,
//! and lists of 32-byte values as one byte string.

use hythe_model::{ChainHash, ChunkId};
use minicbor::{Decode, Encode};

use crate::error::DecodeError;
use crate::hash::Hash32;

/// The CBOR form of a tuple struct over `[u8; N]`: a byte string of exactly that length.
macro_rules! fixed_bytes {
    ($name:ident, $len:literal) => {
        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                decoder: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                let at = decoder.position();
                match <[u8; $len]>::try_from(decoder.bytes()?) {
                    Ok(bytes) => Ok(Self(bytes)),
                    Err(_) => Err(minicbor::decode::Error::message(concat!(
                        "length of ",
                        stringify!($name)
                    ))
                    .at(at)),
                }
            }
        }
    };
}
pub(crate) use fixed_bytes;

/// Encodes a value. Writing to memory cannot fail, and no encoder of this crate refuses a value.
pub(crate) fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written: Result<(), minicbor::encode::Error<std::convert::Infallible>> =
        minicbor::encode(value, &mut bytes);
    debug_assert!(written.is_ok(), "encoders of this crate never refuse");
    bytes
}

/// [`decode`], where no more than `limit` bytes are looked at.
pub(crate) fn decode_bounded<'b, T>(
    bytes: &'b [u8],
    limit: usize,
    what: &'static str,
) -> Result<T, DecodeError>
where
    T: Decode<'b, ()> + Encode<()>,
{
    if bytes.len() > limit {
        return Err(DecodeError::TooLarge { what, limit });
    }
    decode(bytes, what)
}

/// Decodes the whole of `bytes`, which must be exactly what [`encode`] would write: one value has
/// one encoding, so what is signed or hashed cannot be said in two ways.
pub(crate) fn decode<'b, T>(bytes: &'b [u8], what: &'static str) -> Result<T, DecodeError>
where
    T: Decode<'b, ()> + Encode<()>,
{
    let mut decoder = minicbor::Decoder::new(bytes);
    let value: T = decoder
        .decode()
        .map_err(|source| DecodeError::Syntax { what, source })?;
    if decoder.position() != bytes.len() || encode(&value) != bytes {
        return Err(DecodeError::NotCanonical { what });
    }
    Ok(value)
}

/// The first element of an array: every format of this crate starts with its suite.
pub(crate) fn suite_of(bytes: &[u8], what: &'static str) -> Result<u8, DecodeError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let first = |decoder: &mut minicbor::Decoder<'_>| {
        decoder.array()?;
        decoder.u8()
    };
    first(&mut decoder).map_err(|source| DecodeError::Syntax { what, source })
}

/// A 32-byte value that can stand in a [`words`] list.
pub(crate) trait Word: Copy {
    fn from_array(bytes: [u8; 32]) -> Self;
    fn array(&self) -> &[u8; 32];
}

macro_rules! word {
    ($name:ident) => {
        impl Word for $name {
            fn from_array(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
            fn array(&self) -> &[u8; 32] {
                &self.0
            }
        }
    };
}

word!(Hash32);
word!(ChunkId);
word!(ChainHash);

/// Lists of 32-byte values as one byte string, each after the other. It is shorter than an array
/// of byte strings, and its length is known to be true before anything is allocated.
pub(crate) mod words {
    use minicbor::decode::Error as Wrong;

    use super::Word;

    pub(crate) fn encode<C, T: Word, W: minicbor::encode::Write>(
        list: &[T],
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let mut joined = Vec::with_capacity(list.len() * 32);
        list.iter()
            .for_each(|word| joined.extend_from_slice(word.array()));
        encoder.bytes(&joined)?.ok()
    }

    pub(crate) fn decode<'b, Ctx, T: Word>(
        decoder: &mut minicbor::Decoder<'b>,
        _: &mut Ctx,
    ) -> Result<Vec<T>, Wrong> {
        let at = decoder.position();
        let (whole, rest) = decoder.bytes()?.as_chunks::<32>();
        if rest.is_empty() {
            Ok(whole.iter().map(|word| T::from_array(*word)).collect())
        } else {
            Err(Wrong::message("length of a list of 32-byte values").at(at))
        }
    }
}
