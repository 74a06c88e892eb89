//! Who may create an account: the registration policy, and what an invite is bound to.

use hythe_model::DeviceId;
use hythe_wire::server::RegistrationPolicy;

use super::audit::{Action, Actor};
use super::quota_settings::default_limit;
use super::{Denied, Files, FilesError};
use crate::clock::now_ms;
use crate::metadata::tokens::{self, TokenKind};
use crate::metadata::{DbError, Tx, devices, invites, settings};

/// The setting that holds the policy.
const REGISTRATION: &str = "registration";

/// What a newcomer is let in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// The registration was done before: this is its repetition.
    Again,
    /// A new account.
    New {
        /// Whether it may administer the server.
        admin: bool,
        /// What it may store, in bytes; none is no limit.
        limit: Option<u64>,
    },
}

/// Decides whether a device may register an account under a login name, and locks its invite.
///
/// # Errors
/// [`Denied`], [`FilesError::Invalid`] for another name than the invite's; the database's.
pub(super) fn admit(
    tx: &mut dyn Tx,
    invite: Option<&[u8; 32]>,
    device: DeviceId,
    login: &str,
) -> Result<Admission, FilesError> {
    let Some(invite) = invite else {
        return uninvited(tx, device);
    };
    let token = tokens::lock(tx, invite)?;
    let token = token
        .filter(|token| token.kind == TokenKind::Invite)
        .ok_or(Denied::TokenUnknown)?;
    match token.used_by {
        Some(by) if by == device => return Ok(Admission::Again),
        Some(_) => return Err(Denied::TokenSpent.into()),
        None if token.expires_ms <= now_ms() => return Err(Denied::TokenSpent.into()),
        None => {}
    }
    if policy(tx)? == RegistrationPolicy::Closed {
        return Err(Denied::RegistrationClosed.into());
    }
    let bound = invites::bound(tx, invite)?;
    if let Some(name) = bound.login.filter(|name| name != login) {
        return Err(FilesError::invalid(format!(
            "the invite is for the login name {name}"
        )));
    }
    let limit = match bound.limit {
        Some(limit) => limit,
        None => default_limit(tx)?,
    };
    Ok(Admission::New {
        admin: token.admin,
        limit,
    })
}

fn uninvited(tx: &mut dyn Tx, device: DeviceId) -> Result<Admission, FilesError> {
    if devices::get(tx, device)?.is_some() {
        // The token of the device decides whether it is the same registration.
        return Ok(Admission::Again);
    }
    match policy(tx)? {
        RegistrationPolicy::Open => Ok(Admission::New {
            admin: false,
            limit: default_limit(tx)?,
        }),
        RegistrationPolicy::Invite => Err(Denied::TokenUnknown.into()),
        RegistrationPolicy::Closed => Err(Denied::RegistrationClosed.into()),
    }
}

/// The registration policy; by invite unless somebody decided otherwise.
///
/// # Errors
/// The database's.
pub(super) fn policy(tx: &mut dyn Tx) -> Result<RegistrationPolicy, DbError> {
    match settings::get(tx, REGISTRATION)?.as_deref() {
        None => Ok(RegistrationPolicy::Invite),
        Some(text) => text
            .parse()
            .map_err(|_| DbError::Shape("a registration policy")),
    }
}

impl Files {
    /// The registration policy.
    ///
    /// # Errors
    /// The database's.
    pub async fn policy(&self) -> Result<RegistrationPolicy, FilesError> {
        Ok(self.inner.database.read(policy).await?)
    }

    /// Sets the registration policy.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_policy(
        &self,
        actor: Actor,
        policy: RegistrationPolicy,
    ) -> Result<(), FilesError> {
        let action = Action {
            actor,
            name: "set-policy",
            subject: "registration".to_owned(),
            detail: policy.to_string(),
        };
        let work =
            move |tx: &mut dyn Tx| Ok(settings::set(tx, REGISTRATION, Some(&policy.to_string()))?);
        self.audited(action, work).await
    }
}
