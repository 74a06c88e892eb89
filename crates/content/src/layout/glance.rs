//! What a listing shows of a body.

use hythe_model::ContentHash;

/// What a row shows of a body, without fetching the nodes of its tree. The fields are those of
/// `docs/format/content.md`; whether the rest holds is found when the content is loaded.
pub fn size_and_hash(field: &[u8]) -> Option<(u64, Option<ContentHash>)> {
    let mut decoder = minicbor::Decoder::new(field);
    let length = decoder.array().ok()??;
    match (decoder.u8().ok()?, length) {
        (FLAT, 6) | (TREE, 7) => {
            let size = decoder.u64().ok()?;
            // Chunker and class.
            decoder.skip().ok()?;
            decoder.skip().ok()?;
            Some((size, decoder.decode().ok()?))
        }
        (LINK, 2) => {
            let text = decoder.bytes().ok()?;
            let hash = ContentHash(*blake3::hash(text).as_bytes());
            Some((text.len() as u64, Some(hash)))
        }
        // Another space, which has no size here.
        (ATTACHMENT, 2) => Some((0, None)),
        _ => None,
    }
}

/// The forms of a body.
const FLAT: u8 = 0;
const TREE: u8 = 1;
const LINK: u8 = 2;
const ATTACHMENT: u8 = 3;
