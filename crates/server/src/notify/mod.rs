//! Telling whoever waits that something changed.
//!
//! A notice is a hint to look, never the truth: receivers that miss some look at everything.

mod local;
mod postgres;

use bytes::Bytes;
use hythe_model::{AccountId, ChainHash, Cursor, DeviceId, Head, SpaceId};
use tokio::sync::broadcast;

pub use local::{Local, Revocations};
pub use postgres::Listener;

/// The channel on which replicas meet in PostgreSQL.
pub const PG_CHANNEL: &str = "hythe";

/// Notices that a receiver may be behind before it is told to look at everything.
const BACKLOG: usize = 1024;

/// Something that changed, after it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A space has a new head.
    Changed {
        /// The space.
        space: SpaceId,
        /// Its new head.
        head: Head,
        /// The change set that led there, where it is at hand and small enough to be sent around.
        change_set: Option<Bytes>,
    },
    /// An account's own log has a new head.
    Account {
        /// The account.
        account: AccountId,
        /// Its new head.
        head: Head,
        /// The change set that led there, as in `Changed`.
        change_set: Option<Bytes>,
    },
    /// A device was removed from its account: nothing may be sent to it any more.
    DeviceRemoved {
        /// The account it belonged to.
        account: AccountId,
        /// The device.
        device: DeviceId,
    },
    /// An account was suspended, resumed or removed: what its devices may do has changed.
    Standing {
        /// The account.
        account: AccountId,
    },
    /// The spaces that an account is a member of, or its role there, changed.
    Spaces {
        /// The account.
        account: AccountId,
    },
    /// A file was put into the inbox of a sealed space.
    Parcel {
        /// The space.
        space: SpaceId,
    },
    /// Notices may have been lost: look at everything again.
    Lost,
}

/// A way for notices to reach everybody, this process included.
pub trait Notifier: Send + Sync {
    /// Sends notices of a committed transaction to everybody who listens.
    fn publish(&self, notices: Vec<Notice>);

    /// Listens from now on. A receiver that lags behind treats that as [`Notice::Lost`].
    fn subscribe(&self) -> broadcast::Receiver<Notice>;
}

impl Notice {
    /// Whether somebody may have lost rights by it.
    pub fn revokes(&self) -> bool {
        matches!(
            self,
            Self::DeviceRemoved { .. } | Self::Standing { .. } | Self::Lost
        )
    }

    /// The notice as text for [`PG_CHANNEL`], which takes less than 8,000 bytes: without the
    /// change set, whose receivers read it from the log.
    pub fn to_payload(&self) -> String {
        match self {
            Self::Changed { space, head, .. } => {
                format!("changed {space} {} {}", head.cursor, head.chain)
            }
            Self::Account { account, head, .. } => {
                format!("account {account} {} {}", head.cursor, head.chain)
            }
            Self::DeviceRemoved { account, device } => format!("removed {account} {device}"),
            Self::Standing { account } => format!("standing {account}"),
            Self::Spaces { account } => format!("spaces {account}"),
            Self::Parcel { space } => format!("parcel {space}"),
            Self::Lost => "lost".to_owned(),
        }
    }

    /// Reads what [`Notice::to_payload`] wrote. Anything else, as from a newer replica, makes the
    /// receiver look at everything.
    pub fn from_payload(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self::Lost)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let notice = match words.next()? {
            "changed" => Self::Changed {
                space: words.next()?.parse().ok()?,
                head: parse_head(&mut words)?,
                change_set: None,
            },
            "account" => Self::Account {
                account: words.next()?.parse().ok()?,
                head: parse_head(&mut words)?,
                change_set: None,
            },
            "removed" => Self::DeviceRemoved {
                account: words.next()?.parse().ok()?,
                device: words.next()?.parse().ok()?,
            },
            "standing" => Self::Standing {
                account: words.next()?.parse().ok()?,
            },
            "spaces" => Self::Spaces {
                account: words.next()?.parse().ok()?,
            },
            "parcel" => Self::Parcel {
                space: words.next()?.parse().ok()?,
            },
            _ => return None,
        };
        words.next().is_none().then_some(notice)
    }
}

fn parse_head<'w>(words: &mut impl Iterator<Item = &'w str>) -> Option<Head> {
    let cursor = Cursor(words.next()?.parse().ok()?);
    let chain = words.next()?.parse::<ChainHash>().ok()?;
    Some(Head { cursor, chain })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_reads_back_and_what_is_unknown_means_look_at_everything() {
        let account = AccountId([3; 32]);
        let head = Head {
            cursor: Cursor(7),
            chain: ChainHash([9; 32]),
        };
        for notice in [
            Notice::Changed {
                space: SpaceId([1; 32]),
                head,
                change_set: None,
            },
            Notice::Account {
                account,
                head,
                change_set: None,
            },
            Notice::DeviceRemoved {
                account,
                device: DeviceId([5; 32]),
            },
            Notice::Standing { account },
            Notice::Spaces { account },
            Notice::Parcel {
                space: SpaceId([1; 32]),
            },
            Notice::Lost,
        ] {
            assert_eq!(Notice::from_payload(&notice.to_payload()), notice);
        }
        assert_eq!(Notice::from_payload("spaces zz"), Notice::Lost);
        let longer = format!("spaces {account} more");
        assert_eq!(Notice::from_payload(&longer), Notice::Lost);
    }
}
