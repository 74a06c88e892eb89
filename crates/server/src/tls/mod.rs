//! TLS: the server's identity, the certificate that carries it, and the settings of connections.

mod certificate;
mod files;
mod identity;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

pub use certificate::CertificateNames;
pub use identity::Identity;

use crate::config::Transport;

/// What the server offers, best first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of certificates or keys cannot be read or written.
    #[error("cannot use {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file holds no certificate, or no private key, or one that does not fit the other.
    #[error("{path} holds no usable certificate or key: {reason}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate")]
    Make(#[source] rcgen::Error),
    /// The settings do not fit together.
    #[error("cannot set up TLS")]
    Setup(#[source] rustls::Error),
}

/// The certificate in use; it may be exchanged while the server runs.
pub struct Certificates {
    current: RwLock<Arc<CertifiedKey>>,
    source: Source,
}

/// Where the certificate comes from.
enum Source {
    Own {
        folder: PathBuf,
        identity: Arc<Identity>,
        names: CertificateNames,
    },
    Files {
        chain: PathBuf,
        key: PathBuf,
    },
}

impl Certificates {
    /// The certificate of a transport; none for a plain one.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn open(
        transport: &Transport,
        folder: PathBuf,
        identity: Arc<Identity>,
        names: CertificateNames,
    ) -> Result<Option<Arc<Self>>, TlsError> {
        let source = match transport {
            Transport::Plain => return Ok(None),
            Transport::SelfSigned => Source::Own {
                folder,
                identity,
                names,
            },
            Transport::Certificate { chain, key } => Source::Files {
                chain: chain.clone(),
                key: key.clone(),
            },
        };
        let current = RwLock::new(Arc::new(source.load()?));
        Ok(Some(Arc::new(Self { current, source })))
    }

    /// Looks for a newer certificate: renews the server's own when it is due, reads files anew.
    ///
    /// # Errors
    /// See [`TlsError`]; the certificate in use stays.
    pub fn refresh(&self) -> Result<(), TlsError> {
        let next = Arc::new(self.source.load()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// The settings for the acceptor.
    ///
    /// # Errors
    /// [`TlsError::Setup`] when the protocol versions are not there.
    pub fn server_config(self: &Arc<Self>) -> Result<rustls::ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Self>::clone(self));
        config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
        Ok(config)
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificates")
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.current.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

impl Source {
    fn load(&self) -> Result<CertifiedKey, TlsError> {
        match self {
            Self::Own {
                folder,
                identity,
                names,
            } => certificate::load(folder, identity, names),
            Self::Files { chain, key } => read_pair(chain, key),
        }
    }
}

/// Reads a chain and its key, and checks that they belong together.
fn read_pair(chain: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let content = |path: &Path, reason| TlsError::Content {
        path: path.to_owned(),
        reason,
    };
    let chain_pem = files::read(chain)?;
    let certificates = CertificateDer::pem_slice_iter(&chain_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| content(chain, e.to_string()))?;
    if certificates.is_empty() {
        return Err(content(chain, "no certificate".to_owned()));
    }
    let key_pem = files::read(key)?;
    let private =
        PrivateKeyDer::from_pem_slice(&key_pem).map_err(|e| content(key, e.to_string()))?;
    CertifiedKey::from_der(certificates, private, &aws_lc_rs::default_provider())
        .map_err(|e| content(key, e.to_string()))
}
