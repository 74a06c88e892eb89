//! The signed log of a space or an account, and the state that follows from it.
//!
//! A [`ChangeSet`] is a signed list of [`Operation`]s. A server puts change sets in order; whoever
//! reads them runs [`fold()`] (spaces) or [`AccountState::append`] (accounts), which either refuses
//! a change set whole or says exactly which records it changes. Nothing here reads a clock, a
//! file or a socket: the time of acceptance and all randomness ([`Entropy`]) are passed in.
//!
//! The bytes are described in `docs/format/log.md`.
//!
//! ```
//! use hythe_model::{KeyEpoch, NameTag, NodeId, NodeKind, OperationId, VersionId};
//! use hythe_space::draft::SealedNode;
//! use hythe_space::flow::{create_account, create_space};
//! use hythe_space::operation::{Create, Place};
//! use hythe_space::{ChangeSet, Draft, Entropy, Moment, Stamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut entropy = Entropy::system()?;
//! let alice = create_account(0, &mut entropy)?;
//! let home = create_space(&alice.state, &alice.key, None, 0, &mut entropy)?;
//!
//! // A device writes a directory; `hythe-content` seals names and makes tags.
//! let place = Place { parent: NodeId::ROOT, tag: NameTag([1; 32]) };
//! let create = Create {
//!     node: NodeId(entropy.bytes()),
//!     kind: NodeKind::Directory,
//!     place,
//!     place_version: VersionId(entropy.bytes()),
//!     attributes_version: VersionId(entropy.bytes()),
//!     body: None,
//! };
//! let sealed = SealedNode { name: vec![1], attributes: vec![2], body: None };
//! let mut draft = Draft::new();
//! draft.create(create, sealed);
//! let mut view = home.view;
//! let author = view.author_record(alice.key.device_id());
//! let (seen, mine) = (view.head(), alice.state.head());
//! let request = OperationId(entropy.bytes());
//! let first = KeyEpoch::FIRST;
//! let stamp = Stamp::next(home.space, author.as_ref(), seen, mine, first, request, 0);
//! let sent = draft.sign(stamp, &alice.key)?;
//!
//! // Whoever receives the bytes reads, judges and applies them.
//! let received = ChangeSet::decode(sent.encoded())?;
//! let effects = view.append(&alice.state, Moment::Replaying, &received)?;
//! assert_eq!(effects.changes.len(), 2); // the node, and how far its author has come
//! # Ok(())
//! # }
//! ```

pub mod account;
mod cbor;
pub mod chain;
pub mod changeset;
pub mod checkpoint;
pub mod crypto;
pub mod digest;
pub mod draft;
pub mod ending;
pub mod entropy;
pub mod error;
pub mod flow;
pub mod fold;
mod frame;
pub mod governance;
pub mod hash;
pub mod header;
pub mod inbox;
pub mod join;
pub mod limits;
pub mod link;
pub mod map_view;
pub mod moving;
pub mod operation;
pub mod record;
pub mod refusal;
pub mod safety;
mod sealed_bytes;
pub mod sighting;
mod structure;
pub mod told;
pub mod view;

pub use account::{AccountKeys, AccountRefusal, AccountState, Accounts, Devices};
pub use chain::chain_next;
pub use changeset::{ChangeSet, Part, Parts, Write};
pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use crypto::{KemPublic, KemSecret, PublicKey, Purpose, Signature, SigningKey, Wrapped};
pub use digest::{LtHash, StateDigest, digest_of};
pub use draft::{Draft, DraftError, Stamp};
pub use ending::EndRecord;
pub use entropy::Entropy;
pub use error::{CryptoError, DecodeError, StructureError};
pub use fold::{Change, Effects, FoldError, fold};
pub use hash::Hash32;
pub use header::{Behalf, Header};
pub use inbox::{InboxCard, Parcel, ParcelSignature, SignedCard, Taker, Via, inbox_key};
pub use link::{CapsuleSeal, LinkGrant, SignedGrant};
pub use map_view::MapView;
pub use operation::Operation;
pub use record::{
    AuthorRecord, BodyRecord, EpochRecord, FieldRecord, JoinOfferRecord, MemberRecord, NameRecord,
    NodeRecord, Record, RecordKey, SpaceRecord,
};
pub use refusal::{ChainFault, Denied, Field, Refusal};
pub use sealed_bytes::SealedBytes;
pub use sighting::{Sighting, SignedSighting};
pub use told::{SealedTold, Told};
pub use view::{Moment, Needs, Past, View, needs};
