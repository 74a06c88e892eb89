//! Who is calling: tokens to principals, at the start of a request and while it runs.

mod basic;
mod cookie;
mod guard;
mod token;
mod visitor;

use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use hythe_model::{DeviceId, SpaceId};
use hythe_wire::{Code, Token, headers};

pub(crate) use cookie::asks_with_session;
pub(crate) use guard::Guard;
pub(crate) use visitor::Visitor;

use crate::files::{Denied, FilesError, Principal};
use crate::http::app::{OVERLOADED_RETRY, Shared};
use crate::http::error::Failure;
use crate::http::gate::Pass;
use crate::http::layers::Client;
use token::bearer;

/// A device that showed its token, or on few routes a program that showed an app password; holds one of its places until dropped.
pub(crate) struct Caller {
    /// Who it is.
    pub(crate) principal: Principal,
    /// Keeps checking that it still is.
    pub(crate) guard: Guard,
    _place: Pass<DeviceId>,
}

impl Caller {
    /// The same, for an answer that streams of a space.
    pub(crate) fn within(mut self, space: SpaceId) -> Self {
        self.guard = self.guard.within(space);
        self
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        let client = client(parts)?;
        let principal = match basic::shown(&parts.headers) {
            Some(shown) => basic::caller(parts, app, client, shown).await?,
            None if cookie::is_shown(parts) => cookie::caller(parts, app, client).await?,
            None => {
                let token = Shown::take(parts, headers::BEARER)?;
                let principal = app.files.authenticate(&token.0, Some(client.0)).await;
                principal.map_err(|error| denied(app, client, error))?
            }
        };
        if let Err(wait) = app.rates.devices.take(principal.device(), Instant::now()) {
            return Err(Failure::later(Code::RateLimited, wait));
        }
        let Some(place) = app.device_places.enter(principal.device()) else {
            return Err(Failure::later(Code::RateLimited, OVERLOADED_RETRY));
        };
        let guard = Guard::new(app.files.clone(), principal.clone(), app.limits.recheck);
        // For the body's extractor: a removed device must not go on sending.
        parts.extensions.insert(guard.clone());
        Ok(Self {
            principal,
            guard,
            _place: place,
        })
    }
}

/// A token that was shown under a scheme, not yet looked up.
pub(crate) struct Shown(pub(crate) Token);

impl Shown {
    /// The token of a request.
    pub(crate) fn take(parts: &Parts, scheme: &str) -> Result<Self, Failure> {
        bearer(&parts.headers, scheme).map(Self).ok_or_else(|| {
            Failure::detail(
                Code::Unauthenticated,
                format!("the route takes a {scheme} token"),
            )
        })
    }
}

/// The failure that a look-up ended with. A wrong token counts against its address, and too many
/// slow only the wrong ones down: nobody is locked out by who shares an address.
pub(crate) fn denied(app: &Shared, client: Client, error: FilesError) -> Failure {
    // Whoever is suspended showed the right one.
    let is_guess = match error {
        FilesError::Denied(Denied::Suspended | Denied::RegistrationClosed) => false,
        FilesError::Denied(_) => true,
        _ => false,
    };
    if is_guess
        && app.by_address
        && let Err(wait) = app.rates.failures.take(client.key(), Instant::now())
    {
        return Failure::later(Code::RateLimited, wait);
    }
    error.into()
}

/// Where a request comes from.
pub(crate) fn client(parts: &Parts) -> Result<Client, Failure> {
    parts
        .extensions
        .get::<Client>()
        .copied()
        .ok_or_else(|| Failure::new(Code::Internal))
}
