//! What an administrator on this machine may ask: through the running server, or, when none runs,
//! by the same functions with the data folder locked.

mod door;
mod perform;
mod socket;

use std::path::PathBuf;

use hythe_wire::server::RegistrationPolicy;
use serde::{Deserialize, Serialize};

pub(crate) use door::serve;
pub(crate) use perform::{InviteError, Office};
pub(crate) use socket::Listener;

use crate::config::ServerConfig;
use crate::files::{
    AccountView, AuditEntry, CheckReport, Files, OpenError, QuotaName, QuotaReport, Stats,
};
use crate::serve::store_options;
use crate::state::LockError;

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
    let reply = match door::ask(&config.data, &request).await {
        Ok(reply) => reply,
        Err(source) if is_absent(&source) => alone(config, request, source).await?,
        Err(source) => {
            return Err(AdminError::NoAnswer {
                data: config.data.clone(),
                source,
            });
        }
    };
    match reply {
        AdminReply::Failed { message } => Err(AdminError::Failed(message)),
        done => Ok(done),
    }
}

/// Does it without a server. The lock of the data folder tells whether there really is none.
async fn alone(
    config: &ServerConfig,
    request: AdminRequest,
    absent: std::io::Error,
) -> Result<AdminReply, AdminError> {
    let files = match Files::open(store_options(config)).await {
        Ok(files) => files,
        Err(OpenError::Lock(LockError::Held { .. })) => {
            return Err(AdminError::NoAnswer {
                data: config.data.clone(),
                source: absent,
            });
        }
        Err(error) => return Err(error.into()),
    };
    let public = config
        .public_url
        .clone()
        .or_else(|| crate::address::recall(&config.data));
    let reply = Office::new(files.clone(), public).perform(request).await;
    files.close().await;
    Ok(reply)
}

/// Whether nobody listens at a socket.
fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::ConnectionRefused
    )
}
