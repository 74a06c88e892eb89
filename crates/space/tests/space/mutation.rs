//! A short deterministic run of what the fuzz targets do at length: mutated inputs never panic a
//! decoder, and whatever is accepted encodes to exactly the bytes that were read.

use hythe_space::{
    AccountState, ChangeSet, Checkpoint, Header, Record, SignedCheckpoint, SignedSighting,
};

use crate::world::*;

/// xorshift64*: enough to choose mutations, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides.max(1)
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(3) {
            let at = self.roll(bytes.len());
            match self.roll(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.roll(8),
                1 if at < bytes.len() => {
                    bytes[at] = [0, 0x1f, 0x5f, 0x9f, 0xf6, 0xff][self.roll(6)]
                }
                2 => bytes.truncate(at),
                3 => bytes.insert(at, self.roll(256) as u8),
                4 if at < bytes.len() => drop(bytes.remove(at)),
                _ => {
                    let piece: Vec<u8> = bytes.iter().skip(at).take(40).copied().collect();
                    let to = self.roll(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
    }
}

fn run(seed: u64, corpus: &[Vec<u8>], rounds: usize, accept: fn(&[u8]) -> Option<Vec<u8>>) {
    let mut dice = Dice(seed);
    for sample in corpus {
        assert_eq!(
            accept(sample).as_ref(),
            Some(sample),
            "the corpus itself is accepted"
        );
    }
    for round in 0..rounds {
        let mut bytes = corpus[dice.roll(corpus.len())].clone();
        dice.mutate(&mut bytes);
        if let Some(again) = accept(&bytes) {
            assert_eq!(again, bytes, "seed {seed}, round {round}");
        }
    }
}

fn world() -> World {
    let mut world = World::open();
    world.admit_bob(hythe_model::Role::Editor);
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
        .commit(draft().dropped(2, 3, Some(5)).back(2, 3, 6, 1, "d").done())
        .unwrap();
    world
}

#[test]
fn change_sets() {
    let world = world();
    let account = world.alice.made.log.iter();
    let corpus: Vec<_> = world
        .log
        .iter()
        .chain(account)
        .map(|read| read.encoded().to_vec())
        .collect();
    run(1, &corpus, 20_000, |bytes| {
        Some(ChangeSet::decode(bytes).ok()?.encoded().to_vec())
    });
}

#[test]
fn headers() {
    let corpus: Vec<_> = world()
        .log
        .iter()
        .map(|read| read.header().encode())
        .collect();
    run(2, &corpus, 50_000, |bytes| {
        Some(Header::decode(bytes).ok()?.encode())
    });
}

#[test]
fn records() {
    let corpus: Vec<_> = world().view.records().map(Record::encode).collect();
    run(3, &corpus, 50_000, |bytes| {
        Some(Record::decode(bytes).ok()?.encode())
    });
}

#[test]
fn checkpoints() {
    let world = world();
    let checkpoint = Checkpoint {
        suite: 1,
        space: world.space,
        head: world.view.head(),
        digest: world.view.digest().digest(),
        device: world.alice.key.device_id(),
        account_seen: world.alice.account.head(),
        time_ms: NOW,
    };
    let corpus = [checkpoint.sign(&world.alice.key).encode()];
    run(4, &corpus, 50_000, |bytes| {
        Some(SignedCheckpoint::decode(bytes).ok()?.encode())
    });
}

#[test]
fn sightings() {
    let world = world();
    let sighting = crate::sighting::sighting(&world, &world.alice);
    let corpus = [sighting.sign(&world.alice.key).encode()];
    run(6, &corpus, 50_000, |bytes| {
        Some(SignedSighting::decode(bytes).ok()?.encode())
    });
}

#[test]
fn accounts() {
    let world = world();
    let corpus = [world.alice.account.encode(), world.server.account.encode()];
    run(5, &corpus, 10_000, |bytes| {
        Some(AccountState::decode(bytes).ok()?.encode())
    });
}

/// Whatever decodes may also be folded: mutated clear parts under a true signature.
#[test]
fn decoded_change_sets_never_panic_a_fold() {
    let world = world();
    let mut dice = Dice(6);
    let corpus: Vec<_> = world
        .log
        .iter()
        .map(|read| read.encoded().to_vec())
        .collect();
    for _ in 0..20_000 {
        let mut bytes = corpus[dice.roll(corpus.len())].clone();
        dice.mutate(&mut bytes);
        if let Ok(read) = ChangeSet::decode(&bytes) {
            let _ = world.judge(&read);
            let _ = world
                .alice
                .account
                .clone()
                .append(hythe_space::Moment::Replaying, &read);
        }
    }
}
