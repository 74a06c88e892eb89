//! What an administrator on this machine may ask: through the running server, or, when none runs,
//! by the same functions with the data folder locked.

mod door;
mod import;
mod perform;
mod session;
mod socket;

use std::path::PathBuf;

use hythe_wire::server::RegistrationPolicy;
use serde::{Deserialize, Serialize};

pub(crate) use door::serve;
pub use import::{Ground, Hex, Import, PasswordGround};
pub(crate) use perform::{InviteError, Office};
pub use session::Session;
pub(crate) use socket::Listener;

use crate::config::ServerConfig;
use crate::files::{
    AccountView, AuditEntry, CheckReport, OpenError, QuotaName, QuotaReport, Stats,
};
use crate::roster::ListedUser;

/// A request: one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AdminRequest {
    /// Make an invite: a URL with which somebody creates an account, once.
    Invite {
        /// How long it holds, in seconds.
        lifetime_s: u64,
        /// Whether the account may administer the server.
        admin: bool,
        /// The login name it is for; none is any.
        #[serde(default)]
        login: Option<String>,
        /// What the account may store, where another limit than that of new accounts.
        #[serde(default)]
        quota: Option<Quota>,
    },
    /// Numbers about the server's data.
    Stats,
    /// Compare everything that is stored with what it should be.
    Check,
    /// The accounts.
    Accounts,
    /// Limits, and what is used of them: all, or of one account or space.
    Quotas {
        /// Login name or id of an account, or id of a space.
        of: Option<String>,
    },
    /// Set a limit.
    SetQuota {
        /// Whose.
        of: QuotaName,
        /// In bytes; none takes it away.
        limit_bytes: Option<u64>,
    },
    /// Count anew what every space holds.
    Recount,
    /// Say who may create an account, or set it.
    Policy {
        /// The policy to set.
        set: Option<RegistrationPolicy>,
    },
    /// Do something to an account.
    User {
        /// Its login name or id.
        name: String,
        /// What.
        change: UserChange,
    },
    /// The accounts as a list of users.
    Roster,
    /// What an account for somebody else is made with.
    Ground {
        /// The first half of setting a password, where it is to have one.
        password: Option<Hex>,
    },
    /// Take an account that was made for somebody else.
    Import {
        /// The account.
        import: Box<Import>,
    },
    /// What was administered lately.
    Audit {
        /// How many rows at most.
        limit: u32,
    },
}

/// A limit that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// In bytes; none is no limit.
    pub limit_bytes: Option<u64>,
}

/// What is done to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum UserChange {
    /// Cut it off until it is resumed.
    Suspend,
    /// Let it go on, also where it was to be removed.
    Resume,
    /// Suspend it, and remove it when a time is over.
    Remove {
        /// The time, in seconds.
        wait_s: u64,
    },
    /// Set whether it may administer the server.
    Role {
        /// Whether it may.
        admin: bool,
    },
}

/// A reply: one line of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum AdminReply {
    /// An invite.
    Invite {
        /// What to give to the person, and to nobody else.
        url: String,
        /// When it ends, in milliseconds since 1970.
        expires_ms: i64,
    },
    /// Numbers about the server's data.
    Stats {
        /// The numbers.
        stats: Stats,
    },
    /// What was found.
    Check {
        /// What was found.
        report: CheckReport,
    },
    /// The accounts.
    Accounts {
        /// Oldest first.
        accounts: Vec<AccountView>,
    },
    /// Limits, and what is used of them.
    Quotas {
        /// The limits.
        report: QuotaReport,
    },
    /// Counted anew.
    Recounted {
        /// Spaces that had been counted wrong.
        wrong: u64,
    },
    /// Who may create an account.
    Policy {
        /// The policy.
        policy: RegistrationPolicy,
    },
    /// The accounts as a list of users.
    Roster {
        /// Oldest first.
        users: Vec<ListedUser>,
    },
    /// What an account for somebody else is made with.
    Ground {
        /// What.
        ground: Ground,
    },
    /// What was administered lately.
    Audit {
        /// Oldest first.
        entries: Vec<AuditEntry>,
    },
    /// It was done.
    Done,
    /// It could not be done.
    Failed {
        /// Why, in one sentence.
        message: String,
    },
}

/// Why an administrator's request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// A server runs on the data folder, and does not answer through its socket.
    #[error("the server on {data} does not answer")]
    NoAnswer {
        /// The data folder.
        data: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No server runs there, and the data cannot be opened without.
    #[error("cannot open the server's data")]
    Open(#[from] OpenError),
    /// It answered that it could not do it.
    #[error("{0}")]
    Failed(String),
}

/// Asks the server that runs on `config.data`, or does it here when none runs.
///
/// # Errors
/// See [`AdminError`].
pub async fn request(
    config: &ServerConfig,
    request: AdminRequest,
) -> Result<AdminReply, AdminError> {
    let (session, reply) = Session::open(config, request).await;
    session.close().await;
    reply
}
