//! Leaving a space that this account may only put files into.
//!
//! Its devices read no log, so the change set says so: it has seen nothing. What else has to be in it,
//! the key epoch and this device's own place in the log, the server says when it refuses; nothing but
//! the leave itself can come of a wrong answer.

use hythe_model::{Head, HeaderHash, KeyEpoch, OperationId, SpaceId};
use hythe_space::governance::Member;
use hythe_space::header::NO_PREVIOUS;
use hythe_space::{ChangeSet, Draft, Entropy, Operation, SigningKey, Stamp};
use hythe_wire::log::CommitRequest;
use hythe_wire::{Code, There};

use crate::commit::CommitError;
use crate::net::ApiError;
use crate::replica::{ReplicaError, Session, now_ms};

/// Answers that may have to be heeded: of epoch and place, and again where both moved meanwhile.
const TRIES: usize = 6;

/// What a change set has to name and this device cannot know.
struct Place {
    epoch: KeyEpoch,
    counter: u64,
    previous: HeaderHash,
}

/// Leaves a space. Done already is done.
///
/// # Errors
/// See [`CommitError`].
pub(crate) async fn leave(session: &Session, space: SpaceId) -> Result<(), CommitError> {
    let mut place = Place {
        epoch: KeyEpoch::FIRST,
        counter: 1,
        previous: NO_PREVIOUS,
    };
    let mut tries = 0;
    loop {
        let change_set = place.sign(session, space).await?;
        let request = CommitRequest {
            change_set: change_set.encoded().to_vec().into(),
            attached: Vec::new(),
        };
        let error = match session.api.commit(space, &request).await {
            Ok(_) => return Ok(()),
            Err(error) if error.code() == Some(Code::NotFound) => return Ok(()),
            Err(error) => error,
        };
        tries += 1;
        if tries >= TRIES || !place.heed(&error) {
            return Err(ReplicaError::Api(error).into());
        }
    }
}

impl Place {
    async fn sign(&self, session: &Session, space: SpaceId) -> Result<ChangeSet, CommitError> {
        let (accounts, own) = (&session.accounts, session.device.account);
        accounts.refresh(own).await?;
        let account = accounts.get(own).await?;
        let mut entropy = Entropy::system()?;
        let stamp = Stamp {
            log: space,
            counter: self.counter,
            previous: self.previous,
            operation: OperationId(entropy.bytes()),
            seen: Head::START,
            account_seen: account.head(),
            key_epoch: self.epoch,
            time_ms: now_ms(),
            behalf: None,
        };
        let mut draft = Draft::new();
        draft.push(Operation::Member(Member {
            account: own,
            role: None,
            wrap: None,
        }));
        let signing = SigningKey::from_seed(&session.device.signing);
        Ok(draft.sign(stamp, &signing)?)
    }

    /// Whether an answer says what has to be named instead.
    fn heed(&mut self, error: &ApiError) -> bool {
        match error.problem().and_then(|problem| problem.there.as_ref()) {
            Some(There::KeyEpoch { current }) => self.epoch = KeyEpoch(*current),
            Some(There::AuthorChain { counter, previous }) => {
                self.counter = counter.saturating_add(1);
                self.previous = *previous;
            }
            _ => return false,
        }
        true
    }
}
