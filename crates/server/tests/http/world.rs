//! A server with data of its own, and clients that pin its identity.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hythe_server::config::Limits;
use hythe_server::{Running, Server, ServerConfig, Transport};
use hythe_wire::identity::server_identity;
use hythe_wire::{Code, FrameDecoder, IdentityKey, Message, Problem, Token, headers};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

/// What a test waits for at most before it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A server, and where its data is.
pub struct World {
    pub server: Option<Running>,
    pub data: tempfile::TempDir,
    /// Where a server listens that is another process, without TLS.
    pub elsewhere: Option<Url>,
}

impl World {
    /// A server with the usual limits.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A server whose settings were changed.
    pub async fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = ServerConfig::new(data.path().to_owned(), "127.0.0.1:0".parse().unwrap());
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        Self {
            server: Some(server),
            data,
            elsewhere: None,
        }
    }

    /// A server with limits of its own.
    pub async fn limited(change: impl FnOnce(&mut Limits)) -> Self {
        Self::with(|config| change(&mut config.limits)).await
    }

    pub fn server(&self) -> &Running {
        self.server.as_ref().unwrap()
    }

    /// A URL on the server.
    pub fn url(&self, path: &str) -> String {
        let base = match &self.elsewhere {
            Some(url) => url,
            None => self.server().local_url(),
        };
        base.join(path).unwrap().to_string()
    }

    /// A client that pins the server and speaks what it likes best.
    pub fn client(&self) -> reqwest::Client {
        if self.elsewhere.is_some() {
            return plain_client();
        }
        client(self.server().identity(), &[b"h2", b"http/1.1"])
    }

    /// A client that speaks HTTP/1.1.
    pub fn http1(&self) -> reqwest::Client {
        if self.elsewhere.is_some() {
            return plain_client();
        }
        client(self.server().identity(), &[b"http/1.1"])
    }

    /// Waits until the server ended.
    pub async fn stop(&mut self) {
        self.server.take().unwrap().stop().await;
    }

    /// A connection below HTTP.
    pub async fn raw(&self) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
        self.raw_with(&[b"http/1.1"]).await
    }

    /// A connection below HTTP that offers these protocols.
    pub async fn raw_with(
        &self,
        alpn: &[&[u8]],
    ) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
        let tcp = tokio::net::TcpStream::connect(self.server().addr())
            .await
            .unwrap();
        let config = Arc::new(tls_config(self.server().identity(), alpn));
        let name = ServerName::try_from("localhost").unwrap();
        tokio_rustls::TlsConnector::from(config)
            .connect(name, tcp)
            .await
            .unwrap()
    }
}

/// A client that talks to the server of this identity and to no other.
pub fn client(identity: IdentityKey, alpn: &[&[u8]]) -> reqwest::Client {
    let builder = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
    builder
        .tls_backend_preconfigured(tls_config(identity, alpn))
        .build()
        .unwrap()
}

/// A client for a server without TLS: it pins what nobody has.
fn plain_client() -> reqwest::Client {
    client(IdentityKey([0; 32]), &[b"http/1.1"])
}

/// TLS that pins an identity.
pub fn tls_config(identity: IdentityKey, alpn: &[&[u8]]) -> rustls::ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let pin = Arc::new(Pin {
        identity,
        provider: Arc::clone(&provider),
    });
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(pin)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

/// Accepts certificates of one identity.
#[derive(Debug)]
struct Pin {
    identity: IdentityKey,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match server_identity(certificate) {
            Ok(identity) if identity == self.identity => Ok(ServerCertVerified::assertion()),
            _ => Err(rustls::Error::General("another server".to_owned())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A request that carries a CBOR message.
pub fn cbor<M: Message>(request: reqwest::RequestBuilder, message: &M) -> reqwest::RequestBuilder {
    request
        .header("content-type", headers::CBOR)
        .body(message.to_cbor())
}

/// A request that shows a token.
pub fn shown(
    request: reqwest::RequestBuilder,
    token: &Token,
    scheme: &str,
) -> reqwest::RequestBuilder {
    request.header("authorization", token.authorization(scheme))
}

/// The CBOR message of an answer that must be a success.
pub async fn reply<M: Message>(response: reqwest::Response) -> M {
    let status = response.status();
    let bytes = response.bytes().await.unwrap();
    assert!(
        status.is_success(),
        "{status}: {}",
        String::from_utf8_lossy(&bytes)
    );
    M::from_cbor(&bytes).unwrap()
}

/// The problem of an answer that must be one, checked for its form.
pub async fn problem(response: reqwest::Response) -> Problem {
    let status = response.status();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), headers::PROBLEM);
    assert_eq!(header("cache-control"), "private, no-store");
    let id = header(headers::REQUEST_ID);
    let retry = response.headers().get("retry-after").cloned();
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.status, status.as_u16());
    assert_eq!(problem.instance, Some(id));
    assert_eq!(retry.is_some(), problem.retry_after_ms.is_some());
    assert_ne!(problem.code, Code::Unknown);
    problem
}

/// The frames of an answer, one by one as they come.
pub struct Frames {
    response: reqwest::Response,
    decoder: FrameDecoder,
}

impl Frames {
    pub fn of(response: reqwest::Response, limit: usize) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], headers::CBOR_SEQUENCE);
        Self {
            response,
            decoder: FrameDecoder::new(limit),
        }
    }

    /// The next message; none when the stream ended between two frames. An error when it was cut.
    pub async fn next(&mut self) -> Result<Option<Bytes>, String> {
        loop {
            if let Some(message) = self.decoder.next_frame().map_err(|e| e.to_string())? {
                return Ok(Some(message));
            }
            let piece = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            match piece.map_err(|_| "nothing came".to_owned())? {
                Ok(Some(piece)) => self.decoder.push(&piece),
                Ok(None) => {
                    self.decoder.finish().map_err(|e| e.to_string())?;
                    return Ok(None);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// All messages to the end of the stream.
    pub async fn all<M: Message>(mut self) -> Vec<M> {
        let mut all = Vec::new();
        while let Some(message) = self.next().await.unwrap() {
            all.push(M::from_cbor(&message).unwrap());
        }
        all
    }
}

/// An address of this machine where nobody listens.
pub fn free_address() -> std::net::SocketAddr {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap()
}

/// What the listener for metrics tells.
pub async fn metrics_at(address: std::net::SocketAddr) -> String {
    let mut plain = tokio::net::TcpStream::connect(address).await.unwrap();
    plain
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut text = String::new();
    plain.read_to_string(&mut text).await.unwrap();
    text
}

/// TLS with a certificate of an authority, made for the test.
pub fn authority(folder: &std::path::Path) -> (Transport, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (
        Transport::Certificate { chain, key },
        made.cert.der().clone(),
    )
}
