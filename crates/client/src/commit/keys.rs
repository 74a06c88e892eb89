//! Renewing a space's secret.

use hythe_space::flow::{EpochPlan, FlowError, Recipient, new_epoch};
use hythe_space::{CryptoError, Draft, Entropy, Operation, SigningKey, View};

use super::CommitError;
use crate::replica::{Applied, Position, Replica, ReplicaError, RowsView, seal_previous};

/// How often others may write in the space while its secret is renewed.
const TRIES: usize = 5;

impl Replica {
    /// Starts a new key epoch, so that a device or member that left can open nothing that is
    /// written from now on (E7). What was written before stays readable to those who could.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn renew_keys(&self) -> Result<Applied, CommitError> {
        let mut position = self.enter().await?;
        self.settle(&mut position).await?;
        self.read_to_head(&mut position).await?;
        let mut tries = 0;
        loop {
            let draft = self.draft_epoch(&position).await?;
            let (epoch, _) = position
                .keyring
                .current_secret()
                .ok_or(CommitError::NoKey)?;
            let stamp = self.stamp(&position, epoch).await?;
            let signing = SigningKey::from_seed(&self.session.device.signing);
            let change_set = draft.sign(stamp, &signing)?;
            match self.send(&mut position, change_set, Vec::new()).await {
                Err(CommitError::Refused { applied, .. }) if tries < TRIES => {
                    self.untold.take_back(applied);
                    tries += 1;
                }
                Ok(()) => return Ok(self.untold.tell(position.head)),
                Err(error) => return Err(error),
            }
        }
    }

    /// The operation that starts the next epoch, its secret wrapped to every member as it is now.
    async fn draft_epoch(&self, position: &Position) -> Result<Draft, CommitError> {
        let (epoch, before) = position
            .keyring
            .current_secret()
            .ok_or(CommitError::NoKey)?;
        let number = self.number;
        let members = self.session.state.read(|rows| {
            RowsView {
                rows,
                space: number,
            }
            .members()
        })?;
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
