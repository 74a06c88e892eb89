//! What somebody who holds all sealed bytes, or even some keys, must fail to do. The names carry
//! the numbers of the attacks in `docs/semantics.md`.

mod samples;

use std::collections::HashMap;

use hythe_content::{
    EpochSecret, Field, OpenError, PackBuilder, Purpose, Scratch, SealedChunk, SpaceKeys, TagKey,
    entries_in, inspect, load_body, name_chunk, open_chunk, open_chunk_in_place, open_field,
    open_under, read_pack, seal_chunk, seal_field, seal_hash, seal_under, store_body,
};
use hythe_model::{Body, ChunkRef, EntryName, KeyEpoch, NodeId, Secret32, SpaceId, VersionId};
use samples::{SPACE, keys, keys_of, long_layout, random, sealed, secret, text};

const NODE: NodeId = NodeId([7; 16]);
const VERSION: VersionId = VersionId([8; 16]);
const PURPOSE: Purpose = Purpose::new("hythe 2026-11-22 content test: a purpose");
const OTHER: Purpose = Purpose::new("hythe 2026-11-22 content test: another purpose");

/// Names the bytes as they are, as if whoever changed them could also change the layout.
fn renamed(chunk: &ChunkRef, bytes: &[u8]) -> ChunkRef {
    let sealed_length = bytes.len() as u32;
    ChunkRef {
        sealed_length,
        seal: seal_hash(bytes),
        ..chunk.clone()
    }
}

#[test]
fn a5_every_flipped_byte_of_a_chunk_is_refused() {
    let mut scratch = Scratch::new();
    for plain in [random(1, 300), text(2, 3000)] {
        let SealedChunk { chunk, bytes } = sealed(&keys(), &plain);
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 0x10;
            let opened = open_chunk(&chunk, &flipped, &mut scratch);
            assert_eq!(opened, Err(OpenError::SealHash));
            let reference = renamed(&chunk, &flipped);
            let expected = match place {
                0 => OpenError::Suite(0x11),
                1 => OpenError::Kind,
                _ => OpenError::Refused,
            };
            assert_eq!(
                open_chunk(&reference, &flipped, &mut scratch),
                Err(expected)
            );
            let opened = open_chunk_in_place(&reference, &mut flipped, &mut scratch);
            assert_eq!(opened, Err(expected));
        }
    }
}

#[test]
fn a5_every_flipped_byte_of_a_field_and_a_wrapped_secret_is_refused() {
    let keys = keys();
    let field = seal_field(&keys, NODE, Field::Name, VERSION, b"a name");
    let wrapped = seal_under(&secret(1), PURPOSE, b"aad", &[5; 32]);
    for place in 0..field.len() {
        let mut flipped = field.clone();
        flipped[place] ^= 0x10;
        assert!(open_field(&keys, NODE, Field::Name, VERSION, &flipped).is_err());
    }
    for place in 0..wrapped.len() {
        let mut flipped = wrapped.clone();
        flipped[place] ^= 0x10;
        assert!(open_under(&secret(1), PURPOSE, b"aad", &flipped).is_err());
    }
}

#[test]
fn a6_truncated_extended_and_swapped_objects_are_refused() {
    let (keys, mut scratch) = (keys(), Scratch::new());
    let one = sealed(&keys, &random(3, 200));
    let two = sealed(&keys, &random(4, 200));
    let field = seal_field(&keys, NODE, Field::Name, VERSION, b"a name");
    for length in 0..one.bytes.len() {
        let part = &one.bytes[..length];
        assert_eq!(
            open_chunk(&one.chunk, part, &mut scratch),
            Err(OpenError::Length)
        );
        assert!(open_chunk(&renamed(&one.chunk, part), part, &mut scratch).is_err());
    }
    for length in 0..field.len() {
        assert!(open_field(&keys, NODE, Field::Name, VERSION, &field[..length]).is_err());
    }
    let longer = [&one.bytes[..], &[0]].concat();
    assert!(open_chunk(&renamed(&one.chunk, &longer), &longer, &mut scratch).is_err());
    assert_eq!(
        open_chunk(&one.chunk, &two.bytes, &mut scratch),
        Err(OpenError::SealHash)
    );
    let swapped = renamed(&one.chunk, &two.bytes);
    assert_eq!(
        open_chunk(&swapped, &two.bytes, &mut scratch),
        Err(OpenError::Refused)
    );
    let spliced = [&one.bytes[..100], &two.bytes[100..]].concat();
    assert!(open_chunk(&renamed(&one.chunk, &spliced), &spliced, &mut scratch).is_err());
}

#[test]
fn a14_no_two_inputs_meet_the_same_key_and_nonce() {
    // The same chunk by several compressors: equal key, so the nonces have to differ wherever
    // the bytes do.
    let (keys, plain) = (keys(), text(5, 60_000));
    let mut seen: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    for level in [-7, -1, 1, 2, 3, 9, 19] {
        let mut scratch = Scratch::with_level(level);
        let chunk = seal_chunk(&keys, &plain, &mut scratch).expect("a chunk");
        assert_eq!(chunk.chunk.id, name_chunk(&keys, &plain).id);
        let opened = open_chunk(&chunk.chunk, &chunk.bytes, &mut Scratch::new());
        assert_eq!(opened.as_ref(), Ok(&plain), "level {level}");
        let known = seen
            .entry(chunk.bytes[2..14].to_vec())
            .or_insert(chunk.bytes.clone());
        assert_eq!(*known, chunk.bytes, "one nonce, one input");
    }
    assert!(
        seen.len() >= 4,
        "the levels have to differ for this to say anything"
    );
}

#[test]
fn a14_a_field_sealed_again_repeats_itself_or_takes_another_nonce() {
    let keys = keys();
    let seal = |plain: &[u8]| seal_field(&keys, NODE, Field::Name, VERSION, plain);
    assert_eq!(
        seal(b"one"),
        seal(b"one"),
        "a device restored from a copy gives nothing away"
    );
    assert_ne!(seal(b"one")[2..14], seal(b"two")[2..14]);
    let wrap = |plain: &[u8]| seal_under(&secret(1), PURPOSE, b"", plain);
    assert_ne!(wrap(b"one")[2..14], wrap(b"two")[2..14]);
}

#[test]
fn a20_an_id_tests_no_known_content() {
    let plain = random(6, 1000);
    let name = name_chunk(&keys(), &plain);
    let digest = blake3::hash(&plain);
    for public in [[0; 32], SPACE.0, *digest.as_bytes()] {
        for input in [&plain[..], digest.as_bytes()] {
            assert_ne!(name.id.0, *blake3::keyed_hash(&public, input).as_bytes());
        }
    }
    assert_ne!(name.id.0, *digest.as_bytes());
    assert!(name.id.0 != *name.key.expose());
}

#[test]
fn a24_every_kind_of_object_is_refused_by_every_other_reader() {
    let (keys, mut scratch) = (keys(), Scratch::new());
    let chunk = sealed(&keys, &random(7, 500));
    let body = store_body(&keys, &Body::File(long_layout(1100))).expect("sound");
    let field = seal_field(&keys, NODE, Field::Body, VERSION, &body.field);
    let wrapped = seal_under(&secret(1), PURPOSE, b"", &[5; 32]);
    let mut pack = PackBuilder::new();
    pack.push(&chunk);
    let pack = pack.finish();
    let objects = [
        &chunk.bytes,
        &body.nodes[0].bytes,
        &field,
        &wrapped,
        &pack,
        &body.field,
    ];
    for (i, object) in objects.into_iter().enumerate() {
        let reference = renamed(&chunk.chunk, object);
        assert_eq!(
            open_chunk(&reference, object, &mut scratch).is_ok(),
            i == 0,
            "{i} as a chunk"
        );
        let opened = open_field(&keys, NODE, Field::Body, VERSION, object);
        assert_eq!(opened.is_ok(), i == 2, "{i} as a field");
        assert_eq!(
            open_under(&secret(1), PURPOSE, b"", object).is_ok(),
            i == 3,
            "{i} as wrapped"
        );
        assert_eq!(inspect(object).is_ok(), i < 2, "{i} as a stored object");
        assert_eq!(read_pack(object).is_ok(), i == 4, "{i} as a pack");
        let mut fetch = |node: &ChunkRef| {
            body.nodes
                .iter()
                .find(|n| n.node.id == node.id)
                .map(|n| n.bytes.clone())
                .ok_or(())
        };
        assert_eq!(
            load_body(object, &mut fetch).is_ok(),
            i == 5,
            "{i} as a body"
        );
        assert_eq!(
            entries_in(object, 0..1, &mut fetch).is_ok(),
            i == 5,
            "{i} as a body"
        );
    }
}

#[test]
fn a24_a_kind_byte_that_lies_does_not_help() {
    // All four kinds with the same secret: their derivation contexts keep them apart.
    let wrapped = seal_under(&secret(1), PURPOSE, b"", &[5; 32]);
    for kind in 1..=4 {
        let mut bytes = wrapped.clone();
        bytes[1] = kind;
        let chunk = ChunkRef {
            length: 31,
            key: secret(1),
            ..sealed(&keys(), b"x").chunk
        };
        let opened = open_chunk(&renamed(&chunk, &bytes), &bytes, &mut Scratch::new());
        assert!(opened.is_err());
        assert!(open_field(&keys(), NODE, Field::Name, VERSION, &bytes).is_err());
        assert_eq!(
            open_under(&secret(1), PURPOSE, b"", &bytes).is_ok(),
            kind == 4
        );
    }
}

#[test]
fn a7_a_field_opens_only_where_it_was_sealed() {
    let keys = keys();
    let bytes = seal_field(&keys, NODE, Field::Name, VERSION, b"a name");
    assert_eq!(
        open_field(&keys, NODE, Field::Name, VERSION, &bytes),
        Ok(b"a name".to_vec())
    );
    let refused = |keys: &SpaceKeys, node, field, version| {
        open_field(keys, node, field, version, &bytes) == Err(OpenError::Refused)
    };
    assert!(refused(&keys, NodeId([9; 16]), Field::Name, VERSION));
    assert!(refused(&keys, NODE, Field::Attributes, VERSION));
    assert!(refused(&keys, NODE, Field::Body, VERSION));
    assert!(refused(&keys, NODE, Field::Name, VersionId([9; 16])));
    assert!(refused(
        &keys_of(SpaceId([9; 32]), KeyEpoch::FIRST, 1),
        NODE,
        Field::Name,
        VERSION
    ));
    assert!(refused(
        &keys_of(SPACE, KeyEpoch(2), 1),
        NODE,
        Field::Name,
        VERSION
    ));
    assert!(refused(
        &keys_of(SPACE, KeyEpoch::FIRST, 2),
        NODE,
        Field::Name,
        VERSION
    ));
}

#[test]
fn a_wrapped_secret_opens_only_for_its_purpose_and_object() {
    let bytes = seal_under(&secret(1), PURPOSE, b"generation 1", &[5; 32]);
    assert_eq!(
        open_under(&secret(1), PURPOSE, b"generation 1", &bytes),
        Ok(vec![5; 32])
    );
    for (key, purpose, aad) in [
        (secret(2), PURPOSE, &b"generation 1"[..]),
        (secret(1), OTHER, b"generation 1"),
        (secret(1), PURPOSE, b"generation 2"),
        (secret(1), PURPOSE, b""),
    ] {
        assert_eq!(
            open_under(&key, purpose, aad, &bytes),
            Err(OpenError::Refused)
        );
    }
}

#[test]
fn tags_are_equal_exactly_for_equal_siblings_of_one_space() {
    let key = |seed| EpochSecret::new(secret(seed));
    let name = |text: &str| EntryName::new(text).expect("a name");
    let tags = TagKey::derive(&SPACE, &key(1));
    let tag = tags.tag(NODE, &name("a"));
    assert_eq!(tag, TagKey::derive(&SPACE, &key(1)).tag(NODE, &name("a")));
    assert_ne!(tag, tags.tag(NODE, &name("A")));
    assert_ne!(tag, tags.tag(NodeId([9; 16]), &name("a")));
    assert_ne!(
        tag,
        TagKey::derive(&SpaceId([9; 32]), &key(1)).tag(NODE, &name("a"))
    );
    assert_ne!(tag, TagKey::derive(&SPACE, &key(2)).tag(NODE, &name("a")));
}

/// A22. GCM does not commit to its key: for two keys one block of a ciphertext can be chosen so
/// that its tag is right under both. The derivations are written out again here, from
/// `docs/format/content.md`.
mod two_keys {
    use aes::Aes256;
    use aes::cipher::{BlockCipherEncrypt, KeyInit};
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

    pub const BLOCKS: usize = 4;

    /// A nonce ‖ ciphertext ‖ tag that opens under both keys with this associated data, and whose
    /// plaintext ends in a zero under both, like that of a chunk stored plain.
    pub fn forge(keys: [[u8; 32]; 2], aad: &[u8]) -> Vec<u8> {
        let ciphers = keys.map(|key| Aes256::new(&key.into()));
        let stream = |cipher: &Aes256, nonce: &[u8; 12], counter: u32| {
            let mut block = [0; 16];
            block[..12].copy_from_slice(nonce);
            block[12..].copy_from_slice(&counter.to_be_bytes());
            encrypt(cipher, block)
        };
        // The last byte of both key streams has to be the same: one nonce in 256 will do.
        let last = BLOCKS as u32 + 1;
        let nonce = (0_u32..).map(|n| {
            let mut nonce = [0; 12];
            nonce[..4].copy_from_slice(&n.to_be_bytes());
            nonce
        });
        let agrees = |nonce: &[u8; 12]| {
            let [a, b] = ciphers
                .each_ref()
                .map(|cipher| stream(cipher, nonce, last) as u8);
            a == b
        };
        let nonce = nonce.into_iter().find(agrees).expect("one in 256");
        let mut blocks = [0x11_u128; BLOCKS];
        blocks[BLOCKS - 1] = u128::from(stream(&ciphers[0], &nonce, last) as u8);
        let hashes = ciphers.each_ref().map(|cipher| encrypt(cipher, [0; 16]));
        let masks = ciphers.each_ref().map(|cipher| stream(cipher, &nonce, 1));
        // Tag = blocks[0] · H^(BLOCKS + 1) + the rest, so two tags give one linear equation.
        blocks[0] = 0;
        let tag = |i: usize, blocks: &[u128]| ghash(hashes[i], aad, blocks) ^ masks[i];
        let difference = tag(0, &blocks) ^ tag(1, &blocks);
        let factor = power(hashes[0], BLOCKS as u128 + 1) ^ power(hashes[1], BLOCKS as u128 + 1);
        blocks[0] = multiply(difference, power(factor, u128::MAX - 1));
        assert_eq!(tag(0, &blocks), tag(1, &blocks));
        let body = blocks.iter().flat_map(|block| block.to_be_bytes());
        nonce
            .into_iter()
            .chain(body)
            .chain(tag(0, &blocks).to_be_bytes())
            .collect()
    }

    /// What plain GCM says to it.
    pub fn gcm_opens(key: [u8; 32], aad: &[u8], forged: &[u8]) -> bool {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes"));
        let nonce = Nonce::try_assume_unique_for_key(&forged[..12]).expect("12 bytes");
        key.open_in_place(nonce, Aad::from(aad), &mut forged[12..].to_vec())
            .is_ok()
    }

    fn encrypt(cipher: &Aes256, block: [u8; 16]) -> u128 {
        let mut block = block.into();
        cipher.encrypt_block(&mut block);
        u128::from_be_bytes(block.0)
    }

    fn ghash(key: u128, aad: &[u8], blocks: &[u128]) -> u128 {
        let padded = aad.chunks(16).map(|part| {
            let mut block = [0; 16];
            block[..part.len()].copy_from_slice(part);
            u128::from_be_bytes(block)
        });
        let lengths = (aad.len() as u128 * 8) << 64 | (blocks.len() as u128 * 128);
        let all = padded.chain(blocks.iter().copied()).chain([lengths]);
        all.fold(0, |sum, block| multiply(sum ^ block, key))
    }

    fn power(base: u128, exponent: u128) -> u128 {
        let one = 1 << 127;
        (0..128).rev().fold(one, |result, bit| {
            let squared = multiply(result, result);
            if exponent >> bit & 1 == 1 {
                multiply(squared, base)
            } else {
                squared
            }
        })
    }

    /// In GF(2^128) as GCM writes it, the coefficient of 1 in the highest bit.
    fn multiply(a: u128, b: u128) -> u128 {
        let (mut product, mut shifted) = (0, b);
        for bit in (0..128).rev() {
            if a >> bit & 1 == 1 {
                product ^= shifted;
            }
            shifted = shifted >> 1 ^ if shifted & 1 == 1 { 0xe1 << 120 } else { 0 };
        }
        product
    }
}

#[test]
fn a22_a_wrapped_secret_that_gcm_opens_under_two_keys_is_refused_under_both() {
    let aad = b"which secret";
    let cipher_key = |secret: &Secret32| {
        let mut object = blake3::Hasher::new_derive_key("hythe 2026-11-22 content test: a purpose");
        object.update(secret.expose()).update(aad);
        let object = object.finalize();
        blake3::derive_key(
            "hythe 2026-11-22 content v1: wrapped, cipher",
            object.as_bytes(),
        )
    };
    let secrets = [secret(1), secret(2)];
    let keys = secrets.each_ref().map(cipher_key);
    let head = [1, 4];
    let authenticated = [&head[..], aad].concat();
    let forged = two_keys::forge(keys, &authenticated);
    assert!(
        keys.iter()
            .all(|key| two_keys::gcm_opens(*key, &authenticated, &forged))
    );
    let sealed = [&head[..], &forged].concat();
    for secret in &secrets {
        assert_eq!(
            open_under(secret, PURPOSE, aad, &sealed),
            Err(OpenError::Refused)
        );
    }
}

#[test]
fn a22_a_chunk_that_gcm_opens_under_two_keys_is_refused_under_both() {
    let secrets = [secret(1), secret(2)];
    let keys = secrets.each_ref().map(|secret| {
        blake3::derive_key(
            "hythe 2026-11-22 content v1: chunk, cipher",
            secret.expose(),
        )
    });
    let id = name_chunk(&samples::keys(), b"any").id;
    let authenticated = [&[1, 1], &id.0[..]].concat();
    let forged = two_keys::forge(keys, &authenticated);
    assert!(
        keys.iter()
            .all(|key| two_keys::gcm_opens(*key, &authenticated, &forged))
    );
    let bytes = [&[1, 1], &forged[..]].concat();
    for key in secrets {
        let length = (two_keys::BLOCKS * 16 - 1) as u32;
        let base = ChunkRef {
            length,
            id,
            key,
            ..sealed(&samples::keys(), b"any").chunk
        };
        let opened = open_chunk(&renamed(&base, &bytes), &bytes, &mut Scratch::new());
        assert_eq!(opened, Err(OpenError::Identity));
    }
}

/// CRIME's way: whoever may put text beside a secret learns of the secret by what is short. Each
/// chunk is compressed as if there were no other, so that only what stands in the same chunk, which
/// is in the same file, tells of it.
#[test]
fn a21_no_chunk_tells_by_its_length_of_another() {
    let keys = keys();
    let hidden = text(40, 5000);
    let alone = sealed(&keys, &hidden);
    let right = hidden.clone();
    let wrong = text(41, 5000);
    let length_of = |guess: &[u8]| {
        // One worker's compressor for all, as when files are sent together.
        let mut scratch = Scratch::new();
        let guessed = seal_chunk(&keys, guess, &mut scratch).expect("a chunk");
        for turn in 0..3 {
            let again = seal_chunk(&keys, &hidden, &mut scratch).expect("a chunk");
            assert_eq!(again.bytes, alone.bytes, "turn {turn}");
        }
        guessed.bytes.len()
    };
    assert_eq!(length_of(&right), alone.bytes.len());
    // Something is compressed here, or the test would show nothing.
    assert!(length_of(&wrong) < 5000 / 2);
    // What does not compress has its own length and one more, always.
    let lengths: std::collections::BTreeSet<usize> = (0..50)
        .map(|seed| sealed(&keys, &random(100 + seed, 3000)).bytes.len())
        .collect();
    assert_eq!(lengths.len(), 1, "{lengths:?}");
}
