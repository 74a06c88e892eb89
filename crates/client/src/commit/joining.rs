//! Links that make members: making them, taking them back, taking them up.

use hythe_model::{DeviceId, OperationId, Role, SpaceId};
use hythe_space::flow::{JoinSecret, JoinTerms, offer_join, take_up};
use hythe_space::join::WithdrawJoin;
use hythe_space::{
    AuthorRecord, Draft, Entropy, JoinOfferRecord, Operation, Record, SigningKey, Stamp, View,
};
use hythe_wire::join::JoinTermsReply;

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
        let key = secret.key().device_id();
        let told = self.session.api.join_terms(self.space, key).await;
        let told = Told::read(self.space, &told.map_err(ReplicaError::Api)?)?;
        let change_set = {
            let (accounts, own) = (&self.session.accounts, self.session.device.account);
            accounts.refresh(own).await?;
            let account = accounts.get(own).await?;
            let terms = JoinTerms {
                space: self.space,
                epoch: told.offer.epoch,
                wrapped: &told.offer.wrapped,
            };
            let mut entropy = Entropy::system()?;
            let join = take_up(&terms, secret, &account, &mut entropy).map_err(not_wrapped)?;
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
            one(Operation::Join(join)).sign(stamp, &signing)?
        };
        self.send(&mut position, change_set, Vec::new()).await?;
        Ok(self.untold.tell(position.head))
    }
}

/// What the server tells of an offer. Nothing vouches for it: what does not fit opens nothing, or is
/// refused.
struct Told {
    head: hythe_model::Head,
    offer: JoinOfferRecord,
    author: Option<AuthorRecord>,
}

impl Told {
    fn read(space: SpaceId, reply: &JoinTermsReply) -> Result<Self, ReplicaError> {
        let malformed = || ApiError::Malformed("the offer is none of this space".into());
        let record = |bytes: &[u8]| Record::decode(bytes).map_err(ApiError::malformed);
        let is_this = match record(&reply.space)? {
            Record::Space(record) => record.genesis.0 == space.0,
            _ => false,
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
        if !is_this {
            return Err(malformed().into());
        }
        Ok(Self {
            head: reply.head,
            offer,
            author,
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
