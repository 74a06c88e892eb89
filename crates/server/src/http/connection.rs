//! One connection: handshake, HTTP/1.1 or HTTP/2, and its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use hythe_wire::identity::{EXPORTER_BYTES, EXPORTER_LABEL};

use super::activity::{Activity, Expired, UnderWay};
use super::stall::Watched;
use crate::config::ConnectionLimits;

/// The headers of one request, in bytes and in lines.
const MAX_HEADER_BYTES: u32 = 16 << 10;
const MAX_HEADERS: usize = 64;

/// Read buffer of an HTTP/1.1 connection; bounds its headers as well.
const HTTP1_BUFFER_BYTES: usize = 64 << 10;

/// HTTP/2 windows: what one peer may make the server hold unread. Larger ones gain little, since
/// bulk goes over HTTP/1.1.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// HTTP/2 streams at a time on one connection.
const MAX_STREAMS: u32 = 128;

/// Resets that a peer may cause before the connection ends (rapid reset, CVE-2023-44487, and its
/// kin where the server is made to send them).
const MAX_RESETS: usize = 64;

/// How long a connection that was told to end may take.
const CLOSING: Duration = Duration::from_secs(2);

/// Who is at the other end of a request's connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// A secret of the connection under the identity's label; TLS 1.3 only.
    pub(crate) exported: Option<[u8; EXPORTER_BYTES]>,
}

/// What all connections of a server share.
pub(crate) struct Connections {
    pub(crate) router: Router,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) limits: ConnectionLimits,
    /// Ends connections gently.
    pub(crate) stop: CancellationToken,
}

impl Connections {
    /// Serves one connection to its end.
    pub(crate) async fn serve(&self, stream: TcpStream, address: SocketAddr) {
        // Small answers must not wait for more to send.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = &self.tls else {
            let peer = Peer {
                address,
                exported: None,
            };
            return self.serve_http(stream, peer, Protocol::Http1).await;
        };
        let handshake = tokio::time::timeout(self.limits.handshake, acceptor.accept(stream));
        let stream = match handshake.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%address, %error, "no TLS handshake"),
            Err(_) => return tracing::debug!(%address, "TLS handshake took too long"),
        };
        let (_, session) = stream.get_ref();
        let protocol = match session.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        let peer = Peer {
            address,
            exported: export(session),
        };
        self.serve_http(stream, peer, protocol).await;
    }

    async fn serve_http<I>(&self, io: I, peer: Peer, protocol: Protocol)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Activity::new();
        let heard = (protocol == Protocol::Http1).then(|| Arc::clone(&activity));
        let io = TokioIo::new(Watched::new(io, self.limits.stalled_write, heard));
        let builder = self.builder(protocol);
        let service = hyper::service::service_fn(|request: Request<Incoming>| {
            answer(self.router.clone(), request, peer, activity.begin())
        });
        let mut connection = pin!(builder.serve_connection(io, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            expired = activity.expired(self.limits.header, self.limits.idle) => match expired {
                Expired::Header => return tracing::debug!(?peer.address, "headers took too long"),
                Expired::Idle => None,
            },
            () = self.stop.cancelled() => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                // What is under way goes on; the server's own deadline ends what takes too long.
                tokio::select! {
                    ended = connection => ended,
                    () = closed(&activity) => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(?peer.address, %error, "connection ended");
        }
    }

    fn builder(&self, protocol: Protocol) -> auto::Builder<TokioExecutor> {
        let builder = auto::Builder::new(TokioExecutor::new());
        let mut builder = match protocol {
            Protocol::Http1 => builder.http1_only(),
            Protocol::Http2 => builder.http2_only(),
        };
        builder
            .http1()
            .timer(TokioTimer::new())
            // `Activity` sees to that: this timer would count the silence between requests too.
            .header_read_timeout(None)
            .max_buf_size(HTTP1_BUFFER_BYTES)
            .max_headers(MAX_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADER_BYTES)
            .max_pending_accept_reset_streams(MAX_RESETS)
            .max_local_error_reset_streams(MAX_RESETS)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(256 << 10)
            .keep_alive_interval(self.limits.ping)
            .keep_alive_timeout(self.limits.ping);
        builder
    }
}

/// What was agreed on with the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// Waits until a connection that was told to end has had its time, and nothing is under way.
async fn closed(activity: &Activity) {
    tokio::time::sleep(CLOSING).await;
    activity.expired(CLOSING, CLOSING).await;
}

/// A secret of the connection. Not over TLS 1.2, where a proxy in the middle could have the same.
fn export(session: &rustls::ServerConnection) -> Option<[u8; EXPORTER_BYTES]> {
    if session.protocol_version() != Some(rustls::ProtocolVersion::TLSv1_3) {
        return None;
    }
    session
        .export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, Some(&[]))
        .ok()
}

/// Answers one request; it is under way until the answer's body is sent or given up.
async fn answer(
    router: Router,
    request: Request<Incoming>,
    peer: Peer,
    under_way: UnderWay,
) -> Result<Response<Counted>, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    let response = router.oneshot(request).await?;
    Ok(response.map(|body| Counted {
        body,
        _under_way: under_way,
    }))
}

/// The body of an answer under way.
struct Counted {
    body: Body,
    _under_way: UnderWay,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
