//! Doing what an administrator asks.

use std::fmt::Display;
use std::time::Duration;

use url::Url;

use hythe_wire::invite::InviteUrl;

use super::{AdminReply, AdminRequest};
use crate::files::{Files, FilesError};
use crate::tls::Identity;

/// Does what an administrator asks.
#[derive(Clone)]
pub(crate) struct Office {
    files: Files,
    /// The address that clients are told; none when no server ever ran on the data.
    public: Option<Url>,
}

/// Why an invite cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InviteError {
    /// Nobody knows the server's address.
    #[error("the server's address is not known: start it once, or say --public-url")]
    NoAddress,
    /// The rules or the storage said no.
    #[error(transparent)]
    Files(#[from] FilesError),
}

/// An invite that was made.
pub(crate) struct Invited {
    /// What to give to the person.
    pub(crate) url: InviteUrl,
    /// When it ends, in milliseconds since 1970.
    pub(crate) expires_ms: i64,
}

impl Office {
    /// An office for these files.
    pub(crate) fn new(files: Files, public: Option<Url>) -> Self {
        Self { files, public }
    }

    /// Does what is asked; what cannot be done is said in the reply.
    pub(crate) async fn perform(&self, request: AdminRequest) -> AdminReply {
        match request {
            AdminRequest::Invite { lifetime_s, admin } => {
                let lifetime = Duration::from_secs(lifetime_s);
                reply(self.invite(lifetime, admin).await, |made| {
                    AdminReply::Invite {
                        url: made.url.to_string(),
                        expires_ms: made.expires_ms,
                    }
                })
            }
            AdminRequest::Stats => reply(self.files.stats().await, |stats| AdminReply::Stats {
                stats,
            }),
            AdminRequest::Check => reply(self.files.check().await, |report| AdminReply::Check {
                report,
            }),
            AdminRequest::Accounts => reply(self.files.accounts().await, |accounts| {
                AdminReply::Accounts { accounts }
            }),
            AdminRequest::Quotas { of } => reply(self.files.quotas(of).await, |report| {
                AdminReply::Quotas { report }
            }),
            AdminRequest::SetQuota { of, limit_bytes } => {
                let set = self.files.set_quota(of, limit_bytes).await;
                reply(set, |()| AdminReply::Done)
            }
            AdminRequest::Recount => reply(self.files.recount().await, |wrong| {
                AdminReply::Recounted { wrong }
            }),
        }
    }

    /// Makes an invite that holds for a while.
    pub(crate) async fn invite(
        &self,
        lifetime: Duration,
        admin: bool,
    ) -> Result<Invited, InviteError> {
        let server = self.public.clone().ok_or(InviteError::NoAddress)?;
        let invite = self.files.create_invite(lifetime, admin).await?;
        let identity = Identity::from_seed(&self.files.identity_seed()).public();
        let url = InviteUrl {
            server,
            identity,
            token: invite.token,
        };
        Ok(Invited {
            url,
            expires_ms: invite.expires_ms,
        })
    }
}

fn reply<T, E: Display>(done: Result<T, E>, say: impl FnOnce(T) -> AdminReply) -> AdminReply {
    match done {
        Ok(value) => say(value),
        Err(error) => AdminReply::Failed {
            message: error.to_string(),
        },
    }
}
