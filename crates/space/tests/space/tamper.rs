//! Every bit of a change set is signed for.

use hythe_model::{Head, HeaderHash, KeyEpoch, OperationId};
use hythe_space::{
    Behalf, ChangeSet, CryptoError, DecodeError, Hash32, Header, Refusal, SignedCheckpoint,
};

use crate::world::*;

fn sample(world: &World) -> ChangeSet {
    world.signed(
        draft()
            .dir(1, 0, "a")
            .file(2, 1, "b")
            .touched(2, 2, 3)
            .done(),
    )
}

/// A change set put together from parts, as somebody who holds no key would.
fn forge(header: &[u8], signature: &[u8], clear: &[u8], sealed: &[Option<&[u8]>]) -> Vec<u8> {
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.array(4).unwrap();
    encoder
        .bytes(header)
        .unwrap()
        .bytes(signature)
        .unwrap()
        .bytes(clear)
        .unwrap();
    encoder.array(sealed.len() as u64).unwrap();
    for part in sealed {
        match part {
            Some(part) => encoder.bytes(part).unwrap(),
            None => encoder.null().unwrap(),
        };
    }
    encoder.into_writer()
}

fn clear_of(change_set: &ChangeSet) -> Vec<u8> {
    minicbor::to_vec(change_set.operations()).unwrap()
}

fn parts_of(change_set: &ChangeSet) -> Vec<Option<&[u8]>> {
    (0..change_set.header().sealed.len())
        .map(|index| change_set.sealed(index))
        .collect()
}

#[test]
fn a5_no_flipped_bit_goes_unnoticed() {
    let world = World::open();
    let key = world.alice.key.public();
    let change_set = sample(&world);
    ChangeSet::decode(change_set.encoded())
        .unwrap()
        .verify(&key)
        .unwrap();
    for at in 0..change_set.encoded().len() {
        for bit in 0..8 {
            let mut bytes = change_set.encoded().to_vec();
            bytes[at] ^= 1 << bit;
            let verdict = ChangeSet::decode(&bytes).map(|read| read.verify(&key));
            assert!(!matches!(verdict, Ok(Ok(()))), "byte {at} bit {bit}");
        }
    }
}

#[test]
fn a8_every_field_of_the_header_is_signed() {
    let world = World::open();
    let change_set = sample(&world);
    let key = world.alice.key.public();
    let with = |edit: fn(&mut Header)| {
        let mut header = change_set.header().clone();
        edit(&mut header);
        assert_ne!(&header, change_set.header());
        let bytes = forge(
            &header.encode(),
            &change_set.signature().0,
            &clear_of(&change_set),
            &parts_of(&change_set),
        );
        ChangeSet::decode(&bytes).unwrap().verify(&key)
    };
    let edits: [fn(&mut Header); 9] = [
        |header| header.space.0[0] ^= 1,
        |header| header.counter += 1,
        |header| header.previous = HeaderHash([1; 32]),
        |header| header.operation = OperationId([1; 16]),
        |header| header.seen = Head::START,
        |header| header.account_seen = Head::START,
        |header| header.key_epoch = KeyEpoch(7),
        |header| header.time_ms -= 1,
        |header| {
            let account = hythe_model::AccountId([1; 32]);
            header.behalf = Some(Behalf {
                account,
                session: OperationId([1; 16]),
            });
        },
    ];
    for edit in edits {
        assert_eq!(with(edit), Err(CryptoError::Signature));
    }
    // Another author's name on it: neither key fits any more.
    let mut header = change_set.header().clone();
    header.author = world.bob.key.device_id();
    let clear = clear_of(&change_set);
    let signature = &change_set.signature().0;
    let bytes = forge(&header.encode(), signature, &clear, &parts_of(&change_set));
    let read = ChangeSet::decode(&bytes).unwrap();
    assert!(read.verify(&key).is_err() && read.verify(&world.bob.key.public()).is_err());
}

#[test]
fn hashes_tie_clear_and_sealed_parts_to_the_header() {
    let world = World::open();
    let change_set = sample(&world);
    let header = change_set.header().encode();
    let signature = change_set.signature().0;
    let other = world.signed(
        draft()
            .dir(1, 0, "z")
            .file(2, 1, "b")
            .touched(2, 2, 3)
            .done(),
    );
    let bytes = forge(
        &header,
        &signature,
        &clear_of(&other),
        &parts_of(&change_set),
    );
    assert!(matches!(
        ChangeSet::decode(&bytes),
        Err(DecodeError::ClearHash)
    ));
    for part in 0..change_set.header().sealed.len() {
        let mut parts = parts_of(&change_set);
        parts[part] = Some(b"something else");
        let bytes = forge(&header, &signature, &clear_of(&change_set), &parts);
        let refused = ChangeSet::decode(&bytes);
        assert!(matches!(refused, Err(DecodeError::SealedHash { part: found }) if found == part));
    }
    // Two parts in exchanged places.
    let mut parts = parts_of(&change_set);
    parts.swap(0, 2);
    let bytes = forge(&header, &signature, &clear_of(&change_set), &parts);
    assert!(matches!(
        ChangeSet::decode(&bytes),
        Err(DecodeError::SealedHash { part: 0 })
    ));
    for fewer_or_more in [
        &parts_of(&change_set)[1..],
        &[&parts_of(&change_set)[..], &[None]].concat(),
    ] {
        let bytes = forge(&header, &signature, &clear_of(&change_set), fewer_or_more);
        assert!(matches!(
            ChangeSet::decode(&bytes),
            Err(DecodeError::Structure(_))
        ));
    }
}

#[test]
fn purged_parts_leave_hash_signature_and_effects_as_they_were() {
    let world = World::open();
    let change_set = sample(&world);
    let purged = change_set.purged(|part| part == 1);
    let read = ChangeSet::decode(purged.encoded()).unwrap();
    assert_eq!(read.hash(), change_set.hash());
    assert_eq!(
        (read.sealed(0), read.sealed(1)),
        (None, change_set.sealed(1))
    );
    read.verify(&world.alice.key.public()).unwrap();
    assert_eq!(purged.sealed(1), change_set.sealed(1));
    let [whole, without] = [&change_set, &read].map(|read| world.judge(read).unwrap());
    assert_eq!(whole.changes, without.changes);
    assert_eq!(whole.digest, without.digest);
    let name = read.writes().next().unwrap().parts.name.unwrap();
    assert_eq!(
        (name.hash, name.bytes),
        (Hash32::of(&sealed("name", 1)), None)
    );
}

#[test]
fn writes_hand_every_part_to_its_operation() {
    let world = World::open();
    let change_set = world.signed(
        draft()
            .dir(1, 0, "a")
            .file(2, 1, "b")
            .dropped(3, 3, None)
            .back(4, 4, 5, 0, "c")
            .done(),
    );
    let names: Vec<[Option<Vec<u8>>; 3]> = change_set
        .writes()
        .map(|write| {
            let parts = [write.parts.name, write.parts.attributes, write.parts.body];
            parts.map(|part| part.map(|part| part.bytes.unwrap().to_vec()))
        })
        .collect();
    let some = |what, n| Some(sealed(what, n));
    assert_eq!(names[0], [some("name", 1), some("attributes", 1), None]);
    assert_eq!(
        names[1],
        [some("name", 2), some("attributes", 2), some("body", 2)]
    );
    assert_eq!(names[2], [None, None, None]);
    assert_eq!(names[3], [some("name", 5), None, None]);
}

#[test]
fn a_signature_of_one_kind_is_none_of_another() {
    let world = World::open();
    let change_set = sample(&world);
    let key = world.alice.key.public();
    use hythe_space::crypto::Context;
    for context in [
        Context::Checkpoint,
        Context::DeviceConsent,
        Context::Sighting,
    ] {
        let other = world.alice.key.sign(context, change_set.hash().as_bytes());
        let header = change_set.header().encode();
        let bytes = forge(
            &header,
            &other.0,
            &clear_of(&change_set),
            &parts_of(&change_set),
        );
        assert!(ChangeSet::decode(&bytes).unwrap().verify(&key).is_err());
    }
}

#[test]
fn a23_weak_keys_and_malleable_signatures_are_refused() {
    use hythe_space::crypto::{Context, PublicKey, Signature};
    let world = World::open();
    let key = world.alice.key.clone();
    let good = key.sign(Context::ChangeSet, b"x");
    key.public()
        .verify(Context::ChangeSet, b"x", &good)
        .unwrap();
    // S + L is the same number modulo the group's order, and must not count as the same signature.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut malleable = good.0;
    let mut carry = 0u16;
    for (byte, add) in malleable[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert!(
        key.public()
            .verify(Context::ChangeSet, b"x", &Signature(malleable))
            .is_err()
    );
    // The neutral element as a key, under which all-zero signatures verify without strictness.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    let verdict = PublicKey(neutral).verify(Context::ChangeSet, b"x", &Signature(signature));
    assert!(verdict.is_err());
    assert!(
        PublicKey([2; 32])
            .verify(Context::ChangeSet, b"x", &good)
            .is_err()
    );
}

#[test]
fn a11_a_changed_wrap_or_another_purpose_opens_nothing() {
    use hythe_space::crypto::Purpose;
    let mut world = World::open();
    let wrap = world.wrap_for_bob();
    let keys = &world.bob.made.keys;
    let secret = keys.current().unwrap().1;
    let (space, account, generation) = (world.space, world.bob.account.id(), 1);
    let purpose = |epoch| Purpose::Epoch {
        space,
        epoch,
        account,
        generation,
    };
    assert!(secret.unwrap(&purpose(FIRST), &wrap.wrapped).is_ok());
    assert!(secret.unwrap(&purpose(KeyEpoch(2)), &wrap.wrapped).is_err());
    let as_account = Purpose::Previous {
        account,
        generation,
    };
    assert!(secret.unwrap(&as_account, &wrap.wrapped).is_err());
    let encoded = minicbor::to_vec(&wrap.wrapped).unwrap();
    for at in [3, 4, 500, 1100, 1124, 1150, encoded.len() - 1] {
        let mut bytes = encoded.clone();
        bytes[at] ^= 1;
        let changed = minicbor::decode(&bytes).unwrap();
        assert!(
            secret.unwrap(&purpose(FIRST), &changed).is_err(),
            "byte {at}"
        );
    }
}

#[test]
fn a_changed_checkpoint_is_found() {
    let world = World::open();
    let checkpoint = hythe_space::Checkpoint {
        suite: 1,
        space: world.space,
        head: world.view.head(),
        digest: world.view.digest().digest(),
        device: world.alice.key.device_id(),
        account_seen: world.alice.account.head(),
        time_ms: NOW,
    };
    let bytes = checkpoint.sign(&world.alice.key).encode();
    let key = world.alice.key.public();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let verdict = SignedCheckpoint::decode(&changed).map(|read| read.verify(&key));
        assert!(!matches!(verdict, Ok(Ok(()))), "byte {at}");
    }
}

#[test]
fn a_forged_signature_is_refused_by_the_fold() {
    let world = World::open();
    let change_set = sample(&world);
    let header = change_set.header().encode();
    let bytes = forge(
        &header,
        &[7; 64],
        &clear_of(&change_set),
        &parts_of(&change_set),
    );
    let forged = ChangeSet::decode(&bytes).unwrap();
    let denied = Refusal::NotAllowed(hythe_space::Denied::Signature);
    assert_eq!(world.judge(&forged).unwrap_err(), denied);
}

#[test]
fn a_true_signature_under_another_author_s_name_is_refused() {
    use hythe_space::crypto::Context;
    let world = World::open();
    let change_set = sample(&world);
    let mut header = change_set.header().clone();
    header.author = world.bob.key.device_id();
    let header = header.encode();
    let signature = world
        .alice
        .key
        .sign(Context::ChangeSet, Header::hash(&header).as_bytes());
    let bytes = forge(
        &header,
        &signature.0,
        &clear_of(&change_set),
        &parts_of(&change_set),
    );
    let read = ChangeSet::decode(&bytes).unwrap();
    assert!(read.verify(&world.alice.key.public()).is_err());
    assert!(read.verify(&world.bob.key.public()).is_err());
}

#[test]
fn a29_a_sealed_part_over_the_limit_is_refused_by_its_length() {
    let world = World::open();
    let change_set = sample(&world);
    let big = vec![0; hythe_space::limits::MAX_SEALED_BYTES + 1];
    let mut header = change_set.header().clone();
    header.sealed[1] = Hash32::of(&big);
    let mut parts = parts_of(&change_set);
    parts[1] = Some(&big);
    let signature = change_set.signature().0;
    let bytes = forge(&header.encode(), &signature, &clear_of(&change_set), &parts);
    assert!(matches!(
        ChangeSet::decode(&bytes),
        Err(DecodeError::TooLarge { .. })
    ));
}
