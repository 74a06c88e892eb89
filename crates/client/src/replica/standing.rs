//! What the log says of the space as a whole: its name, whether it is open, this account's role.

use hythe_content::open_space_name;
use hythe_model::{AccountId, Role, SpaceId, SpaceName};
use hythe_space::{NameRecord, SpaceRecord, View};

use super::view::RowsView;
use super::{Keyring, Replica, ReplicaError};
use crate::state::{Rows, StateError, Tx};

/// A space as its log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name; none where nobody gave it one that may be shown.
    pub name: Option<SpaceName>,
    /// Whether the server is a member.
    pub open: bool,
    /// This account's role; none when it is no member any more.
    pub role: Option<Role>,
    /// When an owner wants it to end, in milliseconds since 1970.
    pub ends_ms: Option<i64>,
}

impl Replica {
    /// Reads how things stand; none before the log was read.
    pub(super) fn stand(&self, keyring: &Keyring) -> Result<Option<Standing>, ReplicaError> {
        let (space, account) = (self.number, self.session.device.account);
        let (record, member, known) = self.session.state.read(|rows| {
            let view = RowsView { rows, space };
            let known = rows.setting(&setting(self.space))?;
            Ok::<_, StateError>((view.space()?, view.member(account)?, known))
        })?;
        // Who was sent away has no key to it any more, and still wants to know what it was.
        let is_over = member.as_ref().is_none_or(|member| member.role.is_none());
        let known = known.filter(|_| is_over);
        let known = known.and_then(|name| String::from_utf8(name).ok());
        Ok(record.map(|record| Standing {
            name: record
                .name
                .as_ref()
                .and_then(|name| self.open_name(keyring, name))
                .or_else(|| known.and_then(|name| SpaceName::new(&name).ok())),
            open: record.is_open(),
            role: member.and_then(|member| member.role),
            ends_ms: record.ends.map(|end| end.at_ms),
        }))
    }

    /// Keeps the name, for the day on which there is no key to it any more.
    pub(super) async fn keep_name(&self, name: Option<&SpaceName>) -> Result<(), StateError> {
        let (Some(name), key) = (name, setting(self.space)) else {
            return Ok(());
        };
        let name = name.as_str().to_owned();
        let known = self.session.state.read(|rows| rows.setting(&key))?;
        if known.as_deref() == Some(name.as_bytes()) {
            return Ok(());
        }
        let write = move |tx: &Tx<'_>| tx.set_setting(&key, name.as_bytes());
        self.session.state.write(write).await
    }

    /// The server's account, in an open space.
    ///
    /// # Errors
    /// Those of the state.
    pub fn server(&self) -> Result<Option<AccountId>, StateError> {
        Ok(self.space_record()?.and_then(|record| record.server))
    }

    /// What the fold says of the space itself; none before its genesis was read.
    pub(crate) fn space_record(&self) -> Result<Option<SpaceRecord>, StateError> {
        let space = self.number;
        let read = |rows: &Rows<'_>| RowsView { rows, space }.space();
        self.session.state.read(read)
    }

    /// A name that does not open, or may not be shown, is as none (D1).
    fn open_name(&self, keyring: &Keyring, name: &NameRecord) -> Option<SpaceName> {
        let secret = keyring.secret(name.epoch)?;
        open_space_name(secret, self.space, name.epoch, name.sealed.as_bytes())
            .ok()
            .flatten()
    }
}

/// Where the name is kept.
fn setting(space: SpaceId) -> String {
    format!("name/{space}")
}
