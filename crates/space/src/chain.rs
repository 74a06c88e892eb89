//! The chain over a log: one hash that commits to everything up to a position.

use hythe_model::{ChainHash, Head, HeaderHash};

/// `BLAKE3(chain before ‖ header hash)`.
pub fn chain_next(chain: ChainHash, header: HeaderHash) -> ChainHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(chain.as_bytes()).update(header.as_bytes());
    ChainHash(*hasher.finalize().as_bytes())
}

/// The head after one more change set.
pub fn head_next(head: Head, header: HeaderHash) -> Head {
    Head {
        cursor: head.cursor.next(),
        chain: chain_next(head.chain, header),
    }
}
