//! The log of an account: devices, password, recovery code, offers and generations in an order that
//! the input chooses, each signed by whom it chooses. Never a panic, a refusal changes nothing, and
//! what is kept is read back the same.
#![no_main]

use std::sync::LazyLock;

use hythe_model::{OperationId, Secret32};
use hythe_space::account::operation::{
    AddDevice, AuthoriseOneTime, DeviceCard, DeviceWrap, KemGeneration, Keyholder, RemoveDevice,
    SetKeyholder, Slot,
};
use hythe_space::flow::{add_device_offer, create_account};
use hythe_space::header::NO_PREVIOUS;
use hythe_space::{
    AccountState, ChangeSet, Draft, Entropy, KemSecret, Moment, Operation, SigningKey, Stamp,
    Wrapped,
};
use libfuzzer_sys::fuzz_target;

/// As many keys as take part.
const KEYS: u8 = 6;

fn seed(number: u8) -> SigningKey {
    SigningKey::from_seed(&Secret32::new([100 + number % KEYS; 32]))
}

/// One run: the account, and what takes part in it.
#[derive(Clone)]
struct Scene {
    account: AccountState,
    first: SigningKey,
    cards: Vec<DeviceCard>,
    wrapped: Wrapped,
}

impl Scene {
    fn key(&self, number: u8) -> SigningKey {
        match number % KEYS {
            0 => self.first.clone(),
            other => seed(other),
        }
    }

    fn card(&self, number: u8) -> DeviceCard {
        self.cards[usize::from(number % KEYS)].clone()
    }

    /// One operation; where the highest bit of `other` is set, it names the wrong generation.
    fn operation(&self, [what, who, other]: [u8; 3]) -> Operation {
        let right = other & 0x80 == 0;
        let generation = self.account.generation() + u32::from(!right);
        let card = self.card(other);
        let wrapped = self.wrapped.clone();
        let signer = if other & 0x40 == 0 {
            self.key(other)
        } else {
            self.key(who)
        };
        let consent = card.consent(self.account.id(), &signer);
        match what % 6 {
            0 => Operation::AddDevice(AddDevice {
                device: card,
                consent,
                generation,
                wrapped,
            }),
            1 => Operation::RemoveDevice(RemoveDevice {
                device: card.id(),
                wipe: None,
            }),
            2 => Operation::AuthoriseOneTime(AuthoriseOneTime {
                key: card.key,
                expires_ms: i64::from(other) << (what / 6 % 48),
                generation,
                wrapped,
                told: None,
            }),
            3 | 4 => {
                let slot = if who & 1 == 0 {
                    Slot::Password
                } else {
                    Slot::Recovery
                };
                let holder = Keyholder {
                    card,
                    consent,
                    generation,
                    wrapped,
                };
                let holder = (what % 6 == 3).then_some(holder);
                Operation::SetKeyholder(SetKeyholder { slot, holder })
            }
            _ => self.renewal(generation + u32::from(right), other),
        }
    }

    /// A generation for everybody that there is, or for all but one.
    fn renewal(&self, generation: u32, other: u8) -> Operation {
        let left_out = self.card(other >> 3).id();
        let recipients = self.account.key_recipients().into_keys();
        let wraps = recipients.filter(|one| other & 0x20 == 0 || *one != left_out);
        Operation::KemGeneration(KemGeneration {
            generation,
            public: self.card(other).kem,
            wraps: wraps
                .map(|device| DeviceWrap {
                    device,
                    wrapped: self.wrapped.clone(),
                })
                .collect(),
            previous: Some(self.wrapped.clone()),
        })
    }

    fn sign(&self, draft: Draft, key: &SigningKey, time_ms: i64) -> Option<ChangeSet> {
        let id = key.device_id();
        let device = self.account.device(id).map(|one| (one.counter, one.last));
        let holder = self
            .account
            .keyholder_of(id)
            .map(|(_, one)| (one.counter, one.last));
        let (counter, previous) = device.or(holder).unwrap_or((0, NO_PREVIOUS));
        let operation = OperationId([0; 16]);
        let (account, head) = (self.account.id(), self.account.head());
        let stamp = Stamp::account(account, head, counter + 1, previous, operation, time_ms);
        draft.sign(stamp, key).ok()
    }
}

static START: LazyLock<Option<Scene>> = LazyLock::new(start);

fn start() -> Option<Scene> {
    let mut entropy = Entropy::from_seed(&[1; 32]);
    let new = create_account(0, &mut entropy).ok()?;
    let kem = KemSecret::from_seed(Secret32::new([7; 32])).public().ok()?;
    let offer = add_device_offer(&new.state, &new.key, &new.keys, 0, &mut entropy).ok()?;
    let Operation::AuthoriseOneTime(offered) = &offer.change_set.operations()[0] else {
        return None;
    };
    let card = |key: &SigningKey| DeviceCard {
        key: key.public(),
        kem: kem.clone(),
    };
    let mut cards = vec![card(&new.key)];
    cards.extend((1..KEYS).map(|number| card(&seed(number))));
    Some(Scene {
        account: new.state,
        first: new.key,
        cards,
        wrapped: offered.wrapped.clone(),
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Some(mut scene) = START.clone() else {
        return;
    };
    let mut draft = Draft::new();
    for step in bytes.chunks_exact(4).take(48) {
        draft.push(scene.operation([step[0], step[1], step[2]]));
        // Several operations may stand in one change set.
        if step[3] & 0x80 != 0 && draft.len() < 4 {
            continue;
        }
        let key = scene.key(step[1]);
        let signed = scene.sign(std::mem::take(&mut draft), &key, i64::from(step[3]));
        let Some(change_set) = signed else { continue };
        let moment = if step[3] & 1 == 0 {
            Moment::Replaying
        } else {
            Moment::Accepting {
                now_ms: i64::from(step[3]),
            }
        };
        let before = scene.account.encode();
        let kept = scene.account.append(moment, &change_set).is_ok();
        assert!(kept || before == scene.account.encode());
    }
    let stored = scene.account.encode();
    let read = AccountState::decode(&stored);
    assert!(read.is_ok_and(|read| read.encode() == stored));
});
