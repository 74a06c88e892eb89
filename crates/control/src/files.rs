//! Places and what is found there.

use hythe_model::{NodeId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id_text;
use crate::octets::Octets;

/// Something a command speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// A path inside a space.
    Space {
        /// Name or id of the space; empty for the account's personal one.
        space: String,
        /// Slash-separated path below its root; empty for the root.
        path: Octets,
    },
    /// A path on this machine, inside a sync folder.
    Local {
        /// Absolute path.
        path: Octets,
    },
}

/// A moment as a file system records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modified {
    /// Seconds since 1970-01-01 UTC.
    pub seconds: i64,
    /// Nanoseconds after, 0 to 999,999,999.
    pub nanos: u32,
}

impl From<Timestamp> for Modified {
    fn from(time: Timestamp) -> Self {
        Self {
            seconds: time.seconds,
            nanos: time.nanos,
        }
    }
}

impl From<Modified> for Timestamp {
    fn from(time: Modified) -> Self {
        Self {
            seconds: time.seconds,
            nanos: time.nanos,
        }
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Holds other nodes.
    Directory,
    /// Holds bytes.
    File,
    /// Holds a link text.
    Symlink,
    /// Shows another space.
    Attachment,
}

/// One node as listings show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Path relative to the directory listed; the node's own name where one node was asked for.
    pub path: Octets,
    /// What it is.
    pub kind: EntryKind,
    /// Length of a file in bytes.
    pub size: Option<u64>,
    /// Modification time of a file or symlink.
    pub modified: Option<Modified>,
    /// Whether its owner may execute the file.
    pub executable: bool,
    /// Link text of a symlink.
    pub target: Option<Octets>,
    /// Id of the node.
    #[serde(with = "id_text")]
    pub node: NodeId,
    /// Why it is not shown under its name: quarantined (SC-048).
    pub quarantine: Option<String>,
}

/// What one change set did to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It came to be.
    Created,
    /// Its content was replaced.
    Edited,
    /// It was renamed or moved.
    Moved,
    /// Its attributes changed.
    Attributes,
    /// It went to the trash.
    Deleted,
    /// It came back.
    Restored,
}

/// How something came that a device signed on somebody's behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Through {
    /// Through a link that the account gave out.
    Link,
    /// Through the server, in a browser or another program.
    Server,
    /// As a file that a member put who may do nothing else.
    Inbox,
}

/// One line of a node's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// Position of the change set in the space's log.
    pub cursor: u64,
    /// When, by the clock of its device, in milliseconds since 1970.
    pub at_ms: i64,
    /// Name of the device that wrote it.
    pub device: String,
    /// Login name of who did it, where it is known and another than this device's.
    pub account: Option<String>,
    /// How it came, where another device signed it on somebody's behalf.
    pub through: Option<Through>,
    /// What it did.
    pub change: Change,
    /// The version to name in `restore` and `get`, where content was written.
    pub version: Option<String>,
    /// Length of that content in bytes.
    pub size: Option<u64>,
    /// The path the node had after it.
    pub path: Octets,
}
