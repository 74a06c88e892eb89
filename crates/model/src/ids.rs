//! Identifiers. Each is its own type, so that one cannot be passed for another.
//!
//! Text form is lower-case hexadecimal of the whole id. CBOR form is a byte string of exactly the
//! id's length; any other length is a decoding error.

use std::fmt;
use std::str::FromStr;

/// Says that a text or byte string is not an id of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: expected {expected_bytes} bytes in hexadecimal")]
pub struct IdError {
    /// Name of the id type that was asked for.
    pub kind: &'static str,
    /// Length of such an id, in bytes.
    pub expected_bytes: usize,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// The id's bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Takes an id from a slice of exactly [`Self::LEN`] bytes.
            ///
            /// # Errors
            /// When the slice has another length.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                match <[u8; $len]>::try_from(bytes) {
                    Ok(array) => Ok(Self(array)),
                    Err(_) => Err(IdError { kind: stringify!($name), expected_bytes: $len }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            /// Short form: the type and the first eight hexadecimal digits.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = data_encoding::HEXLOWER.encode(&self.0[..4]);
                write!(f, "{}({text})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let wrong = IdError { kind: stringify!($name), expected_bytes: $len };
                if text.len() != $len * 2 {
                    return Err(wrong);
                }
                match data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()) {
                    Ok(bytes) => Self::from_slice(&bytes),
                    Err(_) => Err(wrong),
                }
            }
        }

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
                Self::from_slice(decoder.bytes()?)
                    .map_err(|_| minicbor::decode::Error::message(concat!("length of ", stringify!($name))).at(at))
            }
        }
    };
}

id!(
    /// A space: BLAKE3 of its signed genesis header, so it commits to everything in it.
    SpaceId, 32
);
id!(
    /// An account: BLAKE3 of the genesis header of the account's own log.
    AccountId, 32
);
id!(
    /// A device: BLAKE3 of its Ed25519 public key, so a key can be checked against the id alone.
    DeviceId, 32
);
id!(
    /// A node of a space; random, chosen by the author, never reused.
    NodeId, 16
);
id!(
    /// One written state of one field of a node; random, chosen by the author.
    VersionId, 16
);
id!(
    /// One upload of a device; random, chosen by the device. What it reserves goes by this name.
    UploadId, 16
);
id!(
    /// A request of a client; repeated unchanged when the request is retried.
    OperationId, 16
);
id!(
    /// A link: random, chosen by the device that makes it, and the part of its address that is sent.
    LinkId, 16
);
id!(
    /// One file opened through a link; random, chosen by whoever opens it, repeated when retried.
    OpeningId, 16
);
id!(
    /// A chunk: keyed BLAKE3 of its plaintext under a secret of the space.
    ChunkId, 32
);
id!(
    /// BLAKE3 of a chunk's sealed bytes: what anybody can check without a key.
    SealHash, 32
);
id!(
    /// BLAKE3 of a whole file's plaintext; only ever stored sealed.
    ContentHash, 32
);
id!(
    /// Keyed BLAKE3 of (parent id, name): equal exactly for equal sibling names.
    NameTag, 32
);
id!(
    /// BLAKE3 of a change set's encoded header.
    HeaderHash, 32
);
id!(
    /// BLAKE3(previous chain hash ‖ header hash): commits to the log up to one position.
    ChainHash, 32
);
id!(
    /// One life of a server's data: drawn anew when the data was restored from a copy.
    ServerEpoch, 16
);

impl NodeId {
    /// The root directory of every space. It exists from genesis on and is never written.
    pub const ROOT: Self = Self([0; 16]);
}

impl ChainHash {
    /// The chain before the first change set.
    pub const START: Self = Self([0; 32]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_rejects_other_lengths() {
        let id = NodeId([0xab; 16]);
        assert_eq!(id.to_string().parse::<NodeId>(), Ok(id));
        assert!("abcd".parse::<NodeId>().is_err());
        assert!("zz".repeat(16).parse::<NodeId>().is_err());
    }

    #[test]
    fn cbor_refuses_a_shorter_byte_string() {
        let bytes = minicbor::to_vec(NodeId([7; 16])).unwrap();
        assert_eq!(minicbor::decode::<NodeId>(&bytes).unwrap(), NodeId([7; 16]));
        assert!(minicbor::decode::<SpaceId>(&bytes).is_err());
    }
}
