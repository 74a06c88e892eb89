//! Becoming a member of a space by a link: the URL, and what the server answers to who holds it.
//!
//! `https://HOST:PORT/#s=…`: base64url without padding of a version byte, the server's identity,
//! the space and the secret. `#p=…` has a fourth field, who made the link: it makes a member that may
//! only put files, and learns of the space what that account says.

use std::fmt;
use std::str::FromStr;

use hythe_model::{AccountId, Head, Secret32, SpaceId};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use url::Url;

use crate::identity::IdentityKey;
use crate::invite::{UrlError, fields, pack, secret, split};
use crate::message::Message;

/// A link that makes one account a member of a space.
///
/// No `Debug`, and `Display` writes the secret: it is what the user is given.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinUrl {
    /// The address of the server, with an empty path: `https://host:port/`.
    pub server: Url,
    /// The server's identity.
    pub identity: IdentityKey,
    /// The space.
    pub space: SpaceId,
    /// The secret from which the one-time key and the key that the space's secret is wrapped to
    /// are derived.
    pub secret: Secret32,
    /// Whose word counts for a member that may only put files; none for a member that reads.
    pub by: Option<AccountId>,
}

impl FromStr for JoinUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (server, fragment) = split(text)?;
        let (identity, space, shown, by) = match fragment.split_once('=') {
            Some(("s", packed)) => {
                let [identity, space, shown] = fields(packed)?;
                (identity, space, shown, None)
            }
            Some(("p", packed)) => {
                let [identity, space, shown, by] = fields(packed)?;
                (identity, space, shown, Some(AccountId(*by)))
            }
            _ => return Err(UrlError::Fragment),
        };
        Ok(Self {
            server,
            identity: IdentityKey(*identity),
            space: SpaceId(*space),
            secret: secret(&shown),
            by,
        })
    }
}

impl fmt::Display for JoinUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (identity, space) = (&self.identity.0, &self.space.0);
        let shown = self.secret.expose();
        let (kind, packed) = match &self.by {
            None => ("s", pack(&[identity, space, shown])),
            Some(by) => ("p", pack(&[identity, space, shown, by.as_bytes()])),
        };
        write!(f, "{}#{kind}={}", self.server, packed.as_str())
    }
}

/// The reply to `GET /spaces/{space}/offers/{key}`: what taking an offer up needs. The records are
/// as the log's fold encodes them (`docs/format/log.md`).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct JoinTermsReply {
    /// Where the log ends.
    #[n(0)]
    pub head: Head,
    /// The record of the space.
    #[n(1)]
    pub space: ByteVec,
    /// The record of the offer.
    #[n(2)]
    pub offer: ByteVec,
    /// How far the calling device's own chain came here, should it have written before.
    #[n(3)]
    pub author: Option<ByteVec>,
}

impl Message for JoinTermsReply {
    const MAX_BYTES: usize = 16 << 10;
}
