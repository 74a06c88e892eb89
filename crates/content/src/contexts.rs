//! Every BLAKE3 key-derivation context of this crate, so that no two uses can share one (A24).
//!
//! A context names one purpose in one version of the format and is never reused for another.

macro_rules! context {
    ($purpose:literal) => {
        concat!("hythe 2026-11-22 content v1: ", $purpose)
    };
}

/// From a space's epoch secret; the key material is secret ‖ space id ‖ epoch.
pub(crate) mod space {
    pub(crate) const CHUNKS: &str = context!("space, chunk keys");
    pub(crate) const NODES: &str = context!("space, layout node keys");
    pub(crate) const FIELDS: &str = context!("space, field secrets");
    pub(crate) const CUT_HASH: &str = context!("space, cut points, universal hash");
    pub(crate) const CUT_CIPHER: &str = context!("space, cut points, AES-128");
    /// The key material is first epoch's secret ‖ space id: fixed for the life of the space.
    pub(crate) const TAGS: &str = context!("space, name tags");
    /// The key material is the key of name tags ‖ what the id stands for.
    pub(crate) const IDS: &str = context!("space, ids that follow");
}

/// From the secret of one object; each kind of object has its own.
pub(crate) struct ObjectContexts {
    pub(crate) cipher: &'static str,
    pub(crate) nonce: &'static str,
}

pub(crate) const CHUNK: ObjectContexts = ObjectContexts {
    cipher: context!("chunk, cipher"),
    nonce: context!("chunk, nonce"),
};
pub(crate) const NODE: ObjectContexts = ObjectContexts {
    cipher: context!("layout node, cipher"),
    nonce: context!("layout node, nonce"),
};
pub(crate) const FIELD: ObjectContexts = ObjectContexts {
    cipher: context!("field, cipher"),
    nonce: context!("field, nonce"),
};
pub(crate) const PADDED_FIELD: ObjectContexts = ObjectContexts {
    cipher: context!("padded field, cipher"),
    nonce: context!("padded field, nonce"),
};
pub(crate) const WRAPPED: ObjectContexts = ObjectContexts {
    cipher: context!("wrapped, cipher"),
    nonce: context!("wrapped, nonce"),
};

pub(crate) const CHUNK_ID: &str = context!("chunk, id");
pub(crate) const NODE_ID: &str = context!("layout node, id");
