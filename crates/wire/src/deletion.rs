//! Deleting one's own account.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /account/delete`: the account is to be deleted when the waiting time is over. Has no
/// `Debug`: it may hold a token.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteRequest {
    /// Where the account has a password: the token of a login with it, or of the recovery code, in
    /// hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// The reply to a [`DeleteRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeleteReply {
    /// When it is deleted, in milliseconds since 1970.
    pub removal_ms: i64,
}
