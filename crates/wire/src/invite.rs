//! URLs that let somebody in. What is secret stands in the fragment, which no browser and no
//! client ever sends.
//!
//! `https://HOST:PORT/#i=…` creates an account, `https://HOST:PORT/#d=…` enrols a device. What
//! follows is base64url without padding of a version byte and the fields one after the other.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use url::Url;
use zeroize::Zeroizing;

use hythe_model::{AccountId, Secret32};

use crate::identity::IdentityKey;
use crate::token::Token;

/// The version of both forms.
const VERSION: u8 = 1;

/// An invite: whoever holds it may create one account.
///
/// No `Debug`, and `Display` writes the secret: it is what the user is given.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteUrl {
    /// The address of the server, with an empty path: `https://host:port/`.
    pub server: Url,
    /// The server's identity, to be pinned.
    pub identity: IdentityKey,
    /// The invite's token.
    pub token: Token,
}

/// A one-time URL for one more device of an account.
///
/// No `Debug`, and `Display` writes the secrets: it is what the user is given.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceUrl {
    /// The address of the server, with an empty path: `https://host:port/`.
    pub server: Url,
    /// The server's identity, to be pinned.
    pub identity: IdentityKey,
    /// The account.
    pub account: AccountId,
    /// The secret from which the one-time token, the one-time signing key and the key that the
    /// account's secret is wrapped to are derived.
    pub secret: Secret32,
}

/// What `connect` may be given.
#[derive(Clone, PartialEq, Eq)]
pub enum ConnectUrl {
    /// Create an account.
    Invite(InviteUrl),
    /// Enrol a device.
    Device(DeviceUrl),
}

/// Why a text is not such a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is not a URL of a server: `http` or `https`, a host, no path, no user.
    #[error("this is not the address of a server, like https://host:7443/#i=…")]
    Server,
    /// There is neither an invite nor a device in it, or it was cut off.
    #[error("the URL holds no whole invite: copy all of it, also what follows the #")]
    Fragment,
    /// It is no address of a link, or it was cut off.
    #[error("this is no whole link: copy all of it, also what follows the #")]
    Link,
    /// It was made by a newer version.
    #[error("the URL was made by a newer version of Hythe: update this one first")]
    Version,
}

impl FromStr for ConnectUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (server, fragment) = split(text)?;
        match fragment.split_once('=') {
            Some(("i", packed)) => InviteUrl::unpack(server, packed).map(Self::Invite),
            Some(("d", packed)) => DeviceUrl::unpack(server, packed).map(Self::Device),
            _ => Err(UrlError::Fragment),
        }
    }
}

impl InviteUrl {
    fn unpack(server: Url, packed: &str) -> Result<Self, UrlError> {
        let [identity, token] = fields(packed)?;
        Ok(Self {
            server,
            identity: IdentityKey(*identity),
            token: Token(secret(&token)),
        })
    }
}

impl DeviceUrl {
    fn unpack(server: Url, packed: &str) -> Result<Self, UrlError> {
        let [identity, account, offer] = fields(packed)?;
        Ok(Self {
            server,
            identity: IdentityKey(*identity),
            account: AccountId(*account),
            secret: secret(&offer),
        })
    }
}

impl fmt::Display for InviteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packed = pack(&[&self.identity.0, self.token.0.expose()]);
        write!(f, "{}#i={}", self.server, packed.as_str())
    }
}

impl fmt::Display for DeviceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packed = pack(&[&self.identity.0, &self.account.0, self.secret.expose()]);
        write!(f, "{}#d={}", self.server, packed.as_str())
    }
}

impl FromStr for InviteUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        match text.parse()? {
            ConnectUrl::Invite(invite) => Ok(invite),
            ConnectUrl::Device(_) => Err(UrlError::Fragment),
        }
    }
}

impl FromStr for DeviceUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        match text.parse()? {
            ConnectUrl::Device(device) => Ok(device),
            ConnectUrl::Invite(_) => Err(UrlError::Fragment),
        }
    }
}

/// Reads the address of a server, which has no path, no user, no query and no fragment.
///
/// # Errors
/// [`UrlError::Server`] for anything else.
pub fn server_url(text: &str) -> Result<Url, UrlError> {
    let url = Url::parse(text).map_err(|_| UrlError::Server)?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if plain {
        Ok(url)
    } else {
        Err(UrlError::Server)
    }
}

/// The address of the server and the fragment.
pub(crate) fn split(text: &str) -> Result<(Url, &str), UrlError> {
    let (server, fragment) = text.trim().split_once('#').ok_or(UrlError::Fragment)?;
    Ok((server_url(server)?, fragment))
}

/// Base64url of the version and the fields.
pub(crate) fn pack(fields: &[&[u8; 32]]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1 + 32 * fields.len()));
    bytes.push(VERSION);
    for field in fields {
        bytes.extend_from_slice(*field);
    }
    Zeroizing::new(BASE64URL_NOPAD.encode(&bytes))
}

/// The fields of a packed text.
pub(crate) fn fields<const N: usize>(packed: &str) -> Result<[Zeroizing<[u8; 32]>; N], UrlError> {
    if packed.len() > 512 {
        return Err(UrlError::Fragment);
    }
    let bytes = BASE64URL_NOPAD
        .decode(packed.as_bytes())
        .map_err(|_| UrlError::Fragment)?;
    let bytes = Zeroizing::new(bytes);
    let Some((version, rest)) = bytes.split_first() else {
        return Err(UrlError::Fragment);
    };
    if *version != VERSION {
        return Err(UrlError::Version);
    }
    let (parts, []) = rest.as_chunks::<32>() else {
        return Err(UrlError::Fragment);
    };
    let parts = <&[[u8; 32]; N]>::try_from(parts).map_err(|_| UrlError::Fragment)?;
    Ok(parts.map(Zeroizing::new))
}

/// A secret out of a field.
pub(crate) fn secret(field: &Zeroizing<[u8; 32]>) -> Secret32 {
    Secret32::new(**field)
}
