//! The bytes of format 1 as they were released. `HYTHE_BLESS=1` writes them anew; a released file
//! is never changed by that, only a format with a new suite may differ.
#![allow(clippy::disallowed_methods, reason = "golden files are files")]

use std::path::PathBuf;

use hythe_model::{Role, ServerEpoch};
use hythe_space::account::operation::Slot;
use hythe_space::flow::{
    KeyholderSecret, add_device_offer, enrol_with_keyholder, enrol_with_offer, remove_device,
    set_keyholders,
};
use hythe_space::governance::Restored;
use hythe_space::{
    AccountState, ChangeSet, Checkpoint, Entropy, MapView, Moment, Operation, Record,
    SignedCheckpoint, SignedSighting,
};

use crate::world::*;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Compares with the golden file, or writes it.
fn golden(name: &str, items: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let text: String = items.iter().map(|item| hex(item) + "\n").collect();
    if std::env::var_os("HYTHE_BLESS").is_some() {
        std::fs::write(path(name), &text).unwrap();
    }
    let kept = std::fs::read_to_string(path(name)).unwrap();
    assert!(kept == text, "{name} differs from what is written now");
    kept.lines().map(unhex).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(line: &str) -> Vec<u8> {
    let digits = line.as_bytes().chunks_exact(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

fn encoded(log: &[ChangeSet]) -> Vec<Vec<u8>> {
    log.iter()
        .map(|change_set| change_set.encoded().to_vec())
        .collect()
}

#[test]
fn account_log() {
    let mut entropy = Entropy::from_seed(&[1; 32]);
    let alice = Person::new(&mut entropy);
    let mut state = alice.account;
    let mut log = alice.made.log;
    let offer = add_device_offer(&state, &alice.key, &alice.made.keys, NOW, &mut entropy).unwrap();
    state.append(Moment::Replaying, &offer.change_set).unwrap();
    let second = enrol_with_offer(&state, &offer.secret, NOW + 1, &mut entropy).unwrap();
    state.append(Moment::Replaying, &second.change_set).unwrap();
    let removed = alice.key.device_id();
    let removal = remove_device(
        &state,
        &second.key,
        &second.keys,
        removed,
        NOW + 2,
        &mut entropy,
    )
    .unwrap();
    state.append(Moment::Replaying, &removal).unwrap();
    log.extend([offer.change_set, second.change_set, removal]);

    let kept = golden("account-log-1.hex", &encoded(&log));
    let read: Vec<_> = kept
        .iter()
        .map(|bytes| ChangeSet::decode(bytes).unwrap())
        .collect();
    assert_eq!(AccountState::replay(&read).unwrap(), state);
    let kept = golden("account-state-1.hex", &[state.encode()]);
    assert_eq!(AccountState::decode(&kept[0]).unwrap(), state);
}

#[test]
fn keyholders() {
    let mut entropy = Entropy::from_seed(&[2; 32]);
    let alice = Person::new(&mut entropy);
    let (mut state, mut log) = (alice.account, alice.made.log);
    let password = KeyholderSecret::of_password(&[1; 64]);
    let recovery = KeyholderSecret::of_recovery(&[2; 20]);
    let both = [
        (Slot::Password, Some(&password)),
        (Slot::Recovery, Some(&recovery)),
    ];
    let (key, keys) = (&alice.key, &alice.made.keys);
    let set = set_keyholders(&state, key, keys, &both, NOW, &mut entropy).unwrap();
    state.append(Moment::Replaying, &set).unwrap();
    let second = enrol_with_keyholder(&state, &password, NOW + 1, &mut entropy).unwrap();
    state.append(Moment::Replaying, &second.change_set).unwrap();
    let none = [(Slot::Password, None)];
    let removed = set_keyholders(&state, key, keys, &none, NOW + 2, &mut entropy).unwrap();
    state.append(Moment::Replaying, &removed).unwrap();
    log.extend([set, second.change_set, removed]);

    let kept = golden("account-keyholders-1.hex", &encoded(&log));
    let read: Vec<_> = kept
        .iter()
        .map(|bytes| ChangeSet::decode(bytes).unwrap())
        .collect();
    assert_eq!(AccountState::replay(&read).unwrap(), state);
    let kept = golden("account-keyholders-state-1.hex", &[state.encode()]);
    assert_eq!(AccountState::decode(&kept[0]).unwrap(), state);
}

#[test]
fn sighting() {
    let world = World::open();
    let said = crate::sighting::sighting(&world, &world.alice);
    let kept = golden("sighting-1.hex", &[said.sign(&world.alice.key).encode()]);
    let read = SignedSighting::decode(&kept[0]).unwrap();
    read.verify(&world.alice.key.public()).unwrap();
    assert_eq!(*read.sighting(), said);
}

#[test]
fn space_log_records_and_checkpoint() {
    let mut world = World::open();
    world.admit_bob(Role::Viewer);
    world
        .commit(draft().dir(1, 0, "a").file(2, 1, "b").done())
        .unwrap();
    world
        .commit(
            draft()
                .moved(2, 2, 3, 0, "c")
                .touched(2, 2, 4)
                .edited(2, 2, 5)
                .done(),
        )
        .unwrap();
    world
        .commit(draft().dropped(2, 3, Some(5)).dropped(1, 1, None).done())
        .unwrap();
    world.commit(draft().back(2, 3, 6, 0, "d").done()).unwrap();
    let restored = Restored {
        at: world.view.head(),
        epoch: ServerEpoch([6; 16]),
    };
    world
        .commit_as(|world| &world.server, one(Operation::Restored(restored)))
        .unwrap();

    let kept = golden("space-log-1.hex", &encoded(&world.log));
    let mut view = MapView::default();
    for bytes in &kept {
        let read = ChangeSet::decode(bytes).unwrap();
        view.append(&world.devices, Moment::Replaying, &read)
            .unwrap();
    }
    assert_eq!(view.head(), world.view.head());
    let records: Vec<_> = view.records().map(Record::encode).collect();
    for (bytes, record) in golden("space-records-1.hex", &records)
        .iter()
        .zip(view.records())
    {
        assert_eq!(&Record::decode(bytes).unwrap(), record);
    }
    let digest = view.digest();
    golden(
        "state-digest-1.hex",
        &[digest.to_bytes(), digest.digest().0.to_vec()],
    );
    let checkpoint = Checkpoint {
        suite: 1,
        space: world.space,
        head: view.head(),
        digest: digest.digest(),
        device: world.alice.key.device_id(),
        account_seen: world.alice.account.head(),
        time_ms: NOW,
    };
    let kept = golden(
        "checkpoint-1.hex",
        &[checkpoint.sign(&world.alice.key).encode()],
    );
    SignedCheckpoint::decode(&kept[0])
        .unwrap()
        .attest(&world.devices, &view)
        .unwrap();
}

#[test]
fn members_names_and_offers() {
    let mut world = World::open();
    world.commit(crate::joining::name("a sealed name")).unwrap();
    let (offer, secret) = crate::joining::offer(&mut world, Role::Editor);
    world.commit(one(Operation::OfferJoin(offer))).unwrap();
    let join = crate::joining::join(&mut world, &secret);
    world
        .commit_as(|world| &world.bob, one(Operation::Join(join)))
        .unwrap();
    let leave = hythe_space::governance::Member {
        account: world.bob.account.id(),
        role: None,
        wrap: None,
    };
    world
        .commit_as(|world| &world.bob, one(Operation::Member(leave)))
        .unwrap();

    let kept = golden("space-members-1.hex", &encoded(&world.log));
    let mut view = MapView::default();
    for bytes in &kept {
        let read = ChangeSet::decode(bytes).unwrap();
        view.append(&world.devices, Moment::Replaying, &read)
            .unwrap();
    }
    let records: Vec<_> = view.records().map(Record::encode).collect();
    for (bytes, record) in golden("space-members-records-1.hex", &records)
        .iter()
        .zip(view.records())
    {
        assert_eq!(&Record::decode(bytes).unwrap(), record);
    }
}

#[test]
fn ends_and_offers_taken_back() {
    let mut world = World::open();
    let (offer, secret) = crate::joining::offer(&mut world, Role::Viewer);
    world.commit(one(Operation::OfferJoin(offer))).unwrap();
    let withdrawn = crate::ending::withdraw(&secret);
    world.commit(withdrawn).unwrap();
    let at_ms = NOW + hythe_space::limits::ENDING_MIN_MS;
    world.commit(crate::ending::end(Some(at_ms))).unwrap();

    let kept = golden("space-ending-1.hex", &encoded(&world.log));
    let mut view = MapView::default();
    for bytes in &kept {
        let read = ChangeSet::decode(bytes).unwrap();
        view.append(&world.devices, Moment::Replaying, &read)
            .unwrap();
    }
    let records: Vec<_> = view.records().map(Record::encode).collect();
    let kept = golden("space-ending-records-1.hex", &records);
    for (bytes, record) in kept.iter().zip(view.records()) {
        assert_eq!(&Record::decode(bytes).unwrap(), record);
    }
}
