//! Change sets about the space itself: its name, its members, its end.

use hythe_content::seal_space_name;
use hythe_model::{AccountId, KeyEpoch, Role, Secret32, SpaceName};
use hythe_space::ending::EndSpace;
use hythe_space::flow::{Recipient, member_wrap};
use hythe_space::governance::{Member, NameSpace, SealedSecret};
use hythe_space::{Draft, Entropy, MemberRecord, Operation, SigningKey};

use super::CommitError;
use super::keys::not_wrapped;
use crate::replica::{Applied, Position, Replica};

/// How often others may write in the space before a change of it is given up.
const TRIES: usize = 5;

/// What a change of members found when it was drafted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// The account became a member.
    Invited,
    /// It was one, and has another role now.
    Changed,
    /// It had this role already; nothing was written.
    Already,
}

/// A change of the space, to be drafted anew while others are faster.
pub(super) trait Plan: Send {
    /// The operations, for the log as it is read now; none when there is nothing (more) to do.
    fn draft(
        &mut self,
        replica: &Replica,
        position: &Position,
    ) -> impl Future<Output = Result<Option<Draft>, CommitError>> + Send;
}

impl Replica {
    /// Commits a change of the space.
    pub(super) async fn govern(&self, plan: &mut impl Plan) -> Result<Applied, CommitError> {
        let mut position = self.enter().await?;
        self.settle(&mut position).await?;
        self.read_to_head(&mut position).await?;
        let mut tries = 0;
        while let Some(draft) = plan.draft(self, &position).await? {
            let epoch = current(&position)?.0;
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

    /// Gives the space a name.
    ///
    /// # Errors
    /// See [`CommitError`], here and below.
    pub async fn rename(&self, name: &SpaceName) -> Result<Applied, CommitError> {
        self.govern(&mut Naming(name)).await
    }

    /// Makes an account a member, or changes the role of one that is. Wraps one key, whatever the
    /// space holds.
    pub async fn share(
        &self,
        account: AccountId,
        role: Role,
    ) -> Result<(Applied, Shared), CommitError> {
        // The newest generation: an older one may be known to a device that left.
        self.session.accounts.refresh(account).await?;
        let mut sharing = Sharing {
            recipient: Recipient::of(&self.session.accounts.get(account).await?)?,
            role,
            outcome: Shared::Already,
        };
        let applied = self.govern(&mut sharing).await?;
        Ok((applied, sharing.outcome))
    }

    /// Sends a member away and renews the key in one change set (E7). False where the account was
    /// no member.
    pub async fn remove_member(&self, account: AccountId) -> Result<(Applied, bool), CommitError> {
        let mut removal = Removal {
            account,
            was_member: false,
        };
        let applied = self.govern(&mut removal).await?;
        Ok((applied, removal.was_member))
    }

    /// Says when the space ends, or, without a time, that it does not.
    pub async fn end(&self, ends_ms: Option<i64>) -> Result<Applied, CommitError> {
        self.govern(&mut Ending(ends_ms)).await
    }

    /// Leaves the space. Who stays renews the key.
    pub async fn leave(&self) -> Result<Applied, CommitError> {
        self.govern(&mut Leaving).await
    }

    fn role_of(&self, account: AccountId) -> Result<Option<Role>, CommitError> {
        let is = |member: &MemberRecord| member.account == account;
        Ok(self
            .members()?
            .into_iter()
            .find(is)
            .and_then(|member| member.role))
    }
}

struct Naming<'a>(&'a SpaceName);

impl Plan for Naming<'_> {
    async fn draft(
        &mut self,
        replica: &Replica,
        position: &Position,
    ) -> Result<Option<Draft>, CommitError> {
        let (epoch, secret) = current(position)?;
        let wanted = Some(self.0);
        if position.standing.as_ref().and_then(|now| now.name.as_ref()) == wanted {
            return Ok(None);
        }
        let sealed = seal_space_name(secret, replica.space, epoch, self.0);
        // Sealed names are never longer than what an operation holds.
        let name = SealedSecret::new(sealed).ok_or(CommitError::NoKey)?;
        Ok(Some(one(Operation::NameSpace(NameSpace { name }))))
    }
}

struct Ending(Option<i64>);

impl Plan for Ending {
    async fn draft(
        &mut self,
        _: &Replica,
        position: &Position,
    ) -> Result<Option<Draft>, CommitError> {
        let ends_ms = self.0;
        if position.standing.as_ref().and_then(|now| now.ends_ms) == ends_ms {
            return Ok(None);
        }
        Ok(Some(one(Operation::EndSpace(EndSpace { ends_ms }))))
    }
}

struct Sharing {
    recipient: Recipient,
    role: Role,
    outcome: Shared,
}

impl Plan for Sharing {
    async fn draft(
        &mut self,
        replica: &Replica,
        position: &Position,
    ) -> Result<Option<Draft>, CommitError> {
        let account = self.recipient.account;
        let before = replica.role_of(account)?;
        if before == Some(self.role) {
            return Ok(None);
        }
        let mut wrap = None;
        self.outcome = Shared::Changed;
        if before.is_none() {
            let (epoch, secret) = current(position)?;
            let (space, mut entropy) = (replica.space, Entropy::system()?);
            let wrapped = member_wrap(space, epoch, secret, &self.recipient, &mut entropy);
            wrap = Some(wrapped.map_err(not_wrapped)?);
            self.outcome = Shared::Invited;
        }
        let role = Some(self.role);
        Ok(Some(one(Operation::Member(Member {
            account,
            role,
            wrap,
        }))))
    }
}

struct Removal {
    account: AccountId,
    was_member: bool,
}

impl Plan for Removal {
    async fn draft(
        &mut self,
        replica: &Replica,
        position: &Position,
    ) -> Result<Option<Draft>, CommitError> {
        if replica.role_of(self.account)?.is_none() {
            return Ok(None);
        }
        self.was_member = true;
        Ok(Some(
            replica.draft_epoch(position, Some(self.account)).await?,
        ))
    }
}

struct Leaving;

impl Plan for Leaving {
    async fn draft(
        &mut self,
        replica: &Replica,
        _: &Position,
    ) -> Result<Option<Draft>, CommitError> {
        let account = replica.session.device.account;
        let leaving = Member {
            account,
            role: None,
            wrap: None,
        };
        let role = replica.role_of(account)?;
        Ok(role.map(|_| one(Operation::Member(leaving))))
    }
}

/// The newest epoch and its secret.
pub(super) fn current(position: &Position) -> Result<(KeyEpoch, &Secret32), CommitError> {
    position.keyring.current_secret().ok_or(CommitError::NoKey)
}

pub(super) fn one(operation: Operation) -> Draft {
    let mut draft = Draft::new();
    draft.push(operation);
    draft
}
