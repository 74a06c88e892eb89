//! Whoever has a link.

use std::net::IpAddr;
use std::time::Instant;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use hythe_model::LinkId;
use hythe_wire::link_url::verifier;
use hythe_wire::{Code, headers};

use super::{Guard, Shown, client, denied};
use crate::files::{FilesError, LinkPass};
use crate::http::app::Shared;
use crate::http::error::Failure;

/// Somebody who showed the token of the link in the path, which stood a moment ago.
pub(crate) struct Visitor {
    /// The link.
    pub(crate) pass: LinkPass,
    /// Keeps checking that it stands.
    pub(crate) guard: Guard,
    /// Where the request comes from.
    pub(crate) address: IpAddr,
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        let client = client(parts)?;
        let token = Shown::take(parts, headers::LINK)?;
        let link = link_of(parts, app).await?;
        let guesses = (link, client.key());
        // A password is tried here at the price of a request: who tries often waits before the
        // next try is looked at. Others who have the link are not kept out by it.
        if app.by_address
            && let Err(wait) = app.rates.link_guesses.wait(&guesses, Instant::now())
        {
            return Err(Failure::later(Code::RateLimited, wait));
        }
        let pass = LinkPass::new(link, verifier(&token.0));
        if let Err(error) = app.files.link_stands(&pass).await {
            if let FilesError::Denied(_) = &error {
                // Only counted: this try was answered.
                let _ = app.rates.link_guesses.take(guesses, Instant::now());
            }
            return Err(denied(app, client, error));
        }
        let guard = Guard::of_link(app.files.clone(), pass.clone(), app.limits.recheck);
        parts.extensions.insert(guard.clone());
        Ok(Self {
            pass,
            guard,
            address: client.0.ip(),
        })
    }
}

async fn link_of(parts: &mut Parts, app: &Shared) -> Result<LinkId, Failure> {
    let malformed = || Failure::detail(Code::Malformed, "an id in the path is malformed");
    let params = RawPathParams::from_request_parts(parts, app).await;
    let params = params.map_err(|_| malformed())?;
    let link = params.iter().find(|(name, _)| *name == "link");
    let link = link.and_then(|(_, text)| text.parse().ok());
    link.ok_or_else(malformed)
}
