//! Links: what a device needs to give one out, and opening one without an account.

pub(crate) mod capsules;
mod nodes;
mod put;
mod visit;

use hythe_control::{LinkFor, LinkTerms};
use hythe_model::{DeviceId, LinkId};
use hythe_space::{CryptoError, Entropy, KemSecret, SigningKey};
use hythe_wire::IdentityKey;
use hythe_wire::link_url::{LinkSecret, LinkUrl, verifier};
use hythe_wire::opaque::{OpaqueError, Password};

pub use visit::{Visit, VisitError};

/// A link that is to be given out: its secret stays with whoever makes it. No `Debug`.
pub struct NewLink {
    link: LinkId,
    secret: LinkSecret,
    password: Option<Password>,
}

/// Why no link can be made.
#[derive(Debug, thiserror::Error)]
pub enum NewLinkError {
    /// The system gives no randomness.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The password cannot be stretched.
    #[error(transparent)]
    Password(#[from] OpaqueError),
}

impl NewLink {
    /// Draws a link, which a password may belong to.
    ///
    /// # Errors
    /// See [`NewLinkError`].
    pub fn draw(password: Option<Password>) -> Result<Self, NewLinkError> {
        let mut entropy = Entropy::system()?;
        Ok(Self {
            link: LinkId(entropy.bytes()),
            secret: LinkSecret(entropy.secret()),
            password,
        })
    }

    /// What others may know of it, to be signed by a device.
    ///
    /// # Errors
    /// See [`NewLinkError`].
    pub fn terms(&self) -> Result<LinkTerms, NewLinkError> {
        let keys = self.secret.keys(self.link, self.password.as_ref())?;
        let public = KemSecret::from_seed(keys.seed).public()?;
        let uploads = SigningKey::from_seed(&keys.uploads).public();
        Ok(LinkTerms {
            link: self.link,
            key: data_encoding::BASE64.encode(public.as_bytes()),
            verifier: data_encoding::BASE64.encode(verifier(&keys.token).expose()),
            uploads: data_encoding::BASE64.encode(&uploads.0),
            password: self.password.is_some(),
            kind: LinkFor::Download,
            days: None,
            downloads: None,
        })
    }

    /// Its address.
    pub fn url(&self, server: url::Url, identity: IdentityKey, maker: DeviceId) -> LinkUrl {
        LinkUrl {
            server,
            link: self.link,
            identity,
            maker,
            secret: self.secret.clone(),
            password: self.password.is_some(),
        }
    }
}
