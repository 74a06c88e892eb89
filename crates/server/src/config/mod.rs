//! What a server is told when it starts: one struct per topic, built once, passed by value.

mod limits;
mod listen;

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

pub use limits::{ConnectionLimits, Limits, RateLimits, RequestLimits};
pub use listen::{DEFAULT_PORT, ListenError, parse_listen};

/// Everything a server is told.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The folder that holds all of the server's data.
    pub data: PathBuf,
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// How connections are protected.
    pub transport: Transport,
    /// The address clients are told; none derives one from `listen`.
    pub public_url: Option<Url>,
    /// `postgres://…`; none is SQLite in `data`.
    pub database: Option<String>,
    /// Where the master key is; none is in `data`.
    pub key_file: Option<PathBuf>,
    /// A folder outside `data` that counts starts, so that a restored copy of `data` is noticed.
    pub witness: Option<PathBuf>,
    /// Where `/metrics` is served, and only there; none does not serve it.
    pub metrics: Option<SocketAddr>,
    /// Whether a proxy in front names clients in `X-Forwarded-For`. Only with [`Transport::Plain`].
    pub forwarded: bool,
    /// How much of everything.
    pub limits: Limits,
}

/// How connections are protected.
#[derive(Debug, Clone)]
pub enum Transport {
    /// TLS with a certificate made by the server, which carries its identity.
    SelfSigned,
    /// TLS with a certificate of an authority.
    Certificate {
        /// The chain, PEM, the server's own certificate first.
        chain: PathBuf,
        /// Its private key, PEM.
        key: PathBuf,
    },
    /// No TLS, for a proxy on the same machine: refused unless the address is a loopback one.
    Plain,
}

impl ServerConfig {
    /// A server with self-signed TLS, SQLite and the usual limits.
    pub fn new(data: PathBuf, listen: SocketAddr) -> Self {
        Self {
            data,
            listen,
            transport: Transport::SelfSigned,
            public_url: None,
            database: None,
            key_file: None,
            witness: None,
            metrics: None,
            forwarded: false,
            limits: Limits::default(),
        }
    }
}
