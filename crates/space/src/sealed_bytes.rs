//! Bytes that their author sealed: kept and passed on, and opened elsewhere.

use minicbor::{Decode, Encode};

/// 1 to `MAX` sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBytes<const MAX: usize>(Box<[u8]>);

impl<const MAX: usize> SealedBytes<MAX> {
    /// Keeps sealed bytes; none when there are none or too many.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        (1..=MAX)
            .contains(&bytes.len())
            .then(|| Self(bytes.into_boxed_slice()))
    }

    /// The sealed bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<C, const MAX: usize> Encode<C> for SealedBytes<MAX> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.bytes(&self.0)?.ok()
    }
}

impl<'b, C, const MAX: usize> Decode<'b, C> for SealedBytes<MAX> {
    fn decode(
        decoder: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<Self, minicbor::decode::Error> {
        let bytes = decoder.bytes()?;
        let wrong = || minicbor::decode::Error::message("length of sealed bytes");
        // Looked at before it is copied.
        if bytes.len() > MAX {
            return Err(wrong());
        }
        Self::new(bytes).ok_or_else(wrong)
    }
}
