//! TLS to the one server whose identity key is pinned.
//!
//! Two kinds of certificate are accepted. One that carries the pinned identity proves it in the
//! handshake already; neither its names nor its dates matter then. One of a public authority must be
//! valid for the host, and the identity is proven afterwards over the connection's exporter (see
//! [`super::dial`]). Everything else ends the handshake.

use std::sync::Arc;

use hythe_wire::IdentityKey;
use hythe_wire::identity::{IdentityError, server_identity};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};

/// The HTTP version a connection is made for, chosen by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Many small requests at once.
    Http2,
    /// Bulk bodies, which go several times faster than over HTTP/2.
    Http1,
}

impl Version {
    /// The name in ALPN.
    pub(super) const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http2 => b"h2",
            Self::Http1 => b"http/1.1",
        }
    }
}

/// Settings for connections of one version to the server with this identity; none: to whoever is
/// there, only to ask who it is.
pub(super) fn client_config(
    identity: Option<IdentityKey>,
    roots: Arc<RootCertStore>,
    version: Version,
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(Verifier::new(identity, roots, &provider)?);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![version.alpn().to_vec()];
    Ok(config)
}

/// Whether a certificate that passed the handshake carried the identity itself.
pub(super) fn carries_identity(certificate: &[u8], identity: IdentityKey) -> bool {
    server_identity(certificate) == Ok(identity)
}

#[derive(Debug)]
struct Verifier {
    /// None: any server that proves some identity.
    identity: Option<IdentityKey>,
    authorities: Arc<WebPkiServerVerifier>,
}

impl Verifier {
    fn new(
        identity: Option<IdentityKey>,
        roots: Arc<RootCertStore>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, rustls::Error> {
        let authorities = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Self {
            identity,
            authorities,
        })
    }
}

/// The public authorities, as browsers know them.
pub(super) fn public_authorities() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match server_identity(end_entity) {
            Ok(identity) if self.identity.is_none_or(|pinned| pinned == identity) => {
                Ok(ServerCertVerified::assertion())
            }
            Ok(other) => Err(refuse(Arc::new(OtherIdentity(other)))),
            Err(IdentityError::NoIdentity) => self.authorities.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            Err(error) => Err(refuse(Arc::new(error))),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        // Its exporter is not bound to the handshake as TLS 1.3's is; it is never offered.
        Err(rustls::Error::General("TLS 1.2 is not used".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

fn refuse(why: Arc<dyn std::error::Error + Send + Sync>) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why)))
}

#[derive(Debug, thiserror::Error)]
#[error("it identifies itself as {0}")]
struct OtherIdentity(IdentityKey);
