//! What this device tells the others of how far it was shown the space, and what it makes of what they
//! tell: E3 among devices (A17, A18, A32).
//!
//! The server passes sightings on. It can hold them back, which leaves everybody where they were, and
//! it cannot make any. What was heard is remembered, the furthest of each device, so a server that shows
//! less or something else later is measured by it.
//!
//! A sighting that lies ahead accuses nobody yet: the log is read after it was heard, and an honest
//! server, which had shown that device as much before, then shows at least as much here. So what is
//! ahead is looked up *before* a reading begins and judged when it has ended.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hythe_model::{AccountId, ChainHash, Cursor, DeviceId, Head, Role, ServerEpoch, SpaceId};
use hythe_space::sighting::{Known, Verdict};
use hythe_space::{PublicKey, Sighting, SignedSighting, SigningKey, View};
use hythe_wire::sighting::SightingsReply;

use super::catch_up::now_ms;
use super::contradiction::{Contradiction, Lie};
use super::view::RowsView;
use super::{Alarm, Applied, Position, Replica, ReplicaError, Session};
use crate::keys::DeviceKeys;
use crate::state::{Rows, SightingRow, SpaceNumber, StateError};

/// What was heard, as it is in the state.
pub(super) struct Heard(Mutex<Arc<Vec<SightingRow>>>);

impl Heard {
    pub(super) fn load(
        session: &Session,
        space: SpaceId,
        number: SpaceNumber,
    ) -> Result<Self, StateError> {
        let mut rows = session.state.read(|rows| rows.sightings(number))?;
        let own = session.device.device;
        if rows.iter().all(|row| row.signed.sighting().device != own) {
            rows.extend(told(&session.device, space));
        }
        Ok(Self(Mutex::new(Arc::new(rows))))
    }

    fn all(&self) -> Arc<Vec<SightingRow>> {
        Arc::clone(&self.lock())
    }

    fn put(&self, row: SightingRow) {
        let mut rows = self.lock();
        let rows = Arc::make_mut(&mut rows);
        let device = row.signed.sighting().device;
        rows.retain(|known| known.signed.sighting().device != device);
        rows.push(row);
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Vec<SightingRow>>> {
        // No code that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the device that let this one in has told of a space. It stands as this device's own word, which
/// nobody sends it: of itself it needs to hear nothing.
fn told(device: &DeviceKeys, space: SpaceId) -> Option<SightingRow> {
    let told = device.told.as_ref()?;
    let sighting = Sighting {
        suite: 0,
        space,
        head: told.head(space)?,
        epoch: told.epoch(),
        account: device.account,
        device: device.device,
        time_ms: 0,
    };
    Some(SightingRow {
        signed: sighting.sign(&SigningKey::from_seed(&device.signing)),
        disbelieved: false,
    })
}

/// The last word of another device that agrees with what is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmed {
    /// Whose device.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
    /// How far it had read.
    pub at: Cursor,
    /// When, by its clock, in milliseconds since 1970.
    pub time_ms: i64,
}

impl Replica {
    /// Tells the others how far this device has read, hears how far they have, and reads on where
    /// that is further.
    ///
    /// # Errors
    /// See [`ReplicaError`]; [`Alarm::Contradicted`] when the server has shown others something else.
    pub async fn exchange_sightings(&self) -> Result<Applied, ReplicaError> {
        let position = self.enter().await?;
        let own = self.own_sighting()?;
        drop(position);
        let Some(own) = own else {
            return Ok(Applied::default());
        };
        let (api, signed) = (&self.session.api, own.encode());
        match api.exchange_sightings(self.space, signed).await {
            Ok(reply) => self.hear(&reply).await?,
            Err(error) => return Err(self.suspect(error.into()).await),
        }
        let mut position = self.enter().await?;
        let judged = self.judge_known(&position);
        let is_behind = judged.is_ok() && !self.ahead(&position)?.is_empty();
        match judged {
            Err(error) => return Err(self.suspect(error).await),
            Ok(()) if is_behind => self.read_to_head(&mut position).await?,
            Ok(()) => {}
        }
        Ok(self.untold.tell(position.head))
    }

    /// How far this device was shown the space, and in which life of the server's data; none before it
    /// was read.
    ///
    /// # Errors
    /// The state's.
    pub fn seen(&self) -> Result<Option<(ServerEpoch, Head)>, StateError> {
        let number = self.number;
        let row = self.session.state.read(|rows| rows.space(number))?;
        let row = row.filter(|row| row.common.is_none() && row.head != Head::START);
        Ok(row.and_then(|row| Some((row.server_epoch?, row.head))))
    }

    /// What this device can say of the space.
    fn own_sighting(&self) -> Result<Option<SignedSighting>, ReplicaError> {
        let Some((epoch, head)) = self.seen()? else {
            return Ok(None);
        };
        let device = &self.session.device;
        let sighting = Sighting {
            suite: 0,
            space: self.space,
            head,
            epoch,
            account: device.account,
            device: device.device,
            time_ms: now_ms(),
        };
        Ok(Some(sighting.sign(&SigningKey::from_seed(&device.signing))))
    }

    /// Remembers what others said, as far as they may and it is news.
    async fn hear(&self, reply: &SightingsReply) -> Result<(), ReplicaError> {
        // Whether the server began a new life meanwhile is found when the log is read.
        if self.life()? != Some(reply.epoch) {
            return Ok(());
        }
        let mut asked = BTreeSet::new();
        for bytes in &reply.sightings {
            let Ok(signed) = SignedSighting::decode(bytes) else {
                continue;
            };
            if self.is_news(signed.sighting(), reply.epoch)?
                && self.is_signed(&signed, &mut asked).await?
            {
                self.remember(signed, false).await?;
            }
        }
        Ok(())
    }

    /// Whether somebody who may says something new.
    fn is_news(&self, said: &Sighting, epoch: ServerEpoch) -> Result<bool, StateError> {
        let heard = self.heard.all();
        let mut heard = heard.iter().map(|row| row.signed.sighting());
        let before = heard.find(|known| known.device == said.device);
        let is_new = match before {
            Some(before) => said.replaces(before, epoch),
            None => said.epoch == epoch,
        };
        let is_other = said.space == self.space && said.device != self.session.device.device;
        Ok(is_new && is_other && self.may_speak(said.account)?)
    }

    /// Whether the device it names, which belongs to its account now, signed it. An account's log is
    /// read on for a device that is not known, of each account once: `asked` are those.
    async fn is_signed(
        &self,
        signed: &SignedSighting,
        asked: &mut BTreeSet<AccountId>,
    ) -> Result<bool, ReplicaError> {
        let said = signed.sighting();
        if self.key_of(said).is_none() && asked.insert(said.account) {
            match self.session.accounts.refresh(said.account).await {
                // An account that is gone says nothing any more.
                Err(ReplicaError::Api(error)) => {
                    tracing::debug!(%error, account = %said.account, "the account was not read");
                }
                read => drop(read?),
            }
        }
        let key = self.key_of(said);
        Ok(key.is_some_and(|key| signed.verify(&key).is_ok()))
    }

    fn key_of(&self, said: &Sighting) -> Option<PublicKey> {
        let accounts = self.session.accounts.all();
        let account = accounts.get(said.account)?;
        let is_active = account.is_active(said.device);
        let card = &account.device(said.device).filter(|_| is_active)?.card;
        Some(card.key)
    }

    /// Whether an account's devices read the space: a member that may, and not the server.
    fn may_speak(&self, account: AccountId) -> Result<bool, StateError> {
        let space = self.number;
        self.session.state.read(|rows| {
            let view = RowsView { rows, space };
            let server = view.space()?.and_then(|record| record.server);
            let role = view.member(account)?.and_then(|member| member.role);
            Ok(server != Some(account) && role.is_some_and(|role| role != Role::Drop))
        })
    }

    async fn remember(&self, signed: SignedSighting, disbelieved: bool) -> Result<(), StateError> {
        let row = SightingRow {
            signed,
            disbelieved,
        };
        let (number, kept) = (self.number, row.clone());
        let write = move |tx: &crate::state::Tx<'_>| tx.put_sighting(number, &kept);
        self.session.state.write(write).await?;
        self.heard.put(row);
        Ok(())
    }

    /// The life of the server's data that was read; none before it was.
    fn life(&self) -> Result<Option<ServerEpoch>, StateError> {
        let number = self.number;
        let row = self.session.state.read(|rows| rows.space(number))?;
        Ok(row.and_then(|row| row.server_epoch))
    }

    /// Whether who said it may speak still. What this device was told when it was let in counts before
    /// it has read who the members are.
    fn counts(&self, said: &Sighting) -> Result<bool, StateError> {
        if said.device == self.session.device.device {
            return Ok(true);
        }
        Ok(self.key_of(said).is_some() && self.may_speak(said.account)?)
    }

    /// What counts: by who may speak still, and not waved aside by a person.
    fn counting(&self, position: &Position, wanted: impl Fn(&Sighting) -> bool) -> Counting {
        let heard = self.heard.all();
        let believed = heard.iter().filter(|row| !row.disbelieved);
        let said: Vec<Sighting> = believed
            .map(|row| *row.signed.sighting())
            .filter(|said| !position.other_life && wanted(said))
            .collect();
        if said.is_empty() {
            return Ok(None);
        }
        let Some(life) = self.life()? else {
            return Ok(None);
        };
        let mut counting = Vec::new();
        for one in said {
            if self.counts(&one)? {
                counting.push(one);
            }
        }
        Ok(Some((life, counting)))
    }

    /// What was heard of positions that this device has not read. To be asked for before the log is
    /// read on.
    pub(super) fn ahead(&self, position: &Position) -> Result<Vec<Sighting>, StateError> {
        let end = position.head.cursor;
        let counting = self.counting(position, |said| said.head.cursor > end)?;
        let Some((epoch, mut said)) = counting else {
            return Ok(Vec::new());
        };
        let known = Known {
            epoch,
            end,
            chain: None,
        };
        said.retain(|one| one.compare(&known) == Verdict::Ahead);
        Ok(said)
    }

    /// Judges what was ahead when the server began to show all that it has.
    pub(super) fn judge_ahead(
        &self,
        position: &Position,
        ahead: &[Sighting],
    ) -> Result<(), ReplicaError> {
        let end = position.head.cursor;
        let mut furthest: Option<&Sighting> = None;
        for said in ahead.iter().filter(|said| said.head.cursor > end) {
            // Who was removed in what was read says nothing any more.
            let is_further = furthest.is_none_or(|other| other.head.cursor < said.head.cursor);
            if is_further && self.counts(said)? {
                furthest = Some(said);
            }
        }
        match furthest {
            Some(said) => Err(contradicted(Lie::Withheld { end }, said)),
            None => self.judge_known(position),
        }
    }

    /// Judges what was heard of positions that this device has read.
    pub(super) fn judge_known(&self, position: &Position) -> Result<(), ReplicaError> {
        let end = position.head.cursor;
        let counting = self.counting(position, |said| said.head.cursor <= end)?;
        let Some((epoch, said)) = counting else {
            return Ok(());
        };
        for one in &said {
            let chain = self.chain_at(one.head.cursor)?;
            if one.compare(&Known { epoch, end, chain }) == Verdict::Differs {
                return Err(contradicted(Lie::Fork, one));
            }
        }
        Ok(())
    }

    fn chain_at(&self, at: Cursor) -> Result<Option<ChainHash>, StateError> {
        if at == Cursor::START {
            return Ok(Some(ChainHash::START));
        }
        let number = self.number;
        let read = |rows: &Rows<'_>| rows.chain_at(number, at);
        self.session.state.read(read)
    }

    /// The last word of another device that agrees with what is known here: how old what this device
    /// was shown may be, at most.
    ///
    /// # Errors
    /// The state's.
    pub fn confirmed(&self) -> Result<Option<Confirmed>, StateError> {
        let mut last: Option<Sighting> = None;
        for row in self.heard.all().iter() {
            let said = *row.signed.sighting();
            if said.device == self.session.device.device {
                continue;
            }
            let agrees = self.chain_at(said.head.cursor)? == Some(said.head.chain);
            if agrees && self.counts(&said)? && last.is_none_or(|last| last.time_ms < said.time_ms)
            {
                last = Some(said);
            }
        }
        Ok(last.map(|said| Confirmed {
            account: said.account,
            device: said.device,
            at: said.head.cursor,
            time_ms: said.time_ms,
        }))
    }

    /// A person has looked into it, and what contradicts the server is to count for nothing. Says
    /// whether there was any of it. What those devices say later counts again.
    ///
    /// # Errors
    /// See [`ReplicaError`].
    pub async fn disbelieve(&self) -> Result<bool, ReplicaError> {
        let mut position = self.enter().await?;
        let mut any = false;
        loop {
            let raised = match self.read_to_head(&mut position).await {
                Err(ReplicaError::Alarm(Alarm::Contradicted(raised))) => raised,
                read => return read.map(|()| any),
            };
            any = true;
            let heard = self.heard.all();
            let said = |row: &&SightingRow| row.signed.sighting().device == raised.device;
            let Some(row) = heard.iter().find(said) else {
                return Ok(any);
            };
            self.remember(row.signed.clone(), true).await?;
        }
    }
}

/// The life they are compared in, and the sightings; none where there are none.
type Counting = Result<Option<(ServerEpoch, Vec<Sighting>)>, StateError>;

pub(super) fn contradicted(lie: Lie, said: &Sighting) -> ReplicaError {
    Alarm::Contradicted(Contradiction::new(lie, said)).into()
}
