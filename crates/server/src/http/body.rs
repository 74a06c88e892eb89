//! Bodies of requests: bounded in size, in memory over all requests, and in the time they take.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use hythe_wire::Code;

use super::app::{App, BODY_UNIT_BYTES, OVERLOADED_RETRY};
use super::error::Failure;
use crate::config::RequestLimits;

/// A body, and the place it takes among all bodies.
pub(crate) struct Collected {
    /// The bytes.
    pub(crate) bytes: Bytes,
    /// Given back when the request is done.
    pub(crate) memory: Option<OwnedSemaphorePermit>,
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn collect(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Collected, Failure> {
    let announced = announced(headers)?;
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let most = announced.map_or(limit, |length| usize::try_from(length).unwrap_or(limit));
    let memory = reserve(app, most).await?;
    let bytes = read(&app.limits, body, most, limit).await?;
    Ok(Collected { bytes, memory })
}

/// What `Content-Length` says.
fn announced(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let Some(value) = headers.get(header::CONTENT_LENGTH) else {
        return Ok(None);
    };
    let length = value.to_str().ok().and_then(|text| text.parse().ok());
    length
        .map(Some)
        .ok_or_else(|| Failure::detail(Code::Malformed, "bad content-length"))
}

/// Waits a while for memory. Small bodies need none reserved: the number of requests bounds them.
async fn reserve(app: &App, most: usize) -> Result<Option<OwnedSemaphorePermit>, Failure> {
    if most <= BODY_UNIT_BYTES {
        return Ok(None);
    }
    let units = u32::try_from(most.div_ceil(BODY_UNIT_BYTES)).unwrap_or(u32::MAX);
    let waiting = Arc::clone(&app.body_memory).acquire_many_owned(units);
    match tokio::time::timeout(app.limits.body_grace, waiting).await {
        Ok(Ok(permit)) => Ok(Some(permit)),
        _ => Err(Failure::later(Code::Overloaded, OVERLOADED_RETRY)),
    }
}

/// Reads the frames of a body, which must keep coming at the minimal rate.
async fn read(
    limits: &RequestLimits,
    mut body: Body,
    most: usize,
    limit: usize,
) -> Result<Bytes, Failure> {
    let started = Instant::now();
    let mut bytes = BytesMut::new();
    loop {
        let deadline = started + allowed(limits, bytes.len());
        let Ok(frame) = tokio::time::timeout_at(deadline, body.frame()).await else {
            return Err(Failure::detail(Code::Timeout, "the body came too slowly"));
        };
        let Some(frame) = frame else {
            return Ok(bytes.freeze());
        };
        let frame = frame.map_err(|_| Failure::detail(Code::Malformed, "the body was cut off"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > most - bytes.len() {
            return Err(too_large(limit));
        }
        if bytes.is_empty() {
            // Announced bytes cost nothing until the first of them is there.
            bytes.reserve(most.min(limits.body_memory));
        }
        bytes.extend_from_slice(&data);
    }
}

/// How long this many bytes may take.
fn allowed(limits: &RequestLimits, bytes: usize) -> Duration {
    let seconds = bytes as u64 / u64::from(limits.body_rate.max(1));
    limits.body_grace + Duration::from_secs(seconds)
}

fn too_large(limit: usize) -> Failure {
    Failure::detail(Code::TooLarge, format!("the limit is {limit} bytes"))
}
