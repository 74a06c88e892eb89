//! Members of spaces: looking accounts up, who is in, what was answered.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hythe_model::AccountId;

use crate::space::RoleName;
use crate::text;

/// `GET /accounts/lookup`: the account of a login name, as the server says. What else it could say
/// is told by the safety number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountFound {
    /// Its id, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub account: AccountId,
}

/// `GET /spaces/{space}/members`: who is in a space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberList {
    /// The members, by ascending account id.
    pub members: Vec<MemberView>,
}

/// One member, as the server tells of it: id and role stand in the log as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberView {
    /// The account, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub account: AccountId,
    /// Its login name; none for the server's own.
    pub login: Option<String>,
    /// What it may do.
    pub role: RoleName,
    /// Since when it has this role, in milliseconds since 1970, by the server's clock.
    pub since_ms: Option<i64>,
    /// What it said to being invited.
    pub answer: MemberAnswer,
    /// Whether it is the server's own account.
    pub server: bool,
}

/// What a member said to being invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MemberAnswer {
    /// It takes part.
    Accepted,
    /// Nothing yet.
    Pending,
    /// No.
    Declined,
}

/// An invitation into a space, for the account that was invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationView {
    /// Who invited, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub by: AccountId,
    /// Its login name.
    pub by_login: Option<String>,
    /// When, in milliseconds since 1970.
    pub since_ms: i64,
    /// Records of the space's state in hexadecimal, by which the account's keys open its name.
    /// Nothing vouches for them before the log was read: for display only.
    pub records: Vec<String>,
}

/// `POST /spaces/{space}/invitation`: what the caller's account says to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationAnswer {
    /// Whether it takes part.
    pub accept: bool,
}
