//! What happens to every request before and after its handler.

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use hythe_wire::{Code, headers};

use super::app::{OVERLOADED_RETRY, Shared};
use super::connection::Peer;
use super::error::{Failure, render};
use super::rate::AddressKey;

/// Where a request comes from: the peer, or whom the proxy names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) SocketAddr);

impl Client {
    /// The key for limits by address.
    pub(crate) fn key(self) -> AddressKey {
        AddressKey::of(self.0.ip())
    }
}

/// Gives the request an id, logs and measures it, writes problems, sets the headers that every
/// answer has. The outermost layer.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id();
    let method = request.method().clone();
    // The template, never the path itself: ids stay out of metrics, and what is no id out of logs.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unmatched", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", id, %method, route);
    let response = next.run(request).instrument(span.clone()).await;
    let mut response = render(response, &id);
    set_headers(response.headers_mut(), &id);
    let status = response.status();
    span.in_scope(|| tracing::debug!(%status, elapsed = ?started.elapsed(), "answered"));
    let labels = [("route", route), ("status", status.as_u16().to_string())];
    metrics::counter!("hythe_requests_total", &labels).increment(1);
    metrics::histogram!("hythe_request_seconds", "route" => labels[0].1.clone())
        .record(started.elapsed().as_secs_f64());
    response
}

/// Turns away who knocks too often, and everybody while there is too much to do.
pub(crate) async fn admit(
    State(app): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let client = client(&request, app.forwarded)?;
    request.extensions_mut().insert(client);
    if app.by_address
        && let Err(wait) = app.rates.addresses.take(client.key(), Instant::now())
    {
        return Err(Failure::later(Code::RateLimited, wait));
    }
    let Ok(_place) = app.places.try_acquire() else {
        return Err(Failure::later(Code::Overloaded, OVERLOADED_RETRY));
    };
    Ok(next.run(request).await)
}

/// The answer when a handler panicked: one request is lost, never the process.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text");
    tracing::error!(panic = text, "a handler panicked");
    metrics::counter!("hythe_panics_total").increment(1);
    Failure::new(Code::Internal).into_response()
}

/// The answer to a path that is none.
pub(crate) async fn no_route() -> Failure {
    Failure::new(Code::NotFound)
}

/// The answer to a method that a path does not take.
pub(crate) async fn no_method() -> Failure {
    Failure::new(Code::MethodNotAllowed)
}

/// 64 random bits in hexadecimal: enough to find a request in a log.
fn request_id() -> String {
    let mut bytes = [0; 8];
    // Without randomness the id is zeros: of no use, and of no harm.
    let _ = getrandom::fill(&mut bytes);
    data_encoding::HEXLOWER.encode(&bytes)
}

/// Where the request comes from.
fn client(request: &Request, forwarded: bool) -> Result<Client, Failure> {
    let Some(peer) = request.extensions().get::<Peer>() else {
        return Err(Failure::new(Code::Internal));
    };
    if !forwarded {
        return Ok(Client(peer.address));
    }
    // The last entry is what the proxy itself saw; those before it may be made up.
    let named = request
        .headers()
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .and_then(|value| value.trim().parse::<IpAddr>().ok());
    Ok(Client(
        named.map_or(peer.address, |ip| SocketAddr::new(ip, 0)),
    ))
}

/// Headers of every answer: nothing is stored, sniffed, framed, run or referred to.
fn set_headers(map: &mut HeaderMap, id: &str) {
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::VARY, "authorization, cookie"),
    ];
    for (name, value) in fixed {
        map.insert(name, HeaderValue::from_static(value));
    }
    // The pages of the web app, and content that they show, say more of these themselves.
    let usual = [
        (header::CACHE_CONTROL, "private, no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
    ];
    for (name, value) in usual {
        map.entry(name).or_insert(HeaderValue::from_static(value));
    }
    map.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    if let Ok(id) = HeaderValue::from_str(id) {
        map.insert(headers::REQUEST_ID, id);
    }
}
