//! The server's API as typed calls.
//!
//! One HTTP/2 connection carries what is small and the event stream, a few HTTP/1.1 connections the
//! bulk bodies. The server is known by its pinned identity key and by nothing else. Nothing here
//! retries in time or decides anything: errors say what the caller can do, and [`Backoff`] says when.

mod accounts;
mod app_passwords;
mod approvals;
mod backoff;
mod body;
mod chunks;
mod dial;
mod error;
mod events;
mod http;
mod inbox;
mod links;
mod log;
mod login;
mod passkeys;
mod profile;
mod sightings;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;

use ::http::{HeaderValue, Method, Request, Response, header};
use bytes::Bytes;
use http_body_util::Full;
use hythe_model::{LinkId, OpeningId};
use hythe_wire::server::ServerInfo;
use hythe_wire::{Code, IdentityKey, Message, Problem, Token, headers, limits};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keys::ServerPin;
use body::BodyReader;
use dial::Target;
use http::{Channel, Http};

pub use backoff::Backoff;
pub use body::Frames;
pub use chunks::{ChunkReader, ReadChunk, object_name};
pub use error::{ApiError, OverQuota, Retry};
pub use events::EventStream;
pub use log::{LogPage, LogReader, SnapshotReader};

const USER_AGENT: &str = concat!("hythe/", env!("CARGO_PKG_VERSION"));

/// Calls of one device, or of somebody with an invite, to one server. Clones share connections.
#[derive(Clone)]
pub struct Api {
    http: Arc<Http>,
    authorization: Option<HeaderValue>,
    /// The file that chunks are read of, for whoever has a link; else they are read of a space.
    opening: Option<(LinkId, OpeningId)>,
    /// The way that packs are put; else they are stored in a space by who may write there.
    putting: Option<Putting>,
}

/// How packs are put of files that are sealed for an inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Putting {
    /// Through a link.
    Link(LinkId),
    /// By a member.
    Member,
}

impl Api {
    /// Calls of an enrolled device. Connects when the first call is made.
    ///
    /// # Errors
    /// [`ApiError::WrongServer`] when the pinned address cannot be one of a server.
    pub fn new(server: &ServerPin, token: &Token) -> Result<Self, ApiError> {
        Self::anonymous(server)?.with_token(headers::BEARER, token)
    }

    /// Calls without a token: only what is public.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn anonymous(server: &ServerPin) -> Result<Self, ApiError> {
        let url = server
            .url
            .parse()
            .map_err(|error| ApiError::WrongServer(Box::new(error)))?;
        let target = Target::new(&url, IdentityKey(server.identity))?;
        Ok(Self {
            http: Arc::new(Http::new(target)),
            authorization: None,
            opening: None,
            putting: None,
        })
    }

    /// Asks whoever is at an address who it is. The identity is what that server says and proves of
    /// itself, and it may still be another one than the user means: only a password that it knows,
    /// or the user, can tell.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn discover(url: &url::Url) -> Result<(ServerPin, ServerInfo), ApiError> {
        let anyone = Self {
            http: Arc::new(Http::new(Target::anyone(url)?)),
            authorization: None,
            opening: None,
            putting: None,
        };
        let claimed = anyone.server().await?.identity;
        let pin = ServerPin {
            url: url.to_string(),
            identity: claimed.0,
        };
        // Over a connection on which the claim is proven.
        let info = Self::anonymous(&pin)?.server().await?;
        Ok((pin, info))
    }

    /// The same connections with another token, under one of the schemes of [`headers`].
    ///
    /// # Errors
    /// Never in practice: every token fits into a header.
    pub fn with_token(&self, scheme: &str, token: &Token) -> Result<Self, ApiError> {
        let mut value =
            HeaderValue::try_from(token.authorization(scheme)).map_err(ApiError::malformed)?;
        value.set_sensitive(true);
        Ok(Self {
            http: Arc::clone(&self.http),
            authorization: Some(value),
            opening: None,
            putting: None,
        })
    }

    /// Sends a request and gives the answer if it is a success, the server's problem otherwise.
    async fn call(
        &self,
        channel: Channel,
        method: Method,
        path: &str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<BodyReader, ApiError> {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::USER_AGENT, USER_AGENT);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.clone());
        }
        let body = match body {
            Some((media, body)) => {
                request = request.header(header::CONTENT_TYPE, media);
                body
            }
            None => Bytes::new(),
        };
        let request = request.body(Full::new(body)).map_err(ApiError::malformed)?;
        let answer = self.http.send(channel, request).await?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(ApiError::of_problem(problem(answer).await?))
    }

    async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        let mut reader = self.call(Channel::Shared, Method::GET, path, None).await?;
        let bytes = reader.whole(MAX_JSON_REPLY_BYTES).await?;
        serde_json::from_slice(&bytes).map_err(ApiError::malformed)
    }

    /// Sends JSON and reads the JSON that answers it.
    async fn exchange_json<T: Serialize, R: DeserializeOwned>(
        &self,
        path: &str,
        message: &T,
    ) -> Result<R, ApiError> {
        let body = serde_json::to_vec(message).map_err(ApiError::malformed)?;
        let body = Some((headers::JSON, Bytes::from(body)));
        let mut reader = self.call(Channel::Shared, Method::POST, path, body).await?;
        let bytes = reader.whole(MAX_JSON_REPLY_BYTES).await?;
        serde_json::from_slice(&bytes).map_err(ApiError::malformed)
    }

    async fn send_json<T: Serialize>(
        &self,
        method: Method,
        path: &str,
        message: &T,
    ) -> Result<(), ApiError> {
        let body = serde_json::to_vec(message).map_err(ApiError::malformed)?;
        let body = Some((headers::JSON, Bytes::from(body)));
        let mut reader = self.call(Channel::Shared, method, path, body).await?;
        reader.whole(MAX_JSON_REPLY_BYTES).await.map(drop)
    }

    async fn send_message<M: Message, R: Message>(
        &self,
        channel: Channel,
        method: Method,
        path: &str,
        message: &M,
    ) -> Result<R, ApiError> {
        let body = Bytes::from(message.to_cbor());
        if body.len() > M::MAX_BYTES {
            return Err(ApiError::TooLarge);
        }
        let mut reader = self
            .call(channel, method, path, Some((headers::CBOR, body)))
            .await?;
        R::from_cbor(&reader.whole(R::MAX_BYTES).await?).map_err(ApiError::malformed)
    }
}

/// Lists of spaces and devices are the longest: some hundred bytes for each.
const MAX_JSON_REPLY_BYTES: usize = 4 << 20;

/// The problem in an answer; where there is none that can be read, one made of the status.
async fn problem(answer: Response<BodyReader>) -> Result<Problem, ApiError> {
    let (head, mut reader) = answer.into_parts();
    let bytes = reader
        .whole(limits::MAX_JSON_BYTES)
        .await
        .unwrap_or_default();
    let mut problem = serde_json::from_slice::<Problem>(&bytes).unwrap_or_else(|_| {
        Problem::new(Code::Unknown).detail(format!("The server answered {}.", head.status))
    });
    // What a proxy in between decided counts as well.
    problem.status = head.status.as_u16();
    if problem.retry_after_ms.is_none() {
        let seconds = head
            .headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        let seconds = seconds.and_then(|text| text.parse::<u64>().ok());
        problem.retry_after_ms = seconds.map(|seconds| seconds.saturating_mul(1000));
    }
    Ok(problem)
}
