//! Passwords and recovery codes in the log of an account.

use hythe_space::account::operation::{KemGeneration, SetKeyholder, Slot};
use hythe_space::flow::{
    Enrolled, KeyholderSecret, add_device_offer, create_account, enrol_with_keyholder,
    enrol_with_offer, remove_all_devices, remove_device, set_keyholders,
};
use hythe_space::{
    AccountKeys, AccountRefusal, AccountState, ChangeSet, Draft, Entropy, KemSecret, Moment,
    Operation, SigningKey, Stamp,
};

use crate::world::NOW;

struct Home {
    entropy: Entropy,
    account: AccountState,
    key: SigningKey,
    kem: KemSecret,
    log: Vec<ChangeSet>,
}

fn password(text: u8) -> KeyholderSecret {
    KeyholderSecret::of_password(&[text; 64])
}

fn code(text: u8) -> KeyholderSecret {
    KeyholderSecret::of_recovery(&[text; 20])
}

impl Home {
    fn new() -> Self {
        let mut entropy = Entropy::from_seed(&[5; 32]);
        let made = create_account(NOW, &mut entropy).unwrap();
        Self {
            entropy,
            account: made.state,
            key: made.key,
            kem: made.device_kem,
            log: made.log,
        }
    }

    /// With password 1 and recovery code 1.
    fn with_both() -> Self {
        let mut home = Self::new();
        let both = [
            (Slot::Password, Some(&password(1))),
            (Slot::Recovery, Some(&code(1))),
        ];
        let change_set = home.set(&both);
        home.keep(&change_set);
        home
    }

    fn keys(&self) -> AccountKeys {
        AccountKeys::open(&self.account, self.key.device_id(), &self.kem).unwrap()
    }

    fn set(&mut self, holders: &[(Slot, Option<&KeyholderSecret>)]) -> ChangeSet {
        let keys = self.keys();
        set_keyholders(
            &self.account,
            &self.key,
            &keys,
            holders,
            NOW,
            &mut self.entropy,
        )
        .unwrap()
    }

    fn keep(&mut self, change_set: &ChangeSet) {
        let moment = Moment::Accepting { now_ms: NOW };
        self.account.append(moment, change_set).unwrap();
        self.log.push(change_set.clone());
        assert_eq!(AccountState::replay(&self.log).unwrap(), self.account);
        let stored = AccountState::decode(&self.account.encode()).unwrap();
        assert_eq!(stored, self.account);
    }

    fn refused(&self, change_set: &ChangeSet) -> AccountRefusal {
        let mut account = self.account.clone();
        account.append(Moment::Replaying, change_set).unwrap_err()
    }

    fn log_in(&mut self, secret: &KeyholderSecret) -> Option<Enrolled> {
        let enrolled = enrol_with_keyholder(&self.account, secret, NOW, &mut self.entropy).ok()?;
        self.keep(&enrolled.change_set);
        Some(enrolled)
    }

    fn signed(&self, operations: Vec<Operation>, key: &SigningKey) -> ChangeSet {
        let mut draft = Draft::new();
        operations
            .into_iter()
            .for_each(|operation| draft.push(operation));
        let holder = self.account.keyholder_of(key.device_id());
        let (counter, previous) = match (holder, self.account.device(key.device_id())) {
            (Some((_, record)), _) => (record.counter + 1, record.last),
            (None, Some(record)) => (record.counter + 1, record.last),
            _ => (1, hythe_space::header::NO_PREVIOUS),
        };
        let (id, head) = (self.account.id(), self.account.head());
        let operation = hythe_model::OperationId([8; 16]);
        draft
            .sign(
                Stamp::account(id, head, counter, previous, operation, NOW),
                key,
            )
            .unwrap()
    }
}

fn opens(account: &AccountState, enrolled: &Enrolled) -> bool {
    let device = enrolled.key.device_id();
    AccountKeys::open(account, device, &enrolled.device_kem).is_ok()
}

#[test]
fn d10_password_and_recovery_code_each_let_a_device_in_again_and_again() {
    let mut home = Home::with_both();
    for secret in [password(1), code(1), password(1)] {
        let enrolled = home.log_in(&secret).unwrap();
        assert!(opens(&home.account, &enrolled));
        assert!(home.account.is_active(enrolled.key.device_id()));
    }
    assert!(home.log_in(&password(2)).is_none() && home.log_in(&code(2)).is_none());
    assert!(
        home.log_in(&KeyholderSecret::of_recovery(&[1; 20]))
            .is_some()
    );
}

#[test]
fn e7_a_new_password_ends_the_old_one_and_the_key_it_knew() {
    let mut home = Home::with_both();
    let (_, before) = home
        .account
        .keyholder_of(password(1).key().device_id())
        .unwrap();
    let wrapped = before.wrapped.clone();
    let changed = home.set(&[(Slot::Password, Some(&password(2)))]);
    home.keep(&changed);
    assert_eq!(home.account.generation(), 2);
    assert!(home.log_in(&password(1)).is_none());
    let now = home.account.keyholder(Slot::Recovery).unwrap();
    assert!(now.wrapped != wrapped);
    for secret in [password(2), code(1)] {
        let enrolled = home.log_in(&secret).unwrap();
        let (generation, _) = enrolled.keys.current().unwrap();
        assert_eq!(generation, 2);
        assert!(opens(&home.account, &enrolled));
    }
}

#[test]
fn e7_replacing_a_password_without_a_new_key_is_refused() {
    let mut home = Home::with_both();
    let removed = Operation::SetKeyholder(SetKeyholder {
        slot: Slot::Password,
        holder: None,
    });
    let alone = home.signed(vec![removed.clone()], &home.key);
    assert_eq!(home.refused(&alone), AccountRefusal::Wraps);
    let whole = home.set(&[(Slot::Password, None)]);
    home.keep(&whole);
    assert!(home.account.keyholder(Slot::Password).is_none());
    assert!(home.log_in(&password(1)).is_none());
    assert!(home.log_in(&code(1)).is_some());
}

#[test]
fn a_device_is_removed_without_anybody_typing_a_password() {
    let mut home = Home::with_both();
    let second = home.log_in(&password(1)).unwrap();
    let keys = home.keys();
    let device = second.key.device_id();
    let removal = remove_device(
        &home.account,
        &home.key,
        &keys,
        device,
        NOW,
        &mut home.entropy,
    )
    .unwrap();
    home.keep(&removal);
    assert_eq!(home.account.generation(), 2);
    assert!(!opens(&home.account, &second));
    let third = home.log_in(&code(1)).unwrap();
    assert!(opens(&home.account, &third));
}

#[test]
fn e7_a_new_key_that_leaves_the_password_out_is_refused() {
    let mut home = Home::with_both();
    let second = home.log_in(&password(1)).unwrap();
    let keys = home.keys();
    let device = second.key.device_id();
    let removal = remove_device(
        &home.account,
        &home.key,
        &keys,
        device,
        NOW,
        &mut home.entropy,
    )
    .unwrap();
    let mut operations = removal.operations().to_vec();
    let Some(Operation::KemGeneration(KemGeneration { wraps, .. })) = operations.last_mut() else {
        panic!("no generation")
    };
    wraps.retain(|wrap| wrap.device != password(1).key().device_id());
    let partial = home.signed(operations, &home.key);
    assert_eq!(home.refused(&partial), AccountRefusal::Wraps);
}

#[test]
fn a_password_signs_devices_and_nothing_else() {
    let mut home = Home::with_both();
    let change = home.set(&[(Slot::Recovery, Some(&code(2)))]);
    let forged = home.signed(change.operations().to_vec(), &password(1).key());
    assert_eq!(home.refused(&forged), AccountRefusal::Author);
    let keys = home.keys();
    let offer = add_device_offer(&home.account, &home.key, &keys, NOW, &mut home.entropy).unwrap();
    let forged = home.signed(offer.change_set.operations().to_vec(), &password(1).key());
    assert_eq!(home.refused(&forged), AccountRefusal::Author);
    let only = vec![change.operations().last().unwrap().clone()];
    let forged = home.signed(only, &password(1).key());
    assert_eq!(home.refused(&forged), AccountRefusal::Author);
}

#[test]
fn a17_what_a_password_signed_is_not_taken_twice() {
    let mut home = Home::with_both();
    let enrolled = home.log_in(&password(1)).unwrap();
    assert_eq!(home.refused(&enrolled.change_set), AccountRefusal::Behind);
    let (_, record) = home
        .account
        .keyholder_of(password(1).key().device_id())
        .unwrap();
    assert_eq!(record.counter, 1);
}

#[test]
fn an_account_for_somebody_else_has_only_a_password() {
    let mut home = Home::new();
    let set = home.set(&[(Slot::Password, Some(&password(1)))]);
    home.keep(&set);
    let removal = remove_all_devices(&home.account, &password(1), NOW, &mut home.entropy).unwrap();
    home.keep(&removal);
    assert!(!home.account.is_active(home.key.device_id()));
    assert!(AccountKeys::open(&home.account, home.key.device_id(), &home.kem).is_err());
    let first = home.log_in(&password(1)).unwrap();
    assert!(opens(&home.account, &first));
}

#[test]
fn one_key_cannot_be_two_things() {
    let mut home = Home::with_both();
    let keys = home.keys();
    let twice = [(Slot::Recovery, Some(&password(1)))];
    let refused = set_keyholders(
        &home.account,
        &home.key,
        &keys,
        &twice,
        NOW,
        &mut home.entropy,
    );
    assert!(refused.is_err());
    // An offer and a password stand beside each other.
    let offer = add_device_offer(&home.account, &home.key, &keys, NOW, &mut home.entropy).unwrap();
    home.keep(&offer.change_set);
    assert!(enrol_with_offer(&home.account, &offer.secret, NOW, &mut home.entropy).is_ok());
    assert!(home.log_in(&password(1)).is_some());
}

#[test]
fn a15_a_keyholder_has_to_consent() {
    let mut home = Home::new();
    let set = home.set(&[(Slot::Password, Some(&password(1)))]);
    let mut operations = set.operations().to_vec();
    let Some(Operation::SetKeyholder(SetKeyholder {
        holder: Some(holder),
        ..
    })) = operations.first_mut()
    else {
        panic!("no keyholder")
    };
    holder.consent = holder.card.consent(home.account.id(), &home.key);
    let forged = home.signed(operations, &home.key);
    assert_eq!(home.refused(&forged), AccountRefusal::Signature);
}
