//! Renewing a space's secret.

use hythe_model::{AccountId, Role};
use hythe_space::flow::{EpochPlan, FlowError, Recipient, new_epoch};
use hythe_space::governance::Member;
use hythe_space::{AccountState, CryptoError, Draft, Entropy, MemberRecord, Operation, View};

use super::CommitError;
use super::govern::Plan;
use crate::replica::{Applied, Position, Replica, ReplicaError, RowsView, seal_previous};
use crate::state::StateError;

impl Replica {
    /// Starts a new key epoch, so that a device or member that left can open nothing that is
    /// written from now on (E7). What was written before stays readable to those who could.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn renew_keys(&self) -> Result<Applied, CommitError> {
        self.govern(&mut Renewal { only_if_due: false }).await
    }

    /// The same, if it is due: where a device of a member was removed since the secret was wrapped
    /// to it. Of many devices that see this at once, one does it.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn renew_keys_if_due(&self) -> Result<Applied, CommitError> {
        if self.keys_are_due()? {
            return self.govern(&mut Renewal { only_if_due: true }).await;
        }
        Ok(Applied::default())
    }

    /// Whether a member left by itself, or a member's key is of a newer generation than the one that
    /// the space's secret is wrapped to, as far as this device knows, and this account is one that
    /// may renew it. Follows from the logs alone, so that no crash makes it forgotten.
    ///
    /// # Errors
    /// Those of the state.
    pub fn keys_are_due(&self) -> Result<bool, StateError> {
        let members = self.members()?;
        let own = self.session.device.account;
        let owner =
            |member: &MemberRecord| member.account == own && member.role == Some(Role::Owner);
        let known = self.session.accounts.all();
        let newer = |member: &MemberRecord| {
            let wrapped = member.wrap.as_ref().map(|wrap| wrap.generation);
            let current = known.get(member.account).map(AccountState::generation);
            wrapped
                .zip(current)
                .is_some_and(|(wrapped, current)| wrapped < current)
        };
        Ok(members.iter().any(owner) && (self.renewal_is_due()? || members.iter().any(newer)))
    }

    /// Whether somebody left that knows the current secret.
    fn renewal_is_due(&self) -> Result<bool, StateError> {
        let space = self.number;
        let record = self
            .session
            .state
            .read(|rows| RowsView { rows, space }.space())?;
        Ok(record.is_some_and(|record| record.renewal_due.is_some()))
    }

    /// Everybody with a role, as the log was read so far.
    ///
    /// # Errors
    /// Those of the state.
    pub fn members(&self) -> Result<Vec<MemberRecord>, StateError> {
        let space = self.number;
        self.session
            .state
            .read(|rows| RowsView { rows, space }.members())
    }

    /// The operation that starts the next epoch, its secret wrapped to every member as it is now,
    /// but for one that is sent away.
    pub(super) async fn draft_epoch(
        &self,
        position: &Position,
        without: Option<AccountId>,
    ) -> Result<Draft, CommitError> {
        let (epoch, before) = position
            .keyring
            .current_secret()
            .ok_or(CommitError::NoKey)?;
        let members = self.members()?;
        let mut recipients = Vec::with_capacity(members.len());
        for member in members
            .iter()
            .filter(|member| Some(member.account) != without)
        {
            // The newest generation: an older one may be known to a device that left.
            self.session.accounts.refresh(member.account).await?;
            let account = self.session.accounts.get(member.account).await?;
            recipients.push(Recipient::of(&account)?);
        }
        let mut entropy = Entropy::system()?;
        let (epoch, secret) = (epoch.next(), entropy.secret());
        let plan = EpochPlan {
            space: self.space,
            epoch,
            secret: &secret,
            members: &recipients,
            previous: seal_previous(self.space, epoch, &secret, before),
        };
        let operation = new_epoch(plan, &mut entropy).map_err(not_wrapped)?;
        let mut draft = Draft::new();
        if let Some(account) = without {
            draft.push(removal(account));
        }
        draft.push(Operation::NewEpoch(operation));
        Ok(draft)
    }
}

/// A new key epoch; others may have started it meanwhile.
struct Renewal {
    only_if_due: bool,
}

impl Plan for Renewal {
    async fn draft(
        &mut self,
        replica: &Replica,
        position: &Position,
    ) -> Result<Option<Draft>, CommitError> {
        if self.only_if_due && !replica.keys_are_due()? {
            return Ok(None);
        }
        Ok(Some(replica.draft_epoch(position, None).await?))
    }
}

fn removal(account: AccountId) -> Operation {
    Operation::Member(Member {
        account,
        role: None,
        wrap: None,
    })
}

/// Wrapping fails only where a member's key is none.
pub(super) fn not_wrapped(error: FlowError) -> CommitError {
    match error {
        FlowError::Draft(error) => error.into(),
        FlowError::Crypto(error) => error.into(),
        _ => CommitError::Replica(ReplicaError::Keys(CryptoError::Key)),
    }
}
