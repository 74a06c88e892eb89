//! A signed list of operations with its sealed parts, as it is stored and sent.

use std::ops::Range;
use std::sync::Arc;

use hythe_model::{HeaderHash, SpaceId};
use minicbor::Decoder;

use crate::cbor;
use crate::crypto::{Context, PublicKey, Signature, SigningKey};
use crate::error::{CryptoError, DecodeError};
use crate::frame::{Outer, WHAT, join, syntax};
use crate::hash::Hash32;
use crate::header::Header;
use crate::limits::{MAX_CHANGE_SET_BYTES, MAX_OPERATIONS, MAX_SEALED_BYTES};
use crate::operation::Operation;
use crate::structure::{self, Class};

/// A change set whose hashes fit together and whose operations can stand together. Whether its
/// signature and its claims hold is for [`ChangeSet::verify`] and the fold to say.
///
/// Cheap to clone: the encoded bytes are shared.
#[derive(Debug, Clone)]
pub struct ChangeSet {
    encoded: Arc<[u8]>,
    header: Header,
    hash: HeaderHash,
    signature: Signature,
    operations: Arc<[Operation]>,
    class: Class,
    /// Where in `encoded` each sealed part is; none where it was purged.
    sealed: Vec<Option<Range<usize>>>,
}

/// One sealed part: its signed hash, and its bytes unless they were purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// BLAKE3 of the bytes, as signed.
    pub hash: Hash32,
    /// The bytes, already compared with `hash`.
    pub bytes: Option<&'a [u8]>,
}

/// The sealed parts of one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Parts<'a> {
    /// The sealed name.
    pub name: Option<Part<'a>>,
    /// The sealed attributes.
    pub attributes: Option<Part<'a>>,
    /// The sealed layout or link text.
    pub body: Option<Part<'a>>,
}

/// An operation with its sealed parts.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// The operation.
    pub operation: &'a Operation,
    /// Its parts.
    pub parts: Parts<'a>,
}

impl ChangeSet {
    /// Hashes, signs and encodes. `header.clear`, `header.sealed`, `header.author` and
    /// `header.suite` are set here.
    ///
    /// # Errors
    /// When the operations cannot stand together or the result is over a limit.
    pub(crate) fn sign(
        mut header: Header,
        operations: Vec<Operation>,
        sealed: &[Vec<u8>],
        key: &SigningKey,
    ) -> Result<Self, DecodeError> {
        let clear = cbor::encode(&operations);
        header.suite = crate::crypto::SUITE;
        header.author = key.device_id();
        header.clear = Hash32::of(&clear);
        header.sealed = sealed.iter().map(|part| Hash32::of(part)).collect();
        let class = structure::check(&header, &operations)?;
        if sealed.iter().any(|part| part.len() > MAX_SEALED_BYTES) {
            return Err(DecodeError::TooLarge {
                what: "a sealed part",
                limit: MAX_SEALED_BYTES,
            });
        }
        let header_bytes = header.encode();
        let hash = Header::hash(&header_bytes);
        let signature = key.sign(Context::ChangeSet, hash.as_bytes());
        let parts = sealed.iter().map(|part| Some(part.as_slice()));
        let (encoded, ranges) = join(&header_bytes, &signature, &clear, parts);
        if encoded.len() > MAX_CHANGE_SET_BYTES {
            return Err(DecodeError::TooLarge {
                what: WHAT,
                limit: MAX_CHANGE_SET_BYTES,
            });
        }
        Ok(Self {
            encoded: encoded.into(),
            header,
            hash,
            signature,
            operations: operations.into(),
            class,
            sealed: ranges,
        })
    }

    /// Reads a change set and checks the hash of its clear and of each sealed part.
    ///
    /// # Errors
    /// When it is over a limit, of an unknown suite, not canonically encoded, changed after it was
    /// hashed, or when its operations cannot stand together.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_CHANGE_SET_BYTES {
            return Err(DecodeError::TooLarge {
                what: WHAT,
                limit: MAX_CHANGE_SET_BYTES,
            });
        }
        let outer = Outer::split(bytes)?;
        let header = Header::decode(outer.header)?;
        if Hash32::of(outer.clear) != header.clear {
            return Err(DecodeError::ClearHash);
        }
        let operations = decode_operations(outer.clear)?;
        let class = structure::check(&header, &operations)?;
        let sealed = outer.sealed(&header.sealed)?;
        let parts = sealed
            .iter()
            .map(|range| range.clone().map(|range| &bytes[range]));
        let (encoded, _) = join(outer.header, &outer.signature, outer.clear, parts);
        if encoded != bytes {
            return Err(DecodeError::NotCanonical { what: WHAT });
        }
        Ok(Self {
            encoded: encoded.into(),
            hash: Header::hash(outer.header),
            header,
            signature: outer.signature,
            operations: operations.into(),
            class,
            sealed,
        })
    }

    /// The bytes that are stored and sent.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// The signed header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The hash of the header: what the chain and the records name.
    pub fn hash(&self) -> HeaderHash {
        self.hash
    }

    /// The author's signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The log this belongs to; for a genesis, the log it starts.
    pub fn log(&self) -> SpaceId {
        if self.header.is_genesis() {
            SpaceId(self.hash.0)
        } else {
            self.header.space
        }
    }

    /// What the operations are about.
    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// The operations in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The `index`-th sealed part, unless it was purged or does not exist.
    pub fn sealed(&self, index: usize) -> Option<&[u8]> {
        self.sealed
            .get(index)?
            .clone()
            .map(|range| &self.encoded[range])
    }

    /// The operations with their sealed parts.
    pub fn writes(&self) -> impl Iterator<Item = Write<'_>> {
        let mut next = 0;
        self.operations.iter().map(move |operation| {
            let [name, attributes, body] = structure::sealed_fields(operation);
            let mut take = |wanted: bool| {
                let index = next;
                next += usize::from(wanted);
                wanted.then(|| self.part(index)).flatten()
            };
            let parts = Parts {
                name: take(name),
                attributes: take(attributes),
                body: take(body),
            };
            Write { operation, parts }
        })
    }

    /// Checks that `key` is the author's and signed this header.
    ///
    /// # Errors
    /// [`CryptoError::Signature`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), CryptoError> {
        if key.device_id() != self.header.author {
            return Err(CryptoError::Signature);
        }
        key.verify(Context::ChangeSet, self.hash.as_bytes(), &self.signature)
    }

    /// The same change set without the sealed parts that `keep` (given their index) does not want.
    /// Header, hash and signature are untouched, so the chain still verifies.
    #[must_use]
    pub fn purged(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let parts: Vec<Option<&[u8]>> = (0..self.sealed.len())
            .map(|index| {
                if keep(index) {
                    self.sealed(index)
                } else {
                    None
                }
            })
            .collect();
        let clear = cbor::encode(&&*self.operations);
        let (encoded, sealed) = join(
            &self.header.encode(),
            &self.signature,
            &clear,
            parts.into_iter(),
        );
        Self {
            encoded: encoded.into(),
            sealed,
            ..self.clone()
        }
    }

    fn part(&self, index: usize) -> Option<Part<'_>> {
        let hash = *self.header.sealed.get(index)?;
        Some(Part {
            hash,
            bytes: self.sealed(index),
        })
    }
}

fn decode_operations(clear: &[u8]) -> Result<Vec<Operation>, DecodeError> {
    let count = Decoder::new(clear).array().map_err(syntax)?;
    if count.is_none_or(|count| count > MAX_OPERATIONS as u64) {
        let what = "the list of operations";
        return Err(DecodeError::TooLarge {
            what,
            limit: MAX_OPERATIONS,
        });
    }
    cbor::decode(clear, "the clear part of a change set")
}
