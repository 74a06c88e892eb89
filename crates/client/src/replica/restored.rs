//! Reading on in a new life of the server's data: it was restored from a copy (D4, C5).
//!
//! Where this device's log has an end that the server lost, the log is forgotten and read anew, and
//! then what was agreed on is compared with it. That takes a while and may break off anywhere, so
//! the first change of the state notes the position up to which both logs are one, and the last one
//! takes the note away. While it stands nothing is planned, and a start goes on here.

use hythe_model::{ChainHash, Cursor, Head, ServerEpoch};
use hythe_space::View;

use super::since::{Since, WalkError};
use super::view::RowsView;
use super::{Alarm, Applied, Position, Replica, ReplicaError};
use crate::state::{SpaceRow, StateError};

impl Replica {
    /// Reads on in a new life of the server's data, or goes on where that broke off. What is on
    /// disk stays; what was agreed on stays as far as it still means something.
    ///
    /// # Errors
    /// See [`ReplicaError`]; [`ReplicaError::Unconfirmed`] in a sealed space.
    pub async fn start_over(&self, epoch: ServerEpoch) -> Result<Applied, ReplicaError> {
        let mut position = self.enter().await?;
        if self.awaits_yes(epoch)? {
            return Err(ReplicaError::Unconfirmed);
        }
        let before = self.row()?;
        position.other_life = before.server_epoch.is_some_and(|known| known != epoch);
        let read = self.read_to_head(&mut position).await;
        position.other_life = false;
        match read {
            Err(ReplicaError::EpochChanged | ReplicaError::Alarm(_))
                if before.server_epoch.is_some_and(|known| known != epoch) =>
            {
                self.abandon(&mut position).await?;
                self.read_to_head(&mut position).await?;
            }
            read => read?,
        }
        match self.row()?.common {
            Some(common) => self.compare(&position, common, epoch).await?,
            None => self.set_epoch(epoch).await?,
        }
        Ok(self.untold.tell(position.head))
    }

    fn row(&self) -> Result<SpaceRow, StateError> {
        let number = self.number;
        let row = self.session.state.read(|rows| rows.space(number))?;
        row.ok_or(StateError::Invalid("space number"))
    }

    /// Forgets the log, and notes how far it was the one that the server has.
    async fn abandon(&self, position: &mut Position) -> Result<(), ReplicaError> {
        let common = self.last_common(position.head).await?;
        tracing::debug!(position = %common.cursor, "the logs are one up to here");
        self.session.accounts.start_over().await?;
        self.untold.note_anew();
        let number = self.number;
        let abandoned = self
            .session
            .state
            .write(move |tx| tx.abandon_log(number, common));
        abandoned.await?;
        self.forgotten(position);
        Ok(())
    }

    /// The last position at which this device's log and the server's are one; the start where this
    /// device began with a later snapshot and cannot say.
    async fn last_common(&self, head: Head) -> Result<Head, ReplicaError> {
        let number = self.number;
        let first = self.session.state.read(|rows| rows.first_known(number))?;
        // Common, if anything is; and not common.
        let (mut common, mut other) = (Head::START, head.cursor.next());
        let mut at = first.unwrap_or(head.cursor);
        while at < other {
            match self.chain_if_common(at).await? {
                Some(chain) => common = Head { cursor: at, chain },
                None => other = at,
            }
            if common == Head::START {
                break;
            }
            at = Cursor(common.cursor.0 + (other.0 - common.cursor.0).div_ceil(2));
        }
        Ok(common)
    }

    /// The chain hash at a position, if this device and the server have the same there.
    async fn chain_if_common(&self, at: Cursor) -> Result<Option<ChainHash>, ReplicaError> {
        let number = self.number;
        let known = self.session.state.read(|rows| rows.chain_at(number, at))?;
        let there = self.session.api.change_at(self.space, at).await?;
        Ok(known.filter(|chain| there.is_some_and(|there| there.head.chain == *chain)))
    }

    /// Compares what was agreed on with the log that was read anew.
    async fn compare(
        &self,
        position: &Position,
        common: Head,
        epoch: ServerEpoch,
    ) -> Result<(), ReplicaError> {
        let since = self.since_common(position, common).await?;
        self.untold.note_anew();
        let number = self.number;
        let compared = self
            .session
            .state
            .write(move |tx| tx.compare_restored(number, epoch, |row| since.newer(row)));
        let rows = compared.await?;
        tracing::debug!(rows, "what was agreed on fits the restored log");
        Ok(())
    }

    /// What the log has from after the common position.
    async fn since_common(&self, position: &Position, common: Head) -> Result<Since, ReplicaError> {
        let from = match common {
            // Not known: then it is where the last restore says, which is what this device lost.
            Head::START => self.restored_at()?,
            known => known,
        };
        match self.written_since(position, from).await {
            // Restored once more in the middle, and from an older copy. All of the log is taken for
            // news then, which costs conflict copies and loses nothing.
            Err(WalkError::Elsewhere) if from != Head::START => {}
            read => return read.map_err(|error| error.into_alarm(position.head.cursor)),
        }
        let read = self.written_since(position, Head::START).await;
        read.map_err(|error| error.into_alarm(position.head.cursor))
    }

    /// The position at which the log says that it was restored last; else the start.
    fn restored_at(&self) -> Result<Head, StateError> {
        let space = self.number;
        let record = self
            .session
            .state
            .read(|rows| RowsView { rows, space }.space())?;
        let restored = record.and_then(|record| record.restored);
        Ok(restored.map_or(Head::START, |restored| restored.at))
    }
}

impl WalkError {
    fn into_alarm(self, at: Cursor) -> ReplicaError {
        match self {
            Self::Elsewhere => Alarm::Fork { at }.into(),
            Self::Replica(error) => error,
        }
    }
}
