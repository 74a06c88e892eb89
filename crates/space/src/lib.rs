//! The signed log of a space or an account, and the state that follows from it.
//!
//! A [`ChangeSet`] is a signed list of [`Operation`]s. A server puts change sets in order; whoever
//! reads them runs [`fold`] (spaces) or [`AccountState::append`] (accounts), which either refuses
//! a change set whole or says exactly which records it changes. Nothing here reads a clock, a
//! file or a socket: the time of acceptance and all randomness ([`Entropy`]) are passed in.
//!
//! The bytes are described in `docs/format/log.md`.

pub mod account;
mod cbor;
pub mod chain;
pub mod changeset;
pub mod checkpoint;
pub mod crypto;
pub mod digest;
pub mod draft;
pub mod entropy;
pub mod error;
pub mod flow;
pub mod fold;
mod frame;
pub mod governance;
pub mod hash;
pub mod header;
pub mod limits;
pub mod map_view;
pub mod operation;
pub mod record;
pub mod refusal;
mod structure;
pub mod view;

pub use account::{AccountKeys, AccountRefusal, AccountState, Accounts, Devices};
pub use chain::chain_next;
pub use changeset::{ChangeSet, Part, Parts, Write};
pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use crypto::{KemPublic, KemSecret, PublicKey, Signature, SigningKey, Wrapped};
pub use digest::{LtHash, StateDigest, digest_of};
pub use draft::{Draft, DraftError, Stamp};
pub use entropy::Entropy;
pub use error::{CryptoError, DecodeError, StructureError};
pub use fold::{Change, Effects, FoldError, fold};
pub use hash::Hash32;
pub use header::{Behalf, Header};
pub use map_view::MapView;
pub use operation::Operation;
pub use record::{
    AuthorRecord, BodyRecord, EpochRecord, FieldRecord, MemberRecord, NodeRecord, Record,
    RecordKey, SpaceRecord,
};
pub use refusal::{ChainFault, Denied, Field, Refusal};
pub use view::{Moment, Needs, Past, View, needs};
