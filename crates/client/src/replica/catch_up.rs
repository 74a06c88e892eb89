//! Reading a space's log on: by asking the server, and by the event stream.

use std::time::{SystemTime, UNIX_EPOCH};

use hythe_model::{Head, ServerEpoch};
use hythe_space::{ChangeSet, Checkpoint, SigningKey, StateDigest};
use hythe_wire::Code;
use hythe_wire::log::LogEntry;

use super::apply::Placed;
use super::{Alarm, Applied, Position, Replica, ReplicaError};
use crate::net::ApiError;
use crate::state::StateError;

impl Replica {
    /// Reads the log on to the server's head. A space that was never read begins with a snapshot
    /// where there is one this account vouches for.
    ///
    /// # Errors
    /// See [`ReplicaError`]. What was read before the error stays, and is told by the next call.
    pub async fn catch_up(&self) -> Result<Applied, ReplicaError> {
        let mut position = self.enter().await?;
        self.read_to_head(&mut position).await?;
        Ok(self.untold.tell(position.head))
    }

    /// Takes a change set that the event stream brought: folds it if it is the next, ignores it if
    /// it is known, asks the server if something is missing in between.
    ///
    /// # Errors
    /// See [`ReplicaError`].
    pub async fn take_event(
        &self,
        head: Head,
        change_set: Option<&[u8]>,
    ) -> Result<Applied, ReplicaError> {
        let mut position = self.enter().await?;
        if head.cursor <= position.head.cursor {
            self.check_known(&position, head)?;
            return Ok(self.untold.tell(position.head));
        }
        match change_set {
            Some(bytes) if position.head.cursor.next() == head.cursor => {
                let entry = decode(head, bytes)?;
                self.carry_on(&mut position, vec![entry]).await?;
            }
            _ => self.read_to_head(&mut position).await?,
        }
        Ok(self.untold.tell(position.head))
    }

    /// Notes the life of the server's data that the log belongs to.
    ///
    /// # Errors
    /// Those of the state.
    pub async fn set_epoch(&self, epoch: ServerEpoch) -> Result<(), ReplicaError> {
        let number = self.number;
        let written = self.session.state.write(move |tx| {
            let mut row = tx
                .space(number)?
                .ok_or(StateError::Invalid("space number"))?;
            row.server_epoch = Some(epoch);
            tx.update_space(number, &row)
        });
        Ok(written.await?)
    }

    pub(crate) async fn read_to_head(&self, position: &mut Position) -> Result<(), ReplicaError> {
        if position.head == Head::START {
            self.begin(position).await?;
        } else if position.keyring.current().is_none() {
            self.load_keys(position).await?;
        }
        let ahead = self.ahead(position)?;
        if let Err(error) = self.judge_known(position) {
            return Err(self.suspect(error).await);
        }
        loop {
            let before = position.head.cursor;
            match self.read_page(position).await {
                Ok(true) => {
                    self.sent.has_read();
                    return match self.judge_ahead(position, &ahead) {
                        Err(error) => Err(self.suspect(error).await),
                        judged => judged,
                    };
                }
                Ok(false) if position.head.cursor > before => {}
                Ok(false) => {
                    let cause = "the log has more, and the server gives nothing";
                    return Err(ApiError::Malformed(cause.into()).into());
                }
                Err(error) => return Err(self.suspect(error).await),
            }
        }
    }

    /// Reads one answer of the server; true at the head of the log.
    async fn read_page(&self, position: &mut Position) -> Result<bool, ReplicaError> {
        let mut reader = self
            .session
            .api
            .changes(self.space, position.head.cursor)
            .await?;
        let mut shown = None;
        while let Some(page) = reader.next_page().await? {
            let entries: Result<Vec<Placed>, _> = page.entries.iter().map(placed).collect();
            self.carry_on(position, entries?).await?;
            shown = page.head;
        }
        let shown = shown.ok_or_else(|| ApiError::Malformed("the log has no end".into()))?;
        let (seen, at) = (position.head.cursor, shown.cursor);
        if at < seen {
            return Err(Alarm::Rollback { seen, shown: at }.into());
        }
        if at == seen && shown != position.head {
            return Err(Alarm::Fork { at }.into());
        }
        Ok(at == seen)
    }

    /// A log that went back or turned elsewhere is no attack when the server began a new life.
    pub(super) async fn suspect(&self, error: ReplicaError) -> ReplicaError {
        let suspicious = match &error {
            ReplicaError::Alarm(alarm) => !matches!(alarm, Alarm::Account { .. }),
            ReplicaError::Api(api) => api.code() == Some(Code::Fork),
            _ => false,
        };
        if !suspicious {
            return error;
        }
        let number = self.number;
        let row = self.session.state.read(|rows| rows.space(number));
        let known = row.ok().flatten().and_then(|row| row.server_epoch);
        match (known, self.session.api.spaces().await) {
            (Some(known), Ok(list)) if list.epoch != known => match self.awaits_yes(list.epoch) {
                Ok(true) => ReplicaError::Unconfirmed,
                _ => ReplicaError::EpochChanged,
            },
            _ => error,
        }
    }

    fn check_known(&self, position: &Position, head: Head) -> Result<(), ReplicaError> {
        let number = self.number;
        let known = if head.cursor == position.head.cursor {
            Some(position.head.chain)
        } else {
            self.session
                .state
                .read(|rows| rows.chain_at(number, head.cursor))?
        };
        match known {
            Some(chain) if chain != head.chain => Err(Alarm::Fork { at: head.cursor }.into()),
            _ => Ok(()),
        }
    }

    /// Vouches for the state as far as it is read, where nobody else can: in a sealed space, for a
    /// device of this account that is about to come.
    pub async fn vouch(&self) {
        let sealed = self.standing().is_some_and(|standing| !standing.open);
        let position = self.position.lock().await;
        if sealed && position.head != Head::START {
            self.offer_checkpoint(position.head, position.digest.digest())
                .await;
        }
    }

    /// Vouches for the state at a position, so that new devices need not fold the log from its
    /// beginning. A courtesy to others: that it fails changes nothing here.
    pub(super) async fn offer_checkpoint(&self, head: Head, digest: StateDigest) {
        let device = &self.session.device;
        let Some(account) = self.session.accounts.all().get(device.account).cloned() else {
            return;
        };
        let checkpoint = Checkpoint {
            suite: 0,
            space: self.space,
            head,
            digest,
            device: device.device,
            account_seen: account.head(),
            time_ms: now_ms(),
        };
        let signed = checkpoint.sign(&SigningKey::from_seed(&device.signing));
        let offered = self
            .session
            .api
            .offer_checkpoint(self.space, signed.encode())
            .await;
        if let Err(error) = offered {
            tracing::debug!(%error, position = %head.cursor, "the checkpoint was not taken");
        }
    }
}

/// This device's clock, in milliseconds since 1970. Data, never a judge (C7).
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub(super) fn placed(entry: &LogEntry) -> Result<Placed, ReplicaError> {
    decode(entry.head, &entry.change_set)
}

fn decode(head: Head, bytes: &[u8]) -> Result<Placed, ReplicaError> {
    let change_set = ChangeSet::decode(bytes);
    let change_set = change_set.map_err(|error| Alarm::damaged(head.cursor, &error))?;
    Ok(Placed { head, change_set })
}
