//! A server that lies: everything goes through it, and it changes what it likes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hythe_client::net::Api;
use hythe_client::state::State;
use hythe_server::{Running, Server, ServerConfig, Transport};
use hythe_wire::frame::frame;
use hythe_wire::{FrameDecoder, Message};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

use crate::rig::Device;

/// Changes the body of an answer, given the path that was asked for.
type Tamper = Box<dyn FnMut(&str, Vec<u8>) -> Vec<u8> + Send>;

/// Answers in the server's place, given what was asked; none: the server answers.
type Instead = Box<dyn FnMut(&str) -> Option<Vec<u8>> + Send>;

/// What was asked and answered.
pub struct Exchange {
    pub method: String,
    pub path: String,
    pub request: Vec<u8>,
    pub status: u16,
    pub answer: Vec<u8>,
}

/// What the liar does.
#[derive(Default)]
struct Lies {
    tamper: Option<Tamper>,
    instead: Option<Instead>,
    /// What went through, once it is recorded.
    recorded: Option<Vec<Exchange>>,
}

pub struct Proxy {
    pub server: Running,
    /// Where the server keeps everything.
    pub data: TempDir,
    url: String,
    lies: Arc<Mutex<Lies>>,
}

impl Proxy {
    /// A server without TLS, and the liar in front of it.
    pub async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let listen = "127.0.0.1:0".parse().unwrap();
        let mut config = ServerConfig::new(data.path().join("server"), listen);
        config.transport = Transport::Plain;
        let server = Server::start(config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let lies = Arc::default();
        tokio::spawn(accept(listener, server.addr(), Arc::clone(&lies)));
        Self {
            server,
            data,
            url,
            lies,
        }
    }

    /// The liar's address.
    pub fn url(&self) -> url::Url {
        self.url.parse().unwrap()
    }

    /// A URL that makes an account by way of the liar.
    pub async fn invite(&self) -> String {
        let lifetime = std::time::Duration::from_secs(60);
        let mut invite = self.server.invite(lifetime, false).await.unwrap();
        invite.server = self.url.parse().unwrap();
        invite.to_string()
    }

    /// A new account whose device talks to the server itself.
    pub async fn account(&self, login: &str) -> Device {
        let invite = self
            .server
            .invite(std::time::Duration::from_secs(60), false)
            .await
            .unwrap();
        Device::connect(&invite.to_string(), login).await
    }

    /// The same device, but from here on it is lied to.
    pub fn behind(&self, device: Device) -> Device {
        let mut keys = (*device.keys).clone();
        keys.server.url.clone_from(&self.url);
        let api = Api::new(&keys.server, &keys.token).unwrap();
        let Device { home, common, .. } = device;
        // The state has to be closed before it can be opened again.
        let state: Arc<State> = common.state;
        drop((common.accounts, state));
        Device::with_api(home, Arc::new(keys), api)
    }

    /// From now on answers are changed.
    pub fn lie(&self, tamper: impl FnMut(&str, Vec<u8>) -> Vec<u8> + Send + 'static) {
        self.lies.lock().unwrap().tamper = Some(Box::new(tamper));
    }

    /// From now on some answers are the liar's own.
    pub fn invent(&self, instead: impl FnMut(&str) -> Option<Vec<u8>> + Send + 'static) {
        self.lies.lock().unwrap().instead = Some(Box::new(instead));
    }

    /// From now on answers are passed on.
    pub fn be_honest(&self) {
        let mut lies = self.lies.lock().unwrap();
        (lies.tamper, lies.instead) = (None, None);
    }

    /// From now on what goes through is written down.
    pub fn record(&self) {
        self.lies.lock().unwrap().recorded = Some(Vec::new());
    }

    /// What went through since it is written down, or since the last call.
    pub fn recorded(&self) -> Vec<Exchange> {
        let mut lies = self.lies.lock().unwrap();
        lies.recorded.as_mut().map(std::mem::take).unwrap()
    }

    /// The same URL by way of the liar.
    pub fn through(&self, url: &str) -> String {
        let (_, fragment) = url.split_once('#').unwrap();
        format!("{}#{fragment}", self.url)
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, lies: Arc<Mutex<Lies>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let lies = Arc::clone(&lies);
        tokio::spawn(async move {
            let service = service_fn(move |request| forward(request, server, Arc::clone(&lies)));
            let builder = auto::Builder::new(TokioExecutor::new());
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn forward(
    request: Request<Incoming>,
    server: SocketAddr,
    lies: Arc<Mutex<Lies>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().unwrap().to_string();
    let method = head.method.to_string();
    let request = body.collect().await.unwrap().to_bytes();
    let invented = {
        let mut lies = lies.lock().unwrap();
        lies.instead.as_mut().and_then(|instead| instead(&path))
    };
    let (mut head, mut bytes) = match invented {
        Some(bytes) => (Response::new(()).into_parts().0, bytes),
        None => ask(head, &path, request.clone(), server).await,
    };
    let mut lies = lies.lock().unwrap();
    if let Some(tamper) = lies.tamper.as_mut() {
        bytes = tamper(&path, bytes);
    }
    if let Some(recorded) = lies.recorded.as_mut() {
        recorded.push(Exchange {
            method,
            path,
            request: request.to_vec(),
            status: head.status.as_u16(),
            answer: bytes.clone(),
        });
    }
    for name in [
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
    ] {
        head.headers.remove(name);
    }
    head.version = hyper::Version::default();
    Ok(Response::from_parts(head, Full::new(Bytes::from(bytes))))
}

/// Asks the server itself.
async fn ask(
    mut head: hyper::http::request::Parts,
    path: &str,
    body: Bytes,
    server: SocketAddr,
) -> (hyper::http::response::Parts, Vec<u8>) {
    head.uri = path.parse().unwrap();
    head.version = hyper::Version::HTTP_11;
    head.headers
        .insert(header::HOST, server.to_string().parse().unwrap());
    let stream = TokioIo::new(TcpStream::connect(server).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = Request::from_parts(head, Full::new(body));
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    (head, body.collect().await.unwrap().to_bytes().to_vec())
}

/// The messages of a sequence of frames.
pub fn unframe<M: Message>(bytes: &[u8]) -> Vec<M> {
    let mut decoder = FrameDecoder::of::<M>();
    decoder.push(bytes);
    let mut messages = Vec::new();
    while let Some(message) = decoder.next_frame().unwrap() {
        messages.push(M::from_cbor(&message).unwrap());
    }
    messages
}

/// A sequence of frames.
pub fn reframe<M: Message>(messages: &[M]) -> Vec<u8> {
    messages
        .iter()
        .flat_map(|message| frame(message).to_vec())
        .collect()
}
