//! Doing what an administrator asks.

use std::fmt::Display;
use std::time::Duration;

use url::Url;

use hythe_wire::invite::InviteUrl;
use hythe_wire::server::RegistrationPolicy;

use super::{AdminReply, AdminRequest, UserChange};
use crate::files::{Actor, Files, FilesError, InviteTerms};
use crate::tls::Identity;

/// Does what an administrator asks.
#[derive(Clone)]
pub(crate) struct Office {
    pub(super) files: Files,
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
        let files = &self.files;
        match request {
            AdminRequest::Invite {
                lifetime_s,
                admin,
                login,
                quota,
            } => {
                let terms = InviteTerms {
                    lifetime: Duration::from_secs(lifetime_s),
                    admin,
                    login,
                    limit: quota.map(|quota| quota.limit_bytes),
                };
                reply(self.invite(terms).await, |made| AdminReply::Invite {
                    url: made.url.to_string(),
                    expires_ms: made.expires_ms,
                })
            }
            AdminRequest::Stats => reply(files.stats().await, |stats| AdminReply::Stats { stats }),
            AdminRequest::Check => {
                reply(files.check().await, |report| AdminReply::Check { report })
            }
            AdminRequest::Accounts => reply(files.accounts().await, |accounts| {
                AdminReply::Accounts { accounts }
            }),
            AdminRequest::Quotas { of } => reply(files.quotas(of).await, |report| {
                AdminReply::Quotas { report }
            }),
            AdminRequest::SetQuota { of, limit_bytes } => {
                done(files.set_quota(Actor::Machine, of, limit_bytes).await)
            }
            AdminRequest::Recount => reply(files.recount().await, |wrong| AdminReply::Recounted {
                wrong,
            }),
            AdminRequest::Policy { set } => self.policy(set).await,
            AdminRequest::User { name, change } => done(self.user(&name, change).await),
            AdminRequest::Roster => {
                reply(files.roster().await, |users| AdminReply::Roster { users })
            }
            AdminRequest::Ground { password } => reply(self.ground(password).await, |ground| {
                AdminReply::Ground { ground }
            }),
            AdminRequest::Import { import } => self.import(*import).await,
            AdminRequest::Audit { limit } => reply(files.audit(limit).await, |entries| {
                AdminReply::Audit { entries }
            }),
        }
    }

    async fn policy(&self, set: Option<RegistrationPolicy>) -> AdminReply {
        if let Some(policy) = set {
            let set = self.files.set_policy(Actor::Machine, policy).await;
            if let Err(error) = set {
                return done(Err(error));
            }
        }
        reply(self.files.policy().await, |policy| AdminReply::Policy {
            policy,
        })
    }

    async fn user(&self, name: &str, change: UserChange) -> Result<(), FilesError> {
        let (files, machine) = (&self.files, Actor::Machine);
        match change {
            UserChange::Suspend => files.suspend(machine, name).await,
            UserChange::Resume => files.resume(machine, name).await,
            UserChange::Remove { wait_s } => {
                let wait = Duration::from_secs(wait_s);
                files.remove_account(machine, name, wait).await
            }
            UserChange::Role { admin } => files.set_role(machine, name, admin).await,
        }
    }

    /// Makes an invite.
    pub(crate) async fn invite(&self, terms: InviteTerms) -> Result<Invited, InviteError> {
        let server = self.public.clone().ok_or(InviteError::NoAddress)?;
        let invite = self.files.invite(Actor::Machine, terms).await?;
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

pub(super) fn done(done: Result<(), FilesError>) -> AdminReply {
    reply(done, |()| AdminReply::Done)
}

fn reply<T, E: Display>(done: Result<T, E>, say: impl FnOnce(T) -> AdminReply) -> AdminReply {
    match done {
        Ok(value) => say(value),
        Err(error) => AdminReply::Failed {
            message: error.to_string(),
        },
    }
}
