//! The keys of open spaces, as the server's device has them: a member like any other (D2).

use std::collections::BTreeMap;

use hythe_content::{EpochSecret, SpaceKeys, TagKey, open_previous, open_space_name};
use hythe_model::{KeyEpoch, Secret32, SpaceId, SpaceName};
use hythe_space::{NameRecord, Record};

use super::{Inner, view};
use crate::metadata::logs::Log;
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx};

/// Keys of the epochs of one space that the server may open. No `Debug`.
#[derive(Default)]
pub(super) struct Keyring {
    secrets: BTreeMap<KeyEpoch, Secret32>,
    epochs: BTreeMap<KeyEpoch, SpaceKeys>,
    tags: Option<TagKey>,
}

impl Keyring {
    /// The keys of a space; none where the server is no member.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn load(tx: &mut dyn Tx, inner: &Inner, log: &Log) -> Result<Self, DbError> {
        let (space, own) = (SpaceId(log.id), inner.account());
        let member = records::get(tx, log.no, RecordKind::Member, own.as_bytes())?;
        let wrap = match member.as_deref().map(view::record).transpose()? {
            Some(Record::Member(member)) => member.wrap,
            _ => None,
        };
        let Some(wrap) = wrap else {
            return Ok(Self::default());
        };
        let Ok(secret) = inner.identity.keys().open_epoch(space, &wrap) else {
            return Ok(Self::default());
        };
        let mut secrets = BTreeMap::from([(wrap.epoch, secret)]);
        // Newest first: each opens the one before.
        for bytes in records::all(tx, log.no, RecordKind::Epoch)?.iter().rev() {
            let Record::Epoch(record) = view::record(bytes)? else {
                continue;
            };
            let opened = match (secrets.get(&record.epoch), &record.previous) {
                (Some(secret), Some(previous)) => {
                    open_previous(space, record.epoch, secret, previous.as_bytes()).ok()
                }
                _ => None,
            };
            let before = KeyEpoch(record.epoch.0.saturating_sub(1));
            secrets.extend(opened.map(|opened| (before, opened)));
        }
        let derive = |(epoch, secret): (&KeyEpoch, &Secret32)| {
            let keys = SpaceKeys::derive(&space, *epoch, &EpochSecret::new(secret.clone()));
            (*epoch, keys)
        };
        let first = secrets.get(&KeyEpoch::FIRST).cloned();
        let tags = first.map(|secret| TagKey::derive(&space, &EpochSecret::new(secret)));
        let epochs = secrets.iter().map(derive).collect();
        Ok(Self {
            secrets,
            epochs,
            tags,
        })
    }

    /// The keys of one epoch.
    pub(super) fn epoch(&self, epoch: KeyEpoch) -> Option<&SpaceKeys> {
        self.epochs.get(&epoch)
    }

    /// A space's name.
    pub(super) fn name(&self, space: SpaceId, sealed: &NameRecord) -> Option<SpaceName> {
        let secret = self.secrets.get(&sealed.epoch)?;
        let opened = open_space_name(secret, space, sealed.epoch, sealed.sealed.as_bytes());
        opened.ok().flatten()
    }

    /// The key of name tags.
    pub(super) fn tags(&self) -> Option<&TagKey> {
        self.tags.as_ref()
    }
}
