//! Keys of a space, all derived from one secret per key epoch.

use hythe_model::{EntryName, KeyEpoch, NameTag, NodeId, Secret32, SpaceId};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::contexts;

/// The secret of one key epoch of a space: 32 uniformly random bytes, shared by its members.
#[derive(Clone, PartialEq, Eq)]
pub struct EpochSecret(Secret32);

impl EpochSecret {
    /// Takes 32 bytes that came from a secure random source.
    pub const fn new(secret: Secret32) -> Self {
        Self(secret)
    }

    /// The bytes, for wrapping to members and sealing under the next epoch.
    pub const fn secret(&self) -> &Secret32 {
        &self.0
    }
}

/// What a member needs to write and read in one key epoch of a space. Derive it once and keep it.
pub struct SpaceKeys {
    space: SpaceId,
    epoch: KeyEpoch,
    /// Turns a chunk's digest into the chunk's own key: equal content, equal key, in this epoch.
    pub(crate) chunks: Secret32,
    /// The same for layout nodes.
    pub(crate) nodes: Secret32,
    /// Turns (field, node, version) into the secret of one sealed field.
    pub(crate) fields: Secret32,
    pub(crate) cuts: CutKey,
    /// Whether what is sealed with them is filled up, so that its length says less.
    pub(crate) padded: bool,
}

/// The secrets that decide where files are cut.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct CutKey {
    /// One word for each 8 bytes of the window.
    pub(crate) hash: [u64; 8],
    pub(crate) cipher: [u8; 16],
}

impl SpaceKeys {
    /// Derives all keys of one epoch of a space.
    pub fn derive(space: &SpaceId, epoch: KeyEpoch, secret: &EpochSecret) -> Self {
        let derive = |context: &str| {
            let mut hasher = blake3::Hasher::new_derive_key(context);
            hasher.update(secret.0.expose());
            hasher.update(space.as_bytes());
            hasher.update(&epoch.0.to_be_bytes());
            hasher
        };
        let key = |context: &str| Secret32::new(*derive(context).finalize().as_bytes());
        Self {
            space: *space,
            epoch,
            chunks: key(contexts::space::CHUNKS),
            nodes: key(contexts::space::NODES),
            fields: key(contexts::space::FIELDS),
            cuts: CutKey::from_streams(
                derive(contexts::space::CUT_HASH).finalize_xof(),
                derive(contexts::space::CUT_CIPHER).finalize_xof(),
            ),
            padded: false,
        }
    }

    /// The same keys for a sealed space: what they seal is filled up, so that its length says less.
    /// What they open may be either.
    pub fn padded(mut self) -> Self {
        self.padded = true;
        self
    }

    /// Whether what these keys seal is filled up.
    pub const fn pads(&self) -> bool {
        self.padded
    }

    /// The space these keys belong to.
    pub const fn space(&self) -> SpaceId {
        self.space
    }

    /// The key epoch these keys belong to.
    pub const fn epoch(&self) -> KeyEpoch {
        self.epoch
    }
}

impl CutKey {
    fn from_streams(mut hash: blake3::OutputReader, mut cipher: blake3::OutputReader) -> Self {
        let mut key = Self {
            hash: [0; 8],
            cipher: [0; 16],
        };
        let mut word = [0; 8];
        for slot in &mut key.hash {
            hash.fill(&mut word);
            *slot = u64::from_le_bytes(word);
        }
        cipher.fill(&mut key.cipher);
        word.zeroize();
        key
    }
}

/// The key of name tags: from the first epoch's secret, so that it holds for the life of the space.
pub struct TagKey(Secret32);

impl TagKey {
    /// Derives the key from the secret of [`KeyEpoch::FIRST`].
    pub fn derive(space: &SpaceId, first: &EpochSecret) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(contexts::space::TAGS);
        hasher.update(first.0.expose());
        hasher.update(space.as_bytes());
        Self(Secret32::new(*hasher.finalize().as_bytes()))
    }

    /// The tag by which the server keeps sibling names unique without knowing them (D8).
    pub fn tag(&self, parent: NodeId, name: &EntryName) -> NameTag {
        let mut hasher = blake3::Hasher::new_keyed(self.0.expose());
        hasher.update(parent.as_bytes());
        hasher.update(name.as_bytes());
        NameTag(*hasher.finalize().as_bytes())
    }

    /// An id that follows from something, the same each time. Without the key it cannot be told from
    /// one that was drawn.
    pub fn id(&self, of: &[u8]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_derive_key(contexts::space::IDS);
        hasher.update(self.0.expose());
        hasher.update(of);
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        id
    }
}
