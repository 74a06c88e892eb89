//! Links: giving them out, and ending them.

use hythe_model::{DeviceId, LinkId};
use serde::{Deserialize, Serialize};

use crate::files::Place;
use crate::id_text;
use crate::octets::Octets;

/// What may be asked about links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LinksRequest {
    /// Gives out a link to a node. Reply: `link`.
    Create {
        /// The node.
        place: Place,
        /// What others may know of the link.
        terms: LinkTerms,
    },
    /// The links to a node and to what is below it. Reply: `links`.
    List {
        /// The node.
        place: Place,
        /// Whether to tell how each was used.
        uses: bool,
    },
    /// Ends the links to a node. Reply: `count`.
    Revoke {
        /// The node.
        place: Place,
        /// Only this one, by its id or the first eight or more digits; `null` for all.
        link: Option<String>,
    },
}

/// What others may know of a new link. Its secret stays with whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkTerms {
    /// Its id.
    #[serde(with = "id_text")]
    pub link: LinkId,
    /// The public key of whoever has it, in base64.
    pub key: String,
    /// The hash of the token that whoever has it shows, in base64.
    pub verifier: String,
    /// The public key that signs what is put through it, in base64.
    pub uploads: String,
    /// Whether a password belongs to it.
    pub password: bool,
    /// What it is for.
    pub kind: LinkFor,
    /// After how many days it ends; `null`: never.
    pub days: Option<u32>,
    /// How often files may be opened; `null`: always.
    pub downloads: Option<u32>,
}

/// A link that was given out; the address is put together by who has its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkMade {
    /// The address of the server.
    pub server: String,
    /// The server's identity, in hexadecimal.
    pub identity: String,
    /// The device that makes what the link shows.
    #[serde(with = "id_text")]
    pub maker: DeviceId,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: Option<i64>,
}

/// A link into a space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkInfo {
    /// Its id.
    #[serde(with = "id_text")]
    pub link: LinkId,
    /// What it shows, as `SPACE:/path`; `null` when that is not there any more.
    pub place: Option<Octets>,
    /// Login name of who gave it out; the id of another account.
    pub by: String,
    /// What it is for.
    pub kind: LinkFor,
    /// Whether a password belongs to it.
    pub password: bool,
    /// When it was given out, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it ends.
    pub expires_ms: Option<i64>,
    /// How often files were opened.
    pub downloads: u32,
    /// How often files may be opened.
    pub limit: Option<u32>,
    /// How it stands.
    pub state: LinkState,
    /// Files that were put through it and that no member has taken in yet.
    pub waiting: u64,
    /// Files that were put through it and that could not be taken in.
    pub refused: u64,
    /// How it was used, newest first, where that was asked for.
    pub uses: Vec<LinkUse>,
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkFor {
    /// To be looked at.
    View,
    /// To be copied.
    Download,
    /// To put files there.
    Upload,
}

/// How a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// It opens.
    Open,
    /// Its time is over.
    Expired,
    /// It was used as often as it may be.
    UsedUp,
    /// It was revoked.
    Revoked,
}

/// One use of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkUse {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What was done.
    pub action: LinkAction,
    /// The file that was opened or put, as `SPACE:/path`.
    pub file: Option<Octets>,
    /// From which network: an address without its end.
    pub network: String,
}

/// What was done with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// Looked at what it shows.
    Looked,
    /// Opened a file.
    Opened,
    /// Put a file.
    Put,
}
