//! Requests over connections that are kept: one HTTP/2 connection for what is small, a few HTTP/1.1
//! connections for bulk bodies.
//!
//! The only place of this module that starts tasks: one per connection, which ends with it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hythe_wire::identity::verify_connection;
use hythe_wire::routes;
use hythe_wire::server::IdentityProof;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::body::BodyReader;
use super::dial::{Dialled, Target, Unproven};
use super::error::ApiError;
use super::tls::Version;

/// Bulk connections at a time: a transfer keeps three requests under way, and a few may run at once.
const BULK_CONNECTIONS: usize = 8;
/// Flow control windows of HTTP/2, wide enough for a long log over a distant line.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Until the answer to a request begins, when the request is sent.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The slowest line on which a request's body still counts as moving, in bytes per second.
const SLOWEST_LINE: u64 = 8 << 10;
/// The longest proof of identity.
const MAX_PROOF_BYTES: usize = 1024;

type Body = Full<Bytes>;

/// What a request needs beside its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    /// Small messages, and streams that stay open.
    Shared,
    /// A large body there or back.
    Bulk,
}

/// The connections to one server.
pub(super) struct Http {
    target: Target,
    shared: tokio::sync::Mutex<Option<http2::SendRequest<Body>>>,
    bulk: Arc<Bulk>,
}

/// Connections for bulk bodies: those not in use, and how many there may be.
struct Bulk {
    idle: Mutex<Vec<http1::SendRequest<Body>>>,
    places: Arc<Semaphore>,
}

/// A bulk connection in use. Given back when its answer was read to the end; closed otherwise.
pub(super) struct Lease {
    sender: http1::SendRequest<Body>,
    bulk: Arc<Bulk>,
    _place: Option<OwnedSemaphorePermit>,
}

/// Either kind of connection, ready for a request.
enum Sender {
    Shared(http2::SendRequest<Body>),
    Bulk(Lease),
}

impl Http {
    /// No connection yet.
    pub(super) fn new(target: Target) -> Self {
        let places = Arc::new(Semaphore::new(BULK_CONNECTIONS));
        let bulk = Arc::new(Bulk {
            idle: Mutex::new(Vec::new()),
            places,
        });
        Self {
            target,
            shared: tokio::sync::Mutex::new(None),
            bulk,
        }
    }

    /// Sends a request, its URI a path, and waits for the head of the answer.
    ///
    /// A kept connection may turn out to be closed only when it is used; then the request goes out
    /// once more over a new one. That is safe because every request of this API is repeatable.
    pub(super) async fn send(
        &self,
        channel: Channel,
        request: Request<Body>,
    ) -> Result<Response<BodyReader>, ApiError> {
        // Without TLS nothing is agreed on, and every server takes HTTP/1.1.
        let channel = if self.target.is_encrypted() {
            channel
        } else {
            Channel::Bulk
        };
        let (sender, kept) = self.sender(channel).await?;
        match self.exchange(sender, request.clone()).await {
            Err(ApiError::Offline(cause)) if kept && !is_timeout(cause.as_ref()) => {
                tracing::debug!(%cause, "a kept connection was closed; trying a new one");
                let sender = self.fresh(channel).await?;
                self.exchange(sender, request).await
            }
            result => result,
        }
    }

    async fn exchange(
        &self,
        sender: Sender,
        request: Request<Body>,
    ) -> Result<Response<BodyReader>, ApiError> {
        let limit = patience(&request);
        let request = self.addressed(request, matches!(sender, Sender::Shared(_)))?;
        let answered = match sender {
            Sender::Shared(mut sender) => {
                let answer = timeout(limit, sender.send_request(request)).await;
                if !matches!(answer, Ok(Ok(_))) {
                    *self.shared.lock().await = None;
                }
                answer.map(|answer| answer.map(|answer| (answer, None)))
            }
            Sender::Bulk(mut lease) => {
                let answer = timeout(limit, lease.sender.send_request(request)).await;
                answer.map(|answer| answer.map(|answer| (answer, Some(lease))))
            }
        };
        match answered {
            Ok(Ok((answer, lease))) => Ok(answer.map(|body| BodyReader::new(body, lease))),
            Ok(Err(error)) => Err(ApiError::offline(error)),
            Err(_) => Err(ApiError::offline(io::Error::from(io::ErrorKind::TimedOut))),
        }
    }

    /// HTTP/2 wants the whole URI, HTTP/1.1 a path and the host in a header.
    fn addressed(
        &self,
        mut request: Request<Body>,
        whole: bool,
    ) -> Result<Request<Body>, ApiError> {
        let authority = self.target.authority();
        if whole {
            let uri = format!("https://{authority}{}", request.uri());
            *request.uri_mut() = uri.parse().map_err(ApiError::malformed)?;
        } else {
            let host = HeaderValue::try_from(authority).map_err(ApiError::malformed)?;
            request.headers_mut().insert(header::HOST, host);
        }
        Ok(request)
    }

    /// A connection, and whether it was used before.
    async fn sender(&self, channel: Channel) -> Result<(Sender, bool), ApiError> {
        match channel {
            Channel::Shared => {
                let mut shared = self.shared.lock().await;
                if let Some(kept) = shared.as_ref().filter(|kept| !kept.is_closed()) {
                    return Ok((Sender::Shared(kept.clone()), true));
                }
                let opened = self.open_shared().await?;
                *shared = Some(opened.clone());
                Ok((Sender::Shared(opened), false))
            }
            Channel::Bulk => {
                let place = self.bulk.place().await;
                while let Some(mut sender) = self.bulk.take() {
                    if sender.ready().await.is_ok() {
                        return Ok((Sender::Bulk(self.bulk.lease(sender, place)), true));
                    }
                }
                let sender = self.open_bulk().await?;
                Ok((Sender::Bulk(self.bulk.lease(sender, place)), false))
            }
        }
    }

    /// A new connection, whatever is kept.
    async fn fresh(&self, channel: Channel) -> Result<Sender, ApiError> {
        match channel {
            Channel::Shared => {
                let mut shared = self.shared.lock().await;
                let opened = self.open_shared().await?;
                *shared = Some(opened.clone());
                Ok(Sender::Shared(opened))
            }
            Channel::Bulk => {
                let place = self.bulk.place().await;
                Ok(Sender::Bulk(
                    self.bulk.lease(self.open_bulk().await?, place),
                ))
            }
        }
    }

    async fn open_shared(&self) -> Result<http2::SendRequest<Body>, ApiError> {
        let Dialled { io, unproven } = self.target.dial(Version::Http2).await?;
        let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(TokioIo::new(io))
            .await
            .map_err(ApiError::offline)?;
        tokio::spawn(run("HTTP/2", connection));
        if let Some(unproven) = unproven {
            let request = self.addressed(proof_request()?, true)?;
            let answer = timeout(ANSWER_TIMEOUT, sender.send_request(request)).await;
            check_proof(answer, &unproven).await?;
        }
        Ok(sender)
    }

    async fn open_bulk(&self) -> Result<http1::SendRequest<Body>, ApiError> {
        let Dialled { io, unproven } = self.target.dial(Version::Http1).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(io))
            .await
            .map_err(ApiError::offline)?;
        tokio::spawn(run("HTTP/1.1", connection));
        if let Some(unproven) = unproven {
            let request = self.addressed(proof_request()?, false)?;
            let answer = timeout(ANSWER_TIMEOUT, sender.send_request(request)).await;
            check_proof(answer, &unproven).await?;
            sender.ready().await.map_err(ApiError::offline)?;
        }
        Ok(sender)
    }
}

impl Bulk {
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    fn take(&self) -> Option<http1::SendRequest<Body>> {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
    }

    fn lease(
        self: &Arc<Self>,
        sender: http1::SendRequest<Body>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Lease {
        Lease {
            sender,
            bulk: Arc::clone(self),
            _place: place,
        }
    }
}

impl Lease {
    /// Keeps the connection for the next request.
    pub(super) fn give_back(self) {
        if !self.sender.is_closed() {
            let mut idle = self
                .bulk
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            idle.push(self.sender);
        }
    }
}

fn is_timeout(cause: &(dyn std::error::Error + 'static)) -> bool {
    let error = cause.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// Moves bytes between a connection and its requests until both are done with it.
async fn run(version: &'static str, connection: impl Future<Output = Result<(), hyper::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(version, %error, "a connection to the server ended");
    }
}

/// How long a request may take until its answer begins: a slow line is no dead one (SC-115), and a
/// dead one is noticed by the system (see [`super::dial`]).
fn patience(request: &Request<Body>) -> Duration {
    let length = hyper::body::Body::size_hint(request.body())
        .exact()
        .unwrap_or_default();
    ANSWER_TIMEOUT + Duration::from_secs(length / SLOWEST_LINE)
}

fn proof_request() -> Result<Request<Body>, ApiError> {
    Request::get(routes::IDENTITY)
        .body(Full::default())
        .map_err(ApiError::malformed)
}

type Answer = Result<hyper::Result<Response<Incoming>>, tokio::time::error::Elapsed>;

/// Checks that the pinned identity signed this very connection.
async fn check_proof(answer: Answer, unproven: &Unproven) -> Result<(), ApiError> {
    let answer = answer
        .map_err(ApiError::offline)?
        .map_err(ApiError::offline)?;
    let body = http_body_util::Limited::new(answer.into_body(), MAX_PROOF_BYTES);
    let bytes = timeout(ANSWER_TIMEOUT, body.collect())
        .await
        .map_err(ApiError::offline)?;
    let bytes = bytes.map_err(ApiError::Offline)?.to_bytes();
    let proof: IdentityProof =
        serde_json::from_slice(&bytes).map_err(|error| ApiError::WrongServer(error.into()))?;
    let signature = data_encoding::HEXLOWER_PERMISSIVE
        .decode(proof.signature.as_bytes())
        .map_err(|error| ApiError::WrongServer(error.into()))?;
    verify_connection(unproven.identity, &unproven.exported, &signature)
        .map_err(|error| ApiError::WrongServer(error.into()))
}
