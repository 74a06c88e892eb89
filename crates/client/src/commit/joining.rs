//! Links that make members: making them, taking them back, taking them up.

use hythe_content::open_space_name;
use hythe_model::{DeviceId, OperationId, Role, SpaceId, SpaceName};
use hythe_space::flow::{JoinSecret, JoinTerms, offer_join, offered_secret, take_up};
use hythe_space::join::WithdrawJoin;
use hythe_space::{
    AuthorRecord, ChangeSet, Draft, Entropy, JoinOfferRecord, NameRecord, Operation, Record,
    SigningKey, Stamp, View,
};
use hythe_wire::join::JoinTermsReply;
use hythe_wire::log::CommitRequest;

use super::CommitError;
use super::govern::{Plan, current, one};
use super::keys::not_wrapped;
use crate::net::ApiError;
use crate::replica::{Applied, Position, Replica, ReplicaError, RowsView, now_ms};
use crate::state::{Rows, StateError};

impl Replica {
    /// Makes an offer by which one account joins with a role, and says until when it holds.
    ///
    /// # Errors
    /// See [`CommitError`], here and below.
    pub async fn offer_join(&self, role: Role) -> Result<(Applied, JoinSecret, i64), CommitError> {
        let mut offering = Offering { role, made: None };
        let applied = self.govern(&mut offering).await?;
        let (secret, expires_ms) = offering.made.ok_or(CommitError::NoKey)?;
        Ok((applied, secret, expires_ms))
    }

    /// Takes an offer back that nobody has taken up; false where there is none (any more). In a
    /// sealed space the key is renewed with it, which ends all offers: the server keeps what was
    /// wrapped to whoever has the link, and must not open it with them.
    pub async fn withdraw_join(&self, key: DeviceId) -> Result<(Applied, bool), CommitError> {
        let mut withdrawal = Withdrawal { key, done: false };
        let applied = self.govern(&mut withdrawal).await?;
        Ok((applied, withdrawal.done))
    }

    /// The offers that can be taken up by what the log says: their time is the server's to judge.
    ///
    /// # Errors
    /// Those of the state.
    pub fn join_offers(&self) -> Result<Vec<JoinOfferRecord>, StateError> {
        let space = self.number;
        let read = |rows: &Rows<'_>| {
            let view = RowsView { rows, space };
            Ok::<_, StateError>((view.space()?, view.all_offers()?))
        };
        let (record, mut offers) = self.session.state.read(read)?;
        let epoch = record.map(|record| record.key_epoch);
        offers.retain(|offer| {
            let unused = offer.taken.is_none() && offer.withdrawn.is_none();
            unused && Some(offer.epoch) == epoch
        });
        Ok(offers)
    }

    /// Takes up an offer: this account becomes a member, and the log is read.
    pub async fn join(&self, secret: &JoinSecret) -> Result<Applied, CommitError> {
        let mut position = self.enter().await?;
        let told = self.told(secret).await?;
        let change_set = self.taking_up(&told, secret).await?;
        self.send(&mut position, change_set, Vec::new()).await?;
        Ok(self.untold.tell(position.head))
    }

    /// What a space is called into which an offer lets files be put; none where it does not open.
    pub async fn name_offered(
        &self,
        secret: &JoinSecret,
    ) -> Result<Option<SpaceName>, CommitError> {
        let told = self.told(secret).await?;
        let current = offered_secret(&self.terms(&told), secret)?;
        let name = told.name.filter(|name| name.epoch == told.offer.epoch);
        Ok(name.and_then(|name| {
            let sealed = name.sealed.as_bytes();
            let opened = open_space_name(&current, self.space, name.epoch, sealed);
            opened.ok().flatten()
        }))
    }

    /// Takes up an offer that lets files be put and nothing be read: this account becomes a member,
    /// and that is all it will see of the log.
    pub async fn join_to_put(&self, secret: &JoinSecret) -> Result<(), CommitError> {
        let told = self.told(secret).await?;
        let change_set = self.taking_up(&told, secret).await?;
        let request = CommitRequest {
            change_set: change_set.encoded().to_vec().into(),
            attached: Vec::new(),
        };
        let sent = self.session.api.commit(self.space, &request).await;
        sent.map_err(ReplicaError::Api)?;
        Ok(())
    }

    async fn told(&self, secret: &JoinSecret) -> Result<Told, ReplicaError> {
        let key = secret.key().device_id();
        let told = self.session.api.join_terms(self.space, key).await;
        Told::read(self.space, &told.map_err(ReplicaError::Api)?)
    }

    fn terms<'t>(&self, told: &'t Told) -> JoinTerms<'t> {
        JoinTerms {
            space: self.space,
            epoch: told.offer.epoch,
            wrapped: &told.offer.wrapped,
        }
    }

    async fn taking_up(&self, told: &Told, secret: &JoinSecret) -> Result<ChangeSet, CommitError> {
        let (accounts, own) = (&self.session.accounts, self.session.device.account);
        accounts.refresh(own).await?;
        let account = accounts.get(own).await?;
        let mut entropy = Entropy::system()?;
        let join = take_up(&self.terms(told), secret, &account, &mut entropy);
        let stamp = Stamp::next(
            self.space,
            told.author.as_ref(),
            told.head,
            account.head(),
            told.offer.epoch,
            OperationId(entropy.bytes()),
            now_ms(),
        );
        let signing = SigningKey::from_seed(&self.session.device.signing);
        Ok(one(Operation::Join(join.map_err(not_wrapped)?)).sign(stamp, &signing)?)
    }
}

/// What the server tells of an offer. Nothing vouches for it: what does not fit opens nothing, or is
/// refused.
struct Told {
    head: hythe_model::Head,
    offer: JoinOfferRecord,
    author: Option<AuthorRecord>,
    name: Option<NameRecord>,
}

impl Told {
    fn read(space: SpaceId, reply: &JoinTermsReply) -> Result<Self, ReplicaError> {
        let malformed = || ApiError::Malformed("the offer is none of this space".into());
        let record = |bytes: &[u8]| Record::decode(bytes).map_err(ApiError::malformed);
        let name = match record(&reply.space)? {
            Record::Space(record) if record.genesis.0 == space.0 => record.name,
            _ => return Err(malformed().into()),
        };
        let Record::JoinOffer(offer) = record(&reply.offer)? else {
            return Err(malformed().into());
        };
        let author = match reply
            .author
            .as_deref()
            .map(|bytes| record(bytes))
            .transpose()?
        {
            Some(Record::Author(author)) => Some(author),
            None => None,
            Some(_) => return Err(malformed().into()),
        };
        Ok(Self {
            head: reply.head,
            offer,
            author,
            name,
        })
    }
}

struct Offering {
    role: Role,
    made: Option<(JoinSecret, i64)>,
}

impl Plan for Offering {
    async fn draft(
        &mut self,
        replica: &Replica,
        position: &Position,
    ) -> Result<Option<Draft>, CommitError> {
        let mut entropy = Entropy::system()?;
        let current = current(position)?;
        let offered = offer_join(replica.space, current, self.role, now_ms(), &mut entropy);
        let (offer, secret) = offered.map_err(not_wrapped)?;
        self.made = Some((secret, offer.expires_ms));
        Ok(Some(one(Operation::OfferJoin(offer))))
    }
}

struct Withdrawal {
    key: DeviceId,
    done: bool,
}

impl Plan for Withdrawal {
    async fn draft(
        &mut self,
        replica: &Replica,
        position: &Position,
    ) -> Result<Option<Draft>, CommitError> {
        let offers = replica.join_offers()?;
        self.done = offers.iter().any(|offer| offer.key.device_id() == self.key);
        if !self.done {
            return Ok(None);
        }
        let mut draft = one(Operation::WithdrawJoin(WithdrawJoin { key: self.key }));
        if position.standing.as_ref().is_some_and(|now| !now.open) {
            draft.extend(replica.draft_epoch(position, None).await?);
        }
        Ok(Some(draft))
    }
}
