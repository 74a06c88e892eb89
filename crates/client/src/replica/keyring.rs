//! The secrets of a space's key epochs, opened for this device.

use std::collections::BTreeMap;
use std::sync::Arc;

use hythe_content::{EpochSecret, SpaceKeys, TagKey};
use hythe_model::{AccountId, KeyEpoch, Secret32, SpaceId};
use hythe_space::governance::{MemberWrap, SealedSecret};
use hythe_space::{AccountKeys, CryptoError, EpochRecord, Record, View};

use super::ReplicaError;
use super::records::EPOCHS;
use super::view::RowsView;
use crate::state::{Rows, SpaceNumber, StateError};

/// Keys of every epoch that this device may open. No `Debug`.
#[derive(Default)]
pub struct Keyring {
    epochs: BTreeMap<KeyEpoch, Arc<SpaceKeys>>,
    secrets: BTreeMap<KeyEpoch, Secret32>,
    tags: Option<Arc<TagKey>>,
}

impl Keyring {
    /// Opens what the records of a space hold for an account; nothing where they hold nothing.
    pub(super) fn load(
        rows: &Rows<'_>,
        number: SpaceNumber,
        space: SpaceId,
        account: AccountId,
        keys: &AccountKeys,
    ) -> Result<Self, ReplicaError> {
        let view = RowsView {
            rows,
            space: number,
        };
        let member = view.member(account)?;
        let Some(wrap) = member.and_then(|member| member.wrap) else {
            return Ok(Self::default());
        };
        let sealed = view.space()?.is_some_and(|record| !record.is_open());
        let secrets = secrets(space, &wrap, epochs(rows, number)?, keys)?;
        Ok(Self::derive(space, secrets, sealed))
    }

    /// Opens what a member's wrap and the records of key epochs hold; to open with, not to seal.
    pub(super) fn open(
        space: SpaceId,
        wrap: &MemberWrap,
        records: Vec<EpochRecord>,
        keys: &AccountKeys,
    ) -> Result<Self, ReplicaError> {
        let secrets = secrets(space, wrap, records, keys)?;
        Ok(Self::derive(space, secrets, false))
    }

    /// What is written in a sealed space is filled up (A31).
    fn derive(space: SpaceId, secrets: BTreeMap<KeyEpoch, Secret32>, sealed: bool) -> Self {
        let epoch_secret = |secret: &Secret32| EpochSecret::new(secret.clone());
        let derive = |(epoch, secret): (&KeyEpoch, &Secret32)| {
            let keys = SpaceKeys::derive(&space, *epoch, &epoch_secret(secret));
            let keys = if sealed { keys.padded() } else { keys };
            (*epoch, Arc::new(keys))
        };
        let epochs = secrets.iter().map(derive).collect();
        let first = secrets.get(&KeyEpoch::FIRST);
        let tags = first.map(|secret| Arc::new(TagKey::derive(&space, &epoch_secret(secret))));
        Self {
            epochs,
            secrets,
            tags,
        }
    }

    /// These keys, and those of epochs that only another has; to open with, not to seal.
    pub(super) fn joined(&self, other: &Self) -> Self {
        let mut epochs = other.epochs.clone();
        epochs.extend(
            self.epochs
                .iter()
                .map(|(epoch, keys)| (*epoch, Arc::clone(keys))),
        );
        Self {
            epochs,
            secrets: BTreeMap::new(),
            tags: self.tags.clone().or_else(|| other.tags.clone()),
        }
    }

    /// The keys of the newest epoch.
    pub fn current(&self) -> Option<Arc<SpaceKeys>> {
        self.epochs
            .last_key_value()
            .map(|(_, keys)| Arc::clone(keys))
    }

    /// The keys of one epoch.
    pub fn epoch(&self, epoch: KeyEpoch) -> Option<Arc<SpaceKeys>> {
        self.epochs.get(&epoch).cloned()
    }

    /// The keys of all epochs.
    pub(crate) fn epochs(&self) -> Vec<(KeyEpoch, Arc<SpaceKeys>)> {
        let epochs = self.epochs.iter();
        epochs
            .map(|(epoch, keys)| (*epoch, Arc::clone(keys)))
            .collect()
    }

    /// The key of name tags.
    pub fn tags(&self) -> Option<Arc<TagKey>> {
        self.tags.clone()
    }

    /// The secret of one epoch.
    pub(crate) fn secret(&self, epoch: KeyEpoch) -> Option<&Secret32> {
        self.secrets.get(&epoch)
    }

    /// The newest epoch and its secret.
    pub(crate) fn current_secret(&self) -> Option<(KeyEpoch, &Secret32)> {
        self.secrets
            .last_key_value()
            .map(|(epoch, secret)| (*epoch, secret))
    }
}

/// The secret of each key epoch that a member's wrap leads to.
fn secrets(
    space: SpaceId,
    wrap: &MemberWrap,
    mut records: Vec<EpochRecord>,
    keys: &AccountKeys,
) -> Result<BTreeMap<KeyEpoch, Secret32>, ReplicaError> {
    let mut secrets = BTreeMap::from([(wrap.epoch, keys.open_epoch(space, wrap)?)]);
    // Newest first: each opens the one before.
    records.sort_by_key(|record| std::cmp::Reverse(record.epoch));
    for record in records {
        let (Some(secret), Some(previous)) = (secrets.get(&record.epoch), &record.previous) else {
            continue;
        };
        let earlier = open_previous(space, record.epoch, secret, previous)?;
        secrets.insert(KeyEpoch(record.epoch.0.saturating_sub(1)), earlier);
    }
    Ok(secrets)
}

fn epochs(rows: &Rows<'_>, number: SpaceNumber) -> Result<Vec<EpochRecord>, StateError> {
    let decode = |bytes: Vec<u8>| match Record::decode(&bytes) {
        Ok(Record::Epoch(record)) => Ok(record),
        _ => Err(StateError::Invalid("record of the fold")),
    };
    rows.records(number, EPOCHS)?
        .into_iter()
        .map(decode)
        .collect()
}

/// Seals the secret of the epoch before `epoch` under the secret of `epoch`.
pub(crate) fn seal_previous(
    space: SpaceId,
    epoch: KeyEpoch,
    secret: &Secret32,
    previous: &Secret32,
) -> Option<SealedSecret> {
    SealedSecret::new(hythe_content::seal_previous(space, epoch, secret, previous))
}

fn open_previous(
    space: SpaceId,
    epoch: KeyEpoch,
    secret: &Secret32,
    sealed: &SealedSecret,
) -> Result<Secret32, CryptoError> {
    hythe_content::open_previous(space, epoch, secret, sealed.as_bytes())
        .map_err(|_| CryptoError::Unwrap)
}
