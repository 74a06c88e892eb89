//! A new connection: dialled, encrypted, and the server's identity proven before anything is sent
//! that is not public.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use hythe_wire::IdentityKey;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::error::ApiError;
use super::tls::{self, Version};
use hythe_wire::identity::{EXPORTER_BYTES, EXPORTER_LABEL};

/// Until a connection stands, or the server counts as not reachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one address is tried before the next is tried beside it (RFC 8305).
const NEXT_ADDRESS: Duration = Duration::from_millis(250);
/// A connection on which nothing is acknowledged for this long is dead (SC-111).
const DEAD_AFTER: Duration = Duration::from_secs(30);

/// Where the server is and who it must be.
#[derive(Clone)]
pub(super) struct Target {
    host: Host<String>,
    port: u16,
    /// None: whoever is there, only to ask who it is.
    identity: Option<IdentityKey>,
    /// For HTTP/2 and HTTP/1.1; none where the connection is not encrypted.
    tls: Option<(Arc<ClientConfig>, Arc<ClientConfig>)>,
}

/// A connection, and what is still to be proven on it.
pub(super) struct Dialled {
    /// The connection.
    pub(super) io: Box<dyn Io>,
    /// What the identity key must sign, where the certificate did not carry the identity.
    pub(super) unproven: Option<Unproven>,
}

/// An identity that is still to be proven.
pub(super) struct Unproven {
    /// Whose signature it takes.
    pub(super) identity: IdentityKey,
    /// The secret of the connection that it must sign.
    pub(super) exported: [u8; EXPORTER_BYTES],
}

/// What HTTP runs over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

impl Target {
    /// Reads the address. Without TLS only this very machine is accepted: there nobody stands
    /// between, and nothing can be proven.
    pub(super) fn new(url: &Url, identity: IdentityKey) -> Result<Self, ApiError> {
        Self::with_roots(url, Some(identity), tls::public_authorities())
    }

    /// Whoever is at an address: to ask who it is, and for nothing else.
    pub(super) fn anyone(url: &Url) -> Result<Self, ApiError> {
        Self::with_roots(url, None, tls::public_authorities())
    }

    /// As [`Self::new`], with these authorities.
    pub(super) fn with_roots(
        url: &Url,
        identity: Option<IdentityKey>,
        roots: RootCertStore,
    ) -> Result<Self, ApiError> {
        let roots = Arc::new(roots);
        let host = url
            .host()
            .ok_or_else(|| wrong_server("the address names no host"))?
            .to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let tls = match url.scheme() {
            "https" => {
                let config = |version| {
                    tls::client_config(identity, Arc::clone(&roots), version)
                        .map_err(ApiError::offline)
                };
                Some((
                    Arc::new(config(Version::Http2)?),
                    Arc::new(config(Version::Http1)?),
                ))
            }
            "http" if is_this_machine(&host) => None,
            _ => {
                return Err(wrong_server(
                    "without TLS only this very machine is accepted",
                ));
            }
        };
        Ok(Self {
            host,
            port,
            identity,
            tls,
        })
    }

    /// The `Host` of requests.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether connections are encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// Opens a connection.
    pub(super) async fn dial(&self, version: Version) -> Result<Dialled, ApiError> {
        match timeout(CONNECT_TIMEOUT, self.open(version)).await {
            Ok(result) => result,
            Err(_) => Err(ApiError::offline(io::Error::from(io::ErrorKind::TimedOut))),
        }
    }

    async fn open(&self, version: Version) -> Result<Dialled, ApiError> {
        let tcp = self.reach().await.map_err(ApiError::offline)?;
        let Some((http2, http1)) = &self.tls else {
            return Ok(Dialled {
                io: Box::new(tcp),
                unproven: None,
            });
        };
        let config = if version == Version::Http2 {
            http2
        } else {
            http1
        };
        let name = match &self.host {
            Host::Domain(name) => ServerName::try_from(name.clone()).map_err(ApiError::offline)?,
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(*address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(*address)),
        };
        let connector = TlsConnector::from(Arc::clone(config));
        let stream = connector.connect(name, tcp).await.map_err(classify)?;
        let unproven = self.left_to_prove(stream.get_ref().1, version)?;
        Ok(Dialled {
            io: Box::new(stream),
            unproven,
        })
    }

    fn left_to_prove(
        &self,
        connection: &rustls::ClientConnection,
        version: Version,
    ) -> Result<Option<Unproven>, ApiError> {
        if connection.alpn_protocol() != Some(version.alpn()) {
            return Err(ApiError::malformed("the server speaks another protocol"));
        }
        let Some(identity) = self.identity else {
            return Ok(None);
        };
        let certificate = connection.peer_certificates().and_then(<[_]>::first);
        if certificate.is_some_and(|der| tls::carries_identity(der, identity)) {
            return Ok(None);
        }
        let exported = connection
            .export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, Some(&[]))
            .map_err(ApiError::offline)?;
        Ok(Some(Unproven { identity, exported }))
    }

    /// Tries every address of the host: the next one when one fails or is slow, and the first that
    /// answers is used.
    async fn reach(&self) -> io::Result<TcpStream> {
        let mut waiting = self.addresses().await?.into_iter();
        let mut tries = FuturesUnordered::new();
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        loop {
            match waiting.next() {
                Some(address) => tries.push(TcpStream::connect(address)),
                None if tries.is_empty() => return Err(failure),
                None => {}
            }
            tokio::select! {
                Some(result) = tries.next() => match result {
                    Ok(stream) => return watch(&stream).map(|()| stream),
                    Err(error) => failure = error,
                },
                () = sleep(NEXT_ADDRESS), if waiting.len() > 0 => {}
            }
        }
    }

    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(match &self.host {
            Host::Domain(name) => tokio::net::lookup_host((name.as_str(), self.port))
                .await?
                .collect(),
            Host::Ipv4(address) => vec![SocketAddr::from((*address, self.port))],
            Host::Ipv6(address) => vec![SocketAddr::from((*address, self.port))],
        })
    }
}

/// Has the system notice a peer that vanished: while sending by what is not acknowledged, while
/// waiting by probes.
fn watch(stream: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, DEAD_AFTER / 2)?;
    sockopt::set_tcp_keepintvl(stream, DEAD_AFTER / 6)?;
    sockopt::set_tcp_keepcnt(stream, 3)?;
    #[cfg(target_os = "linux")]
    sockopt::set_tcp_user_timeout(stream, DEAD_AFTER.as_millis() as u32)?;
    Ok(())
}

fn is_this_machine(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// A certificate that was refused is another matter than a connection that broke.
fn classify(error: io::Error) -> ApiError {
    let refused = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match refused {
        Some(rustls::Error::InvalidCertificate(_)) => ApiError::WrongServer(error.into()),
        _ => ApiError::offline(error),
    }
}

fn wrong_server(why: &'static str) -> ApiError {
    ApiError::WrongServer(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, ApiError> {
        Target::new(&url.parse().unwrap(), IdentityKey([1; 32]))
    }

    #[test]
    fn without_tls_only_this_machine_is_talked_to() {
        for url in [
            "http://localhost:1/",
            "http://127.0.0.1:1/",
            "http://[::1]:1/",
        ] {
            assert!(!target(url).unwrap().is_encrypted(), "{url}");
        }
        for url in [
            "http://example.org/",
            "http://10.0.0.1:7443/",
            "ftp://localhost/",
        ] {
            assert!(
                matches!(target(url), Err(ApiError::WrongServer(_))),
                "{url}"
            );
        }
        assert_eq!(
            target("https://example.org/").unwrap().authority(),
            "example.org:443"
        );
    }

    #[tokio::test]
    async fn nobody_listening_is_offline() {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let target = target(&format!("http://127.0.0.1:{port}/")).unwrap();
        assert!(matches!(
            target.dial(Version::Http1).await,
            Err(ApiError::Offline(_))
        ));
    }
}
