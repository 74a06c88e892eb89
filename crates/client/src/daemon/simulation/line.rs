//! The line between one device and the server, where requests and answers get lost, cut or refused.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::stream;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use hythe_wire::{Code, Problem, headers};
use tokio::net::{TcpListener, TcpStream};

use super::random::Random;
use super::script::{Fate, Weather};

const FATES: [(usize, Fate); 8] = [
    (3, Fate::Lost),
    (6, Fate::Unanswered),
    (3, Fate::Cut),
    (1, Fate::Refused(Code::RateLimited)),
    (1, Fate::Refused(Code::Overloaded)),
    (1, Fate::Refused(Code::StorageFull)),
    (1, Fate::Refused(Code::Internal)),
    (1, Fate::Refused(Code::Conflict)),
];

/// What is told of a request that may change something at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It is about to be passed on.
    Asked,
    /// The server has answered; the device does not know it yet.
    Answered,
}

/// Hears of requests.
pub type Ear = Arc<dyn Fn(Moment) + Send + Sync>;

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, io::Error>;

/// The line of one device.
pub struct Line {
    url: String,
    state: Arc<Mutex<State>>,
    accepting: tokio::task::AbortHandle,
}

struct State {
    server: SocketAddr,
    percent: u8,
    random: Random,
    fate: Option<Fate>,
    ear: Option<Ear>,
}

impl State {
    fn fate(&mut self) -> Option<Fate> {
        let hindered = self.random.percent(self.percent);
        hindered.then(|| self.fate.unwrap_or_else(|| self.random.weighted(&FATES)))
    }
}

impl Line {
    pub async fn new(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            server,
            percent: 0,
            random: Random::new(0),
            fate: None,
            ear: None,
        }));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state))).abort_handle();
        Self {
            url,
            state,
            accepting,
        }
    }

    /// Where the device finds the server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The weather changes.
    pub fn set(&self, weather: Weather) {
        let mut state = self.state.lock().unwrap();
        state.percent = weather.percent;
        state.random = Random::new(weather.seed);
        state.fate = weather.fate;
    }

    /// From now on somebody hears of requests.
    pub fn tell(&self, ear: Ear) {
        self.state.lock().unwrap().ear = Some(ear);
    }

    /// The server is somewhere else now.
    pub fn lead_to(&self, server: SocketAddr) {
        self.state.lock().unwrap().server = server;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        // A line without delay: what is waited for here only costs time.
        stream.set_nodelay(true).unwrap();
        let state = Arc::clone(&state);
        let service = service_fn(move |request| pass_on(request, Arc::clone(&state)));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A connection that breaks off is what this file is for.
            let _ = connection.await;
        });
    }
}

async fn pass_on(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Body>, io::Error> {
    let lost = || io::Error::from(io::ErrorKind::ConnectionReset);
    let (fate, server, ear) = {
        let mut state = state.lock().unwrap();
        (state.fate(), state.server, state.ear.clone())
    };
    let ear = ear.filter(|_| request.method() != Method::GET);
    let tell = |moment| ear.iter().for_each(|ear| ear(moment));
    tracing::trace!(method = %request.method(), uri = %request.uri(), ?fate, "request");
    match fate {
        Some(Fate::Lost) => return Err(lost()),
        Some(Fate::Refused(code)) => return Ok(refusal(code)),
        _ => {}
    }
    tell(Moment::Asked);
    let (head, bytes) = ask(request, server).await.map_err(io::Error::other)?;
    tell(Moment::Answered);
    let body = match fate {
        Some(Fate::Unanswered) => return Err(lost()),
        Some(Fate::Cut) => {
            let half = bytes.slice(..bytes.len() / 2);
            let pieces = [Ok(Frame::data(half)), Err(lost())];
            StreamBody::new(stream::iter(pieces)).boxed_unsync()
        }
        _ => Full::new(bytes)
            .map_err(|never| match never {})
            .boxed_unsync(),
    };
    Ok(Response::from_parts(head, body))
}

fn refusal(code: Code) -> Response<Body> {
    let problem = Problem::new(code).retry_after_ms(1000);
    let body = Full::new(Bytes::from(serde_json::to_vec(&problem).unwrap()));
    Response::builder()
        .status(code.status())
        .header(header::CONTENT_TYPE, headers::PROBLEM)
        .body(body.map_err(|never| match never {}).boxed_unsync())
        .unwrap()
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn ask(
    request: Request<Incoming>,
    server: SocketAddr,
) -> Result<(http::response::Parts, Bytes), Failed> {
    let (mut head, body) = request.into_parts();
    let host = server.to_string().parse()?;
    head.headers.insert(header::HOST, host);
    let body = Full::new(body.collect().await?.to_bytes());
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let answer = sender.send_request(Request::from_parts(head, body)).await?;
    let (mut head, body) = answer.into_parts();
    let bytes = body.collect().await?.to_bytes();
    for name in [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
    ] {
        head.headers.remove(name);
    }
    Ok((head, bytes))
}
