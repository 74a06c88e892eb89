//! A server that says that it was restored from a copy.
//!
//! Any server can say so at any time, and so make a rollback look like a restore. An open space goes
//! on: who keeps it could forge its log anyway (SECURITY.md). A sealed one stops until a person, who
//! can ask whoever runs the server, has said yes to this very epoch.

use hythe_model::ServerEpoch;
use hythe_space::View;

use super::view::RowsView;
use super::{Replica, ReplicaError};
use crate::state::StateError;

impl Replica {
    /// Whether nothing may be read from this life of the server's data before a person said yes.
    ///
    /// # Errors
    /// The state's.
    pub(super) fn awaits_yes(&self, epoch: ServerEpoch) -> Result<bool, StateError> {
        let (space, key) = (self.number, self.yes_key());
        self.session.state.read(|rows| {
            let sealed = RowsView { rows, space }.space()?;
            let known = rows.space(space)?.and_then(|row| row.server_epoch);
            let is_other = known.is_some_and(|known| known != epoch);
            if !is_other || sealed.is_none_or(|record| record.is_open()) {
                return Ok(false);
            }
            Ok(rows.setting(&key)?.as_deref() != Some(epoch.as_bytes().as_slice()))
        })
    }

    /// Whether the server says that it was restored, of a sealed space, and nobody said yes.
    ///
    /// # Errors
    /// See [`ReplicaError`].
    pub async fn waits_for_person(&self) -> Result<bool, ReplicaError> {
        if self.standing().is_none_or(|standing| standing.open) {
            return Ok(false);
        }
        Ok(self.awaits_yes(self.session.api.server().await?.epoch)?)
    }

    /// Notes that a person said yes to this life of the server's data.
    ///
    /// # Errors
    /// The state's.
    pub async fn say_yes(&self, epoch: ServerEpoch) -> Result<(), ReplicaError> {
        let key = self.yes_key();
        let write = move |tx: &crate::state::Tx<'_>| tx.set_setting(&key, epoch.as_bytes());
        Ok(self.session.state.write(write).await?)
    }

    fn yes_key(&self) -> String {
        format!("epoch-confirmed/{}", self.space)
    }
}
