//! One CBOR message: bounded, exact, and in only one encoding.

use minicbor::encode::Write;

/// A CBOR message with a size limit and exactly one encoding.
pub trait Message: Sized + minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()> {
    /// The longest encoding that [`Self::from_cbor`] looks at, in bytes.
    const MAX_BYTES: usize;

    /// The deterministic encoding.
    fn to_cbor(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a vector cannot fail, and no encoder of this crate raises errors of its own.
        let written = minicbor::encode(self, &mut bytes);
        debug_assert!(written.is_ok());
        bytes
    }

    /// Reads a message.
    ///
    /// # Errors
    /// When the bytes are too many, are not such a message, hold more than it, or encode it
    /// differently than [`Self::to_cbor`] does. Unknown fields are among the last.
    fn from_cbor(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(DecodeError::TooLong {
                limit_bytes: Self::MAX_BYTES,
            });
        }
        let mut decoder = minicbor::Decoder::new(bytes);
        let message: Self = decoder.decode().map_err(DecodeError::Malformed)?;
        if decoder.position() != bytes.len() {
            return Err(DecodeError::Trailing);
        }
        let mut rest = Expected(bytes);
        match minicbor::encode(&message, &mut rest) {
            Ok(()) if rest.0.is_empty() => Ok(message),
            _ => Err(DecodeError::NotCanonical),
        }
    }
}

/// Why bytes are not the message that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// There are more bytes than such a message ever has.
    #[error("the message is longer than {limit_bytes} bytes")]
    TooLong {
        /// The limit.
        limit_bytes: usize,
    },
    /// They are not CBOR, or not of this shape, or a list in them is over its limit.
    #[error("the message is malformed")]
    Malformed(#[source] minicbor::decode::Error),
    /// Bytes follow the message.
    #[error("bytes follow the message")]
    Trailing,
    /// The same value has another encoding, or fields are there that this version does not know.
    #[error("the message has unknown fields or is not deterministically encoded")]
    NotCanonical,
}

/// Compares what is written with what is expected, so that checking an encoding needs no memory.
struct Expected<'a>(&'a [u8]);

impl Write for Expected<'_> {
    type Error = Differs;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Differs> {
        self.0 = self.0.strip_prefix(bytes).ok_or(Differs)?;
        Ok(())
    }
}

/// What was written is not what was expected.
struct Differs;
