//! The address of a link. What is secret stands in the fragment, which is never sent.
//!
//! `https://HOST:PORT/l/ID#k=…` opens without a password, `https://HOST:PORT/l/ID#p=…` with one.
//! What follows is base64url without padding of a version byte, the server's identity, the device
//! that makes what the link shows, and the secret.

use std::fmt;
use std::str::FromStr;

use url::Url;

use hythe_model::{DeviceId, LinkId, Secret32};

use crate::identity::IdentityKey;
use crate::invite::{UrlError, fields, pack, secret, server_url};
use crate::opaque::{OpaqueError, Password};
use crate::token::Token;

/// Derivation contexts, each for one purpose.
const TOKEN: &str = "hythe 2026-11-23 link v1: token";
const VERIFIER: &str = "hythe 2026-11-23 link v1: verifier";
const KEY: &str = "hythe 2026-11-23 link v1: key";
const UPLOADS: &str = "hythe 2026-11-23 link v1: uploads";
const SALT: &str = "hythe 2026-11-23 link v1: salt of the password";

/// The path in front of a link's id.
const PATH: &str = "l/";

/// The address of a link.
///
/// No `Debug`, and `Display` writes the secret: it is what the user is given.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkUrl {
    /// The address of the server, with an empty path: `https://host:port/`.
    pub server: Url,
    /// The link.
    pub link: LinkId,
    /// The server's identity, to be pinned.
    pub identity: IdentityKey,
    /// The device whose word counts about what the link shows.
    pub maker: DeviceId,
    /// What everything follows from.
    pub secret: LinkSecret,
    /// Whether a password belongs to it.
    pub password: bool,
}

impl LinkUrl {
    /// Whether a text is meant to be a URL.
    pub fn is_url(text: &str) -> bool {
        text.starts_with("https://") || text.starts_with("http://")
    }
}

impl FromStr for LinkUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (address, fragment) = text.trim().split_once('#').ok_or(UrlError::Link)?;
        let (server, link) = address.rsplit_once(PATH).ok_or(UrlError::Link)?;
        let link = link.parse().map_err(|_| UrlError::Link)?;
        let (password, packed) = match fragment.split_once('=') {
            Some(("k", packed)) => (false, packed),
            Some(("p", packed)) => (true, packed),
            _ => return Err(UrlError::Link),
        };
        let of_link = |error| match error {
            UrlError::Version => UrlError::Version,
            _ => UrlError::Link,
        };
        let [identity, maker, key] = fields(packed).map_err(of_link)?;
        Ok(Self {
            server: server_url(server).map_err(of_link)?,
            link,
            identity: IdentityKey(*identity),
            maker: DeviceId(*maker),
            secret: LinkSecret(secret(&key)),
            password,
        })
    }
}

impl fmt::Display for LinkUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packed = pack(&[&self.identity.0, &self.maker.0, self.secret.0.expose()]);
        let form = if self.password { 'p' } else { 'k' };
        let (server, link) = (&self.server, self.link);
        write!(f, "{server}{PATH}{link}#{form}={}", packed.as_str())
    }
}

/// The random secret of a link's address. Has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret(pub Secret32);

/// What follows from a link's secret and its password. Has no `Debug`.
pub struct LinkKeys {
    /// What the server is shown.
    pub token: Token,
    /// Seed of the key that capsules are sealed to.
    pub seed: Secret32,
    /// Seed of the key that signs what is put through the link.
    pub uploads: Secret32,
}

impl LinkSecret {
    /// The keys of a link. With a password this takes as long as a login does.
    ///
    /// # Errors
    /// Never in practice: see [`Password::stretch`].
    pub fn keys(&self, link: LinkId, password: Option<&Password>) -> Result<LinkKeys, OpaqueError> {
        let stretched = match password {
            Some(password) => Some(password.stretch(self.derive(SALT, link).expose())?),
            None => None,
        };
        let of = |context| match &stretched {
            Some(stretched) => {
                let both = [self.0.expose().as_slice(), stretched.expose()].concat();
                derive(context, &zeroize::Zeroizing::new(both), link)
            }
            None => self.derive(context, link),
        };
        Ok(LinkKeys {
            token: Token(of(TOKEN)),
            seed: of(KEY),
            uploads: of(UPLOADS),
        })
    }

    fn derive(&self, context: &str, link: LinkId) -> Secret32 {
        derive(context, self.0.expose(), link)
    }
}

/// The hash of a link's token: what the server keeps of it.
pub fn verifier(token: &Token) -> Secret32 {
    Secret32::new(blake3::derive_key(VERIFIER, token.0.expose()))
}

fn derive(context: &str, secret: &[u8], link: LinkId) -> Secret32 {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    hasher.update(secret);
    hasher.update(link.as_bytes());
    Secret32::new(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(password: bool) -> LinkUrl {
        LinkUrl {
            server: "https://files.example:7443/".parse().unwrap(),
            link: LinkId([2; 16]),
            identity: IdentityKey([3; 32]),
            maker: DeviceId([4; 32]),
            secret: LinkSecret(Secret32::new([5; 32])),
            password,
        }
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        for password in [false, true] {
            let text = url(password).to_string();
            assert!(
                text.starts_with("https://files.example:7443/l/0202"),
                "{text}"
            );
            assert!(text.parse::<LinkUrl>().unwrap() == url(password));
            for cut in 1..text.len() {
                assert!(text[..cut].parse::<LinkUrl>().is_err(), "{cut}");
            }
        }
    }

    #[test]
    fn a4_what_the_server_is_shown_says_nothing_of_the_rest() {
        let link = LinkId([2; 16]);
        let keys = |n, password: Option<&str>| {
            let password = password.map(Password::new);
            let secret = LinkSecret(Secret32::new([n; 32]));
            let keys = secret.keys(link, password.as_ref()).unwrap();
            [
                *keys.token.0.expose(),
                *keys.seed.expose(),
                *keys.uploads.expose(),
            ]
        };
        let all = [
            keys(5, None),
            keys(6, None),
            keys(5, Some("a")),
            keys(5, Some("b")),
        ];
        let mut each: Vec<_> = all.concat();
        each.extend([[5; 32], [6; 32]]);
        let count = each.len();
        each.sort_unstable();
        each.dedup();
        assert_eq!(each.len(), count);
        assert_eq!(keys(5, Some("a")), keys(5, Some("a")));
    }
}
