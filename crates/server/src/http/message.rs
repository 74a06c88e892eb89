//! Messages in and out of handlers.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use hythe_wire::web::MAX_WEB_PART_BYTES;
use hythe_wire::{Code, Message, headers, limits};

use super::app::Shared;
use super::body::{Collected, collect};
use super::error::Failure;
use crate::auth::Guard;

/// A CBOR message: out of a request's body, or into a response's.
pub(crate) struct Cbor<M> {
    /// The message.
    pub(crate) message: M,
    /// The place the body took among all bodies, given back when the request is done.
    _memory: Option<OwnedSemaphorePermit>,
}

impl<M> Cbor<M> {
    /// A message to answer with.
    pub(crate) fn answer(message: M) -> Self {
        Self {
            message,
            _memory: None,
        }
    }
}

impl<M: Message> FromRequest<Shared> for Cbor<M> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Failure> {
        let collected = body(request, app, headers::CBOR, M::MAX_BYTES).await?;
        let message = M::from_cbor(&collected.bytes)?;
        Ok(Self {
            message,
            _memory: collected.memory,
        })
    }
}

impl<M: Message> IntoResponse for Cbor<M> {
    fn into_response(self) -> Response {
        let cbor = HeaderValue::from_static(headers::CBOR);
        ([(header::CONTENT_TYPE, cbor)], self.message.to_cbor()).into_response()
    }
}

/// A JSON request.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for JsonBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Failure> {
        let collected = body(request, app, headers::JSON, limits::MAX_JSON_BYTES).await?;
        serde_json::from_slice(&collected.bytes)
            .map(Self)
            .map_err(|error| Failure::detail(Code::Malformed, error.to_string()))
    }
}

/// A body that is a pack.
pub(crate) struct PackBody {
    /// The pack.
    pub(crate) bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

impl FromRequest<Shared> for PackBody {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Failure> {
        let collected = body(request, app, headers::PACK, limits::MAX_PACK_BYTES).await?;
        Ok(Self {
            bytes: collected.bytes,
            _memory: collected.memory,
        })
    }
}

/// A body that is a part of a file, or all of a small one.
pub(crate) struct PartBody {
    /// The bytes.
    pub(crate) bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

impl FromRequest<Shared> for PartBody {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, Failure> {
        let collected = body(request, app, headers::OCTETS, MAX_WEB_PART_BYTES).await?;
        Ok(Self {
            bytes: collected.bytes,
            _memory: collected.memory,
        })
    }
}

/// Reads a body of one media type, for as long as its sender keeps its rights.
async fn body(
    request: Request,
    app: &Shared,
    media: &str,
    limit: usize,
) -> Result<Collected, Failure> {
    let (parts, body) = request.into_parts();
    check_media(&parts.headers, media)?;
    let collecting = collect(app, &parts.headers, body, limit);
    match parts.extensions.get::<Guard>() {
        Some(guard) => guard.during(collecting).await?,
        None => collecting.await,
    }
}

/// Parameters of a media type (`; charset=…`) mean nothing here.
fn check_media(headers: &HeaderMap, media: &str) -> Result<(), Failure> {
    let sent = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = sent.and_then(|text| text.split(';').next()).map(str::trim);
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case(media)) {
        return Ok(());
    }
    Err(Failure::detail(
        Code::UnsupportedMedia,
        format!("the route takes {media}"),
    ))
}

/// Ids in a path.
pub(crate) struct Ids<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Shared> for Ids<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        let path = Path::<T>::from_request_parts(parts, app).await;
        path.map(|Path(ids)| Self(ids))
            .map_err(|_| Failure::detail(Code::Malformed, "an id in the path is malformed"))
    }
}

/// An id in its text form.
pub(crate) struct IdText<T>(pub(crate) T);

impl<'de, T: std::str::FromStr> serde::Deserialize<'de> for IdText<T> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map(Self)
            .map_err(|_| serde::de::Error::custom("not an id"))
    }
}

/// What follows the `?`.
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Failure> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        query
            .map(|Query(asked)| Self(asked))
            .map_err(|_| Failure::detail(Code::Malformed, "the query is malformed"))
    }
}
