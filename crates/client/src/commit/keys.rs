//! Renewing a space's secret.

use hythe_model::Role;
use hythe_space::flow::{EpochPlan, FlowError, Recipient, new_epoch};
use hythe_space::{
    AccountState, CryptoError, Draft, Entropy, MemberRecord, Operation, SigningKey, View,
};

use super::CommitError;
use crate::replica::{Applied, Position, Replica, ReplicaError, RowsView, seal_previous};
use crate::state::StateError;

/// How often others may write in the space while its secret is renewed.
const TRIES: usize = 5;

impl Replica {
    /// Starts a new key epoch, so that a device or member that left can open nothing that is
    /// written from now on (E7). What was written before stays readable to those who could.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn renew_keys(&self) -> Result<Applied, CommitError> {
        self.renew(|| Ok(true)).await
    }

    /// The same, if it is due: where a device of a member was removed since the secret was wrapped
    /// to it. Of many devices that see this at once, one does it.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn renew_keys_if_due(&self) -> Result<Applied, CommitError> {
        if self.keys_are_due()? {
            return self.renew(|| self.keys_are_due()).await;
        }
        Ok(Applied::default())
    }

    /// Whether a member's key is of a newer generation than the one that the space's secret is
    /// wrapped to, as far as this device knows, and this account is one that may renew it. Follows
    /// from the logs alone, so that no crash makes it forgotten.
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
        Ok(members.iter().any(owner) && members.iter().any(newer))
    }

    fn members(&self) -> Result<Vec<MemberRecord>, StateError> {
        let space = self.number;
        self.session
            .state
            .read(|rows| RowsView { rows, space }.members())
    }

    /// Starts a new key epoch, while it is `wanted` still: others may have done it meanwhile.
    async fn renew(
        &self,
        wanted: impl Fn() -> Result<bool, StateError>,
    ) -> Result<Applied, CommitError> {
        let mut position = self.enter().await?;
        self.settle(&mut position).await?;
        self.read_to_head(&mut position).await?;
        let mut tries = 0;
        while wanted()? {
            let draft = self.draft_epoch(&position).await?;
            let (epoch, _) = position
                .keyring
                .current_secret()
                .ok_or(CommitError::NoKey)?;
            let stamp = self.stamp(&position, epoch).await?;
            let signing = SigningKey::from_seed(&self.session.device.signing);
            let change_set = draft.sign(stamp, &signing)?;
            match self.send(&mut position, change_set, Vec::new()).await {
                Err(CommitError::Refused { applied, there }) => {
                    self.untold.take_back(applied);
                    tries += 1;
                    if tries > TRIES {
                        let applied = Applied::default();
                        return Err(CommitError::Refused { there, applied });
                    }
                }
                Ok(()) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(self.untold.tell(position.head))
    }

    /// The operation that starts the next epoch, its secret wrapped to every member as it is now.
    async fn draft_epoch(&self, position: &Position) -> Result<Draft, CommitError> {
        let (epoch, before) = position
            .keyring
            .current_secret()
            .ok_or(CommitError::NoKey)?;
        let members = self.members()?;
        let mut recipients = Vec::with_capacity(members.len());
        for member in members {
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
        draft.push(Operation::NewEpoch(operation));
        Ok(draft)
    }
}

/// Wrapping fails only where a member's key is none.
fn not_wrapped(error: FlowError) -> CommitError {
    match error {
        FlowError::Draft(error) => error.into(),
        FlowError::Crypto(error) => error.into(),
        _ => CommitError::Replica(ReplicaError::Keys(CryptoError::Key)),
    }
}
