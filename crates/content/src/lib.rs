//! Bytes to chunks to compressed to sealed to packs, and back; and the keys all of that needs.
//!
//! Pure and synchronous: no I/O, no clock, no threads. Callers bring the bytes, run the work on
//! their own pool (one [`Scratch`] per worker) and send the results. The formats are described
//! field by field in `docs/format/content.md`.
//!
//! The way of a file's bytes: a [`Cutter`] finds where chunks end, [`seal_chunk`] makes each into
//! a sealed object and a [`ChunkRef`](hythe_model::ChunkRef), [`store_body`] writes the references
//! down as the sealed *body* field of a node, and a [`PackBuilder`] gathers sealed objects for
//! transport. Back: [`load_body`] or [`entries_in`], then [`open_chunk`].

mod capsule;
mod cbor;
mod chunk;
mod chunker;
mod compress;
mod contexts;
mod field;
mod keys;
mod layout;
mod object;
mod pack;
mod padding;
mod parcel;
mod previous;
mod seal;
mod space_name;
#[cfg(test)]
mod vectors;
mod wrap;

pub use capsule::{
    CAPSULE_NODES, CapsulePlace, NodeKeys, open_capsule, read_capsule, seal_capsule,
};
pub use chunk::{
    CHUNK_OVERHEAD, ChunkLengthError, ChunkName, SealedChunk, is_content_of, most_sealed_bytes,
    name_chunk, open_chunk, open_chunk_in_place, seal_chunk, seal_hash, seal_named_chunk,
};
pub use chunker::{CONTEXT_BYTES, Cutter, FIXED_BYTES, Limits, Selector, class_for};
pub use compress::Scratch;
pub use field::{Field, FieldKey, field_key, open_field, seal_field};
pub use keys::{EpochSecret, SpaceKeys, TagKey};
pub use layout::{
    BodyError, FieldRefs, LoadError, MAX_FLAT_ENTRIES, MAX_LAYOUT_ENTRIES, MAX_NODE_BYTES, Span,
    StoredBody, StoredNode, entries_in, field_refs, lacking_nodes, load_body, read_attachment,
    size_and_hash, store_attachment, store_body,
};
pub use object::{Object, inspect};
pub use pack::{MAX_PACK_BYTES, PACK_TARGET_BYTES, PackBuilder, PackEntry, PackError, read_pack};
pub use parcel::{
    ParcelError, ParcelFields, ParcelFile, encode_attributes, is_filled_up, numbered, open_parcel,
    parcel_keys, seal_parcel,
};
pub use previous::{open_previous, seal_previous};
pub use seal::{OVERHEAD as SEALED_OVERHEAD, OpenError, SUITE};
pub use space_name::{open_space_name, seal_space_name};
pub use wrap::{Purpose, open_under, seal_under};
