//! What an account with the role admin asks of a server.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hythe_model::AccountId;

use crate::server::RegistrationPolicy;
use crate::text;

/// `GET /admin/users`: all accounts, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// The accounts.
    pub users: Vec<User>,
}

/// An account, as whoever governs the server sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Its id, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub account: AccountId,
    /// Its login name.
    pub login: String,
    /// Whether it may administer the server.
    pub admin: bool,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Since when it is suspended; none: it is not.
    pub suspended_ms: Option<i64>,
    /// When it will be removed; none: it stays.
    pub removal_ms: Option<i64>,
    /// How many devices it has.
    pub devices: u64,
    /// Sealed bytes in the spaces that count for it.
    pub used_bytes: u64,
    /// What it may store; none is no limit.
    pub limit_bytes: Option<u64>,
}

/// `POST /admin/users/{account}`: what is done to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum UserChange {
    /// Cut it off until it is resumed.
    Suspend,
    /// Let it go on, also where it was to be removed.
    Resume,
    /// Suspend it, and remove it when a time is over.
    Remove {
        /// The time, in days; 0 removes it at once.
        after_days: u16,
    },
    /// Set whether it may administer the server.
    Role {
        /// Whether it may.
        admin: bool,
    },
    /// Set what it may store.
    Quota {
        /// In bytes; none is no limit.
        limit_bytes: Option<u64>,
    },
}

/// `POST /admin/invites`: an invite that makes one account, once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    /// The login name it is for; none is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// Whether the account may administer the server.
    #[serde(default)]
    pub admin: bool,
    /// What the account may store, in bytes; absent: as other new accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
}

/// The reply to an [`InviteRequest`]. Has no `Debug`: the URL lets somebody in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invited {
    /// What to give to the person, and to nobody else.
    pub url: String,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// `GET` and `POST /admin/policy`: who may create an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Who.
    pub registration: RegistrationPolicy,
}

/// `GET /admin/audit`: what was administered lately, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Audit {
    /// The rows.
    pub entries: Vec<AuditRow>,
}

/// One row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Who: `machine`, `server`, or `account` and its id.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// With which values.
    pub detail: String,
    /// `done`, or why not.
    pub outcome: String,
}
