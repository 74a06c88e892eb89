//! The log of an account: devices, offers to new ones, and generations of its key.

use hythe_model::{Head, OperationId};
use hythe_space::account::operation::{
    AddDevice, AuthoriseOneTime, DeviceCard, DeviceWrap, KemGeneration, RemoveDevice, Wipe,
};
use hythe_space::crypto::Purpose;
use hythe_space::flow::{
    Enrolled, FlowError, NewAccount, Offer, OfferSecret, add_device_offer, create_account,
    enrol_with_offer, remove_device, wipe_device,
};
use hythe_space::{
    AccountKeys, AccountRefusal, AccountState, ChainFault, ChangeSet, Draft, Entropy, KemSecret,
    Moment, Operation, SigningKey, Stamp,
};

use crate::world::{NOW, one};

const HOUR: i64 = hythe_space::limits::OFFER_LIFETIME_MS;

struct Home {
    entropy: Entropy,
    account: AccountState,
    made: NewAccount,
    log: Vec<ChangeSet>,
}

impl Home {
    fn new() -> Self {
        let mut entropy = Entropy::from_seed(&[3; 32]);
        let made = create_account(NOW, &mut entropy).unwrap();
        Self {
            entropy,
            account: made.state.clone(),
            log: made.log.clone(),
            made,
        }
    }

    fn keep(&mut self, change_set: &ChangeSet) {
        self.account
            .append(Moment::Accepting { now_ms: NOW }, change_set)
            .unwrap();
        self.log.push(change_set.clone());
        assert_eq!(AccountState::replay(&self.log).unwrap(), self.account);
    }

    fn refused(&self, change_set: &ChangeSet) -> AccountRefusal {
        let mut account = self.account.clone();
        let refusal = account.append(Moment::Replaying, change_set).unwrap_err();
        assert_eq!(account, self.account, "a refusal leaves the state alone");
        refusal
    }

    fn offer(&mut self) -> Offer {
        let made = &self.made;
        add_device_offer(&self.account, &made.key, &made.keys, NOW, &mut self.entropy).unwrap()
    }

    fn second(&mut self) -> Enrolled {
        let offer = self.offer();
        self.keep(&offer.change_set);
        let second =
            enrol_with_offer(&self.account, &offer.secret, NOW, &mut self.entropy).unwrap();
        self.keep(&second.change_set);
        second
    }

    fn stamp(&self, key: &SigningKey) -> Stamp {
        let device = self.account.device(key.device_id());
        Stamp::account(
            self.account.id(),
            self.account.head(),
            device.map_or(1, |record| record.counter + 1),
            device.map_or(hythe_space::header::NO_PREVIOUS, |record| record.last),
            OperationId([4; 16]),
            NOW,
        )
    }

    fn signed(&self, draft: Draft) -> ChangeSet {
        draft
            .sign(self.stamp(&self.made.key), &self.made.key)
            .unwrap()
    }

    /// An operation that adds a new device, with all that belongs to it.
    fn add(&mut self) -> (AddDevice, SigningKey) {
        let key = SigningKey::from_seed(&self.entropy.secret());
        let kem = KemSecret::from_seed(self.entropy.secret());
        let device = DeviceCard {
            key: key.public(),
            kem: kem.public().unwrap(),
        };
        let (account, generation) = (self.account.id(), self.account.generation());
        let purpose = Purpose::Account {
            account,
            generation,
            device: device.id(),
        };
        let (_, secret) = self.made.keys.current().unwrap();
        let wrapped = device
            .kem
            .wrap(&purpose, secret.seed(), &mut self.entropy)
            .unwrap();
        let consent = device.consent(account, &key);
        (
            AddDevice {
                device,
                consent,
                generation,
                wrapped,
            },
            key,
        )
    }
}

#[test]
fn a_new_account_has_one_device_that_opens_its_key() {
    let home = Home::new();
    let device = home.made.key.device_id();
    assert!(home.account.is_active(device));
    assert_eq!(home.account.id().0, home.log[0].hash().0);
    assert_eq!(home.account.generation(), 1);
    assert_eq!(home.account.head(), crate::world::head_of(&home.log));
    let keys = AccountKeys::open(&home.account, device, &home.made.device_kem).unwrap();
    let (_, opened) = keys.current().unwrap();
    let (_, made) = home.made.keys.current().unwrap();
    assert!(opened.seed() == made.seed());
}

#[test]
fn d10_a_device_is_added_with_nobody_else_online() {
    let mut home = Home::new();
    let second = home.second();
    assert!(home.account.is_active(second.key.device_id()));
    let device = second.key.device_id();
    let keys = AccountKeys::open(&home.account, device, &second.device_kem).unwrap();
    let (_, mine) = home.made.keys.current().unwrap();
    assert!(keys.current().unwrap().1.seed() == mine.seed());
}

#[test]
fn everything_about_an_offer_follows_from_its_secret() {
    let mut home = Home::new();
    let offer = home.offer();
    let again = OfferSecret::new(offer.secret.secret().clone());
    assert_eq!(again.key().public(), offer.secret.key().public());
    assert_eq!(
        again.kem().public().unwrap(),
        offer.secret.kem().public().unwrap()
    );
    assert_eq!(again.token(), offer.secret.token());
    assert_eq!(offer.expires_ms, NOW + HOUR);
    let parts = [
        *again.key().seed().expose(),
        *again.kem().seed().expose(),
        again.token(),
    ];
    assert!(parts[0] != parts[1] && parts[1] != parts[2] && parts[0] != parts[2]);
}

#[test]
fn an_offer_is_good_for_one_device() {
    let mut home = Home::new();
    let offer = home.offer();
    home.keep(&offer.change_set);
    let [first, other] = std::array::from_fn(|_| {
        enrol_with_offer(&home.account, &offer.secret, NOW, &mut home.entropy).unwrap()
    });
    home.keep(&first.change_set);
    assert_eq!(home.refused(&other.change_set), AccountRefusal::Behind);
    let again = enrol_with_offer(&home.account, &offer.secret, NOW, &mut home.entropy);
    assert!(matches!(
        again,
        Err(FlowError::Account(AccountRefusal::Author))
    ));
    // Signed anew for the newest head it is refused as well.
    let (add, _) = home.add();
    let one_time = offer.secret.key();
    let draft = one(Operation::AddDevice(add));
    let again = draft.sign(home.stamp(&one_time), &one_time).unwrap();
    assert_eq!(home.refused(&again), AccountRefusal::Author);
}

#[test]
fn an_offer_ends_after_an_hour() {
    let mut home = Home::new();
    let offer = home.offer();
    home.keep(&offer.change_set);
    let mut enrol =
        |time_ms| enrol_with_offer(&home.account, &offer.secret, time_ms, &mut home.entropy);
    assert!(matches!(
        enrol(NOW + HOUR + 1),
        Err(FlowError::Account(AccountRefusal::Expired))
    ));
    let in_time = enrol(NOW + HOUR).unwrap().change_set;
    let mut account = home.account.clone();
    // A header can lie about its time; the server's clock does not.
    let late = Moment::Accepting {
        now_ms: NOW + HOUR + 1,
    };
    assert_eq!(account.append(late, &in_time), Err(AccountRefusal::Expired));
    account
        .append(Moment::Accepting { now_ms: NOW + HOUR }, &in_time)
        .unwrap();
}

#[test]
fn an_offer_cannot_be_made_to_last() {
    let mut home = Home::new();
    let secret = OfferSecret::new(home.entropy.secret());
    let offer = home.offer().change_set;
    let [Operation::AuthoriseOneTime(made)] = offer.operations() else {
        panic!()
    };
    let key = secret.key().public();
    let long = AuthoriseOneTime {
        key,
        expires_ms: NOW + HOUR + 1,
        ..made.clone()
    };
    let long = home.signed(one(Operation::AuthoriseOneTime(long)));
    assert_eq!(home.refused(&long), AccountRefusal::Expired);
    // An author whose clock is (or pretends to be) far ahead.
    let year = 365 * 24 * HOUR;
    let far = AuthoriseOneTime {
        key,
        expires_ms: NOW + year,
        ..made.clone()
    };
    let stamp = Stamp {
        time_ms: NOW + year,
        ..home.stamp(&home.made.key)
    };
    let far = one(Operation::AuthoriseOneTime(far))
        .sign(stamp, &home.made.key)
        .unwrap();
    let accepting = Moment::Accepting { now_ms: NOW };
    assert_eq!(
        home.account.append(accepting, &far),
        Err(AccountRefusal::Expired)
    );
}

#[test]
fn a_one_time_key_does_nothing_but_add_one_device() {
    let mut home = Home::new();
    let offer = home.offer();
    home.keep(&offer.change_set);
    let one_time = offer.secret.key();
    let device = home.made.key.device_id();
    let (add, _) = home.add();
    let (other, _) = home.add();
    let mut two = one(Operation::AddDevice(add.clone()));
    two.push(Operation::AddDevice(other));
    for draft in [
        one(Operation::RemoveDevice(RemoveDevice { device, wipe: None })),
        two,
    ] {
        let change_set = draft.sign(home.stamp(&one_time), &one_time).unwrap();
        assert_eq!(home.refused(&change_set), AccountRefusal::Author);
    }
    let stranger = SigningKey::from_seed(&home.entropy.secret());
    let change_set = one(Operation::AddDevice(add))
        .sign(home.stamp(&stranger), &stranger)
        .unwrap();
    assert_eq!(home.refused(&change_set), AccountRefusal::Author);
}

#[test]
fn e7_a_removed_device_gets_none_of_the_next_keys() {
    let mut home = Home::new();
    let second = home.second();
    let waiting = home.offer();
    home.keep(&waiting.change_set);
    let removed = second.key.device_id();
    let made = &home.made;
    let removal = remove_device(
        &home.account,
        &made.key,
        &made.keys,
        removed,
        NOW,
        &mut home.entropy,
    );
    home.keep(&removal.unwrap());
    assert!(!home.account.is_active(removed));
    assert_eq!(home.account.generation(), 2);
    assert!(AccountKeys::open(&home.account, removed, &second.device_kem).is_err());
    let device = home.made.key.device_id();
    let keys = AccountKeys::open(&home.account, device, &home.made.device_kem).unwrap();
    assert_eq!(keys.current().unwrap().0, 2);
    // It signs no more, and what it was offered before the new key is void.
    let (add, _) = home.add();
    let by_removed = one(Operation::AddDevice(add))
        .sign(home.stamp(&second.key), &second.key)
        .unwrap();
    assert_eq!(home.refused(&by_removed), AccountRefusal::Author);
    let late = enrol_with_offer(&home.account, &waiting.secret, NOW, &mut home.entropy);
    assert!(matches!(
        late,
        Err(FlowError::Account(AccountRefusal::Author))
    ));
}

#[test]
fn a_secret_that_is_not_of_the_public_key_is_refused() {
    let mut home = Home::new();
    let device = home.made.key.device_id();
    let purpose = Purpose::Account {
        account: home.account.id(),
        generation: 2,
        device,
    };
    let [shown, meant] = std::array::from_fn(|_| KemSecret::from_seed(home.entropy.secret()));
    let card = home.made.device_kem.public().unwrap();
    let wrapped = card
        .wrap(&purpose, meant.seed(), &mut home.entropy)
        .unwrap();
    // Everything else opens, so that only the comparison with the public key is left to find it.
    let earlier = home.made.keys.current().unwrap().1.seed().clone();
    let before = Purpose::Previous {
        account: home.account.id(),
        generation: 1,
    };
    let previous = meant
        .public()
        .unwrap()
        .wrap(&before, &earlier, &mut home.entropy);
    let (public, previous) = (shown.public().unwrap(), Some(previous.unwrap()));
    let wraps = vec![DeviceWrap { device, wrapped }];
    let kem = KemGeneration {
        generation: 2,
        public,
        wraps,
        previous,
    };
    home.keep(&home.signed(one(Operation::KemGeneration(kem))));
    let opened = AccountKeys::open(&home.account, device, &home.made.device_kem);
    assert!(matches!(opened, Err(hythe_space::CryptoError::Unwrap)));
}

#[test]
fn a_removal_may_ask_for_the_copies_and_only_a_device_of_the_account_signs_it() {
    let mut home = Home::new();
    let second = home.second();
    let device = second.key.device_id();
    let made = &home.made;
    let ask = wipe_device(
        &home.account,
        &made.key,
        &made.keys,
        device,
        NOW,
        &mut home.entropy,
    );
    let ask = ask.unwrap();
    let wipe = Some(Wipe::Copies);
    let [removal @ Operation::RemoveDevice(removed), kem] = ask.operations() else {
        panic!()
    };
    assert_eq!(*removed, RemoveDevice { device, wipe });
    let read = ChangeSet::decode(ask.encoded()).unwrap();
    assert_eq!(read.operations(), ask.operations());

    // Nobody else can ask for it: no stranger, nor the device after it was removed.
    let stranger = SigningKey::from_seed(&home.entropy.secret());
    let by = |home: &Home, key: &SigningKey| {
        let mut draft = one(removal.clone());
        draft.push(kem.clone());
        draft.sign(home.stamp(key), key).unwrap()
    };
    let forged = by(&home, &stranger);
    assert_eq!(home.refused(&forged), AccountRefusal::Author);
    home.keep(&ask);
    assert!(!home.account.is_active(device));
    let late = by(&home, &second.key);
    assert_eq!(home.refused(&late), AccountRefusal::Author);
}

#[test]
fn a_removal_that_asks_nothing_is_encoded_as_ever() {
    let device = hythe_model::DeviceId([7; 32]);
    let plain = minicbor::to_vec(RemoveDevice { device, wipe: None }).unwrap();
    // A list of one: the device's id in 32 bytes.
    assert_eq!(plain[..3], [0x81, 0x58, 0x20]);
    let wipe = Some(Wipe::Copies);
    let asks = minicbor::to_vec(RemoveDevice { device, wipe }).unwrap();
    assert_eq!(asks[0], 0x82);
    for bytes in [plain, asks] {
        let read: RemoveDevice = minicbor::decode(&bytes).unwrap();
        assert_eq!(minicbor::to_vec(read).unwrap(), bytes);
    }
}

#[test]
fn a_removal_renews_the_key_for_exactly_the_rest() {
    let mut home = Home::new();
    let second = home.second().key.device_id();
    let device = home.made.key.device_id();
    let remove = |device| Operation::RemoveDevice(RemoveDevice { device, wipe: None });
    let removed = |device| AccountRefusal::Device { device };
    assert_eq!(
        home.refused(&home.signed(one(remove(second)))),
        AccountRefusal::Wraps
    );
    assert_eq!(
        home.refused(&home.signed(one(remove(device)))),
        removed(device)
    );
    let nobody = hythe_model::DeviceId([1; 32]);
    assert_eq!(
        home.refused(&home.signed(one(remove(nobody)))),
        removed(nobody)
    );

    let made = &home.made;
    let whole = remove_device(
        &home.account,
        &made.key,
        &made.keys,
        second,
        NOW,
        &mut home.entropy,
    );
    let whole = whole.unwrap();
    let [_, Operation::KemGeneration(kem)] = whole.operations() else {
        panic!()
    };
    let with = |kem: KemGeneration| {
        let mut draft = one(remove(second));
        draft.push(Operation::KemGeneration(kem));
        home.refused(&home.signed(draft))
    };
    let none = KemGeneration {
        wraps: Vec::new(),
        ..kem.clone()
    };
    assert_eq!(with(none), AccountRefusal::Wraps);
    let cut_off = KemGeneration {
        previous: None,
        ..kem.clone()
    };
    assert_eq!(with(cut_off), AccountRefusal::Wraps);
    for generation in [0, 1, 3] {
        let wrong = KemGeneration {
            generation,
            ..kem.clone()
        };
        assert_eq!(with(wrong), AccountRefusal::Generation { current: 1 });
    }
    // Without the removal it would leave the second device behind.
    let alone = home.signed(one(Operation::KemGeneration(kem.clone())));
    assert_eq!(home.refused(&alone), AccountRefusal::Wraps);
}

#[test]
fn a_device_consents_to_this_account_and_these_keys() {
    let mut home = Home::new();
    let (add, key) = home.add();
    let other = SigningKey::from_seed(&home.entropy.secret());
    let elsewhere = add.device.consent(hythe_model::AccountId([1; 32]), &key);
    let by_other = add.device.consent(home.account.id(), &other);
    let (swapped, _) = home.add();
    let keys = DeviceCard {
        kem: swapped.device.kem,
        ..add.device.clone()
    };
    for wrong in [
        AddDevice {
            consent: elsewhere,
            ..add.clone()
        },
        AddDevice {
            consent: by_other,
            ..add.clone()
        },
        AddDevice {
            device: keys,
            ..add.clone()
        },
    ] {
        let wrong = home.signed(one(Operation::AddDevice(wrong)));
        assert_eq!(home.refused(&wrong), AccountRefusal::Signature);
    }
    let stale = AddDevice {
        generation: 2,
        ..add.clone()
    };
    let stale = home.signed(one(Operation::AddDevice(stale)));
    assert_eq!(
        home.refused(&stale),
        AccountRefusal::Generation { current: 1 }
    );
    home.keep(&home.signed(one(Operation::AddDevice(add.clone()))));
    let twice = home.signed(one(Operation::AddDevice(add.clone())));
    let device = add.device.id();
    assert_eq!(home.refused(&twice), AccountRefusal::Device { device });
}

#[test]
fn the_log_of_an_account_has_one_history() {
    let mut home = Home::new();
    let offer = home.offer().change_set;
    let draft = || one(offer.operations()[0].clone());
    let key = home.made.key.clone();
    let sign = |stamp: Stamp| draft().sign(stamp, &key).unwrap();
    let stamp = || home.stamp(&key);
    let chain = |fault| AccountRefusal::BadChain(fault);
    let mut forked = stamp();
    forked.seen.chain.0[0] ^= 1;
    assert_eq!(home.refused(&sign(forked)), chain(ChainFault::Seen));
    let early = crate::world::head_of(&home.log[..1]);
    let behind = Stamp {
        seen: early,
        account_seen: early,
        ..stamp()
    };
    assert_eq!(home.refused(&sign(behind)), AccountRefusal::Behind);
    let unlike = Stamp {
        account_seen: Head::START,
        ..stamp()
    };
    assert_eq!(home.refused(&sign(unlike)), chain(ChainFault::AccountSeen));
    let gap = Stamp {
        counter: 9,
        ..stamp()
    };
    assert_eq!(
        home.refused(&sign(gap)),
        chain(ChainFault::Counter { expected: 3 })
    );
    let previous = Stamp {
        previous: home.log[0].hash(),
        ..stamp()
    };
    assert_eq!(home.refused(&sign(previous)), chain(ChainFault::Previous));
    let elsewhere = Stamp {
        log: hythe_model::SpaceId([1; 32]),
        ..stamp()
    };
    assert_eq!(home.refused(&sign(elsewhere)), chain(ChainFault::Log));
    home.keep(&offer);
    assert_eq!(home.refused(&offer), AccountRefusal::Behind);
}

#[test]
fn an_account_starts_with_its_own_genesis_only() {
    let home = Home::new();
    let log = ChainFault::Log;
    assert_eq!(
        AccountState::start(&home.log[1]),
        Err(AccountRefusal::BadChain(log))
    );
    assert_eq!(AccountState::replay([]), Err(AccountRefusal::BadChain(log)));
    // Signed by another device than the one it names.
    let other = SigningKey::from_seed(&hythe_model::Secret32::new([5; 32]));
    let genesis = one(home.log[0].operations()[0].clone());
    let stamp = Stamp::genesis(OperationId([1; 16]), Head::START, NOW);
    let genesis = genesis.sign(stamp, &other).unwrap();
    assert_eq!(
        AccountState::start(&genesis),
        Err(AccountRefusal::Signature)
    );
}

#[test]
fn a_lost_tail_can_be_sent_again_as_it_was() {
    let mut home = Home::new();
    home.second();
    // The server came back with a copy from before the second device.
    let mut restored = AccountState::replay(&home.log[..2]).unwrap();
    for change_set in &home.log[2..] {
        restored.append(Moment::Replaying, change_set).unwrap();
    }
    assert_eq!(restored, home.account);
}
