//! The addresses of a server: where it listens, and what clients are told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use url::Url;

use crate::config::{ServerConfig, Transport};
use crate::tls::CertificateNames;

/// File in the data folder with the address clients are told, for `admin` while no server runs.
const FILE: &str = "address";

/// The addresses of a running server.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// Where it listens, with the real port.
    pub(crate) listen: SocketAddr,
    /// What clients are told.
    pub(crate) public: Url,
    /// How a client on this machine reaches it.
    pub(crate) local: Url,
}

impl Addresses {
    /// The addresses of a server that listens at `listen`.
    pub(crate) fn of(config: &ServerConfig, listen: SocketAddr) -> Result<Self, url::ParseError> {
        let scheme = match config.transport {
            Transport::Plain => "http",
            Transport::SelfSigned | Transport::Certificate { .. } => "https",
        };
        let everywhere = listen.ip().is_unspecified();
        let local_ip = match listen.ip() {
            IpAddr::V4(_) if everywhere => IpAddr::V4(Ipv4Addr::LOCALHOST),
            // A socket for all IPv6 addresses takes IPv4 as well, unless the system says no.
            IpAddr::V6(_) if everywhere => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let shown_ip = if everywhere {
            reachable().unwrap_or(local_ip)
        } else {
            local_ip
        };
        let local = url(scheme, SocketAddr::new(local_ip, listen.port()))?;
        let derived = url(scheme, SocketAddr::new(shown_ip, listen.port()))?;
        let public = config.public_url.clone().unwrap_or(derived);
        Ok(Self {
            listen,
            public,
            local,
        })
    }

    /// The names for a certificate of the server's own.
    pub(crate) fn certificate_names(&self) -> CertificateNames {
        let host = |url: &Url| {
            url.host_str()
                .map(|host| host.trim_matches(['[', ']']).to_owned())
        };
        let machine = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let fixed = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let own = [host(&self.public), host(&self.local), Some(machine)];
        CertificateNames::new(fixed.into_iter().chain(own.into_iter().flatten()))
    }
}

/// Keeps the address that clients are told.
pub(crate) fn remember(data: &Path, public: &Url) -> std::io::Result<()> {
    let staged = data.join("address.new");
    std::fs::write(&staged, format!("{public}\n"))?;
    std::fs::rename(staged, data.join(FILE))
}

/// The address that clients were told by the last server on this data.
pub(crate) fn recall(data: &Path) -> Option<Url> {
    let text = std::fs::read_to_string(data.join(FILE)).ok()?;
    hythe_wire::invite::server_url(text.trim()).ok()
}

/// The URL of an address.
fn url(scheme: &str, address: SocketAddr) -> Result<Url, url::ParseError> {
    Url::parse(&format!("{scheme}://{address}/"))
}

/// The address this machine would use to reach others. Nothing is sent: connecting a datagram
/// socket only looks the route up. The address is one for documentation (RFC 5737).
fn reachable() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}
