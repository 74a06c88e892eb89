//! How a request ends well.

use hythe_model::DeviceId;
use serde::{Deserialize, Serialize};

use crate::files::Entry;
use crate::id_text;
use crate::links::{LinkInfo, LinkMade};
use crate::octets::Octets;
use crate::spaces::{MemberInfo, OfferInfo, SharedInfo, SpaceInfo};
use crate::status::{Direction, FolderStatus, Status};

/// The end of a request that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// Nothing more to say.
    Done,
    /// How everything stands.
    Status(Status),
    /// How a `wait` ended.
    Waited(Waited),
    /// What is held.
    Held(Vec<HeldChange>),
    /// A sync folder as it is now.
    Folder(FolderStatus),
    /// The directory is a sync folder that the user moved: nothing was done.
    Moved(MovedHere),
    /// How many items the events before carried, or were touched.
    Count(u64),
    /// Why an item is as it is.
    Why(Why),
    /// What `verify` looked at.
    Verified(Verified),
    /// The account's devices.
    Devices(Vec<DeviceInfo>),
    /// A device is cut off.
    Removed(Removed),
    /// A one-time URL, for the next device or for a member.
    Invite(Invite),
    /// A node as it is now.
    Entry(Entry),
    /// The account's spaces.
    Spaces(Vec<SpaceInfo>),
    /// A space as it is now.
    Space(SpaceInfo),
    /// Who is in a space.
    Members(Vec<MemberInfo>),
    /// What sharing came to.
    Shared(SharedInfo),
    /// A link that was given out.
    Link(LinkMade),
    /// Links into a space.
    Links(Vec<LinkInfo>),
    /// The links into a space that can still be taken up.
    Offers(Vec<OfferInfo>),
}

/// A directory that is a sync folder under another name. `folder_move` goes on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedHere {
    /// Absolute path the sync folder had; it is not there any more.
    pub old: Octets,
    /// Whether this is the very directory; else a copy of it, as is what came from another file
    /// system.
    pub same: bool,
}

/// How a `wait` ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waited {
    /// How.
    pub outcome: WaitOutcome,
    /// What is not settled, as one sentence.
    pub reason: Option<String>,
}

/// How a `wait` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitOutcome {
    /// All is synced, proven by digest.
    Synced,
    /// The time was up.
    TimedOut,
    /// The server was not reached within the time.
    Unreachable,
    /// Settled, but something needs a person: a conflict, a pause, a held change, a problem.
    Attention,
}

/// A mass change that waits for a yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldChange {
    /// Its number, for `held_decide`.
    pub id: u64,
    /// The sync folder.
    pub dir: Octets,
    /// Whether it would go to the server or come to this disk.
    pub direction: Direction,
    /// What looks wrong, as one sentence.
    pub reason: String,
    /// Nodes it would delete.
    pub deletes: u64,
    /// Files whose content it would replace.
    pub replaces: u64,
    /// Some of the items, relative to the folder; at most ten.
    pub examples: Vec<Octets>,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
}

/// Why an item is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// The item, as it was asked for.
    pub path: Octets,
    /// The answer, as one sentence.
    pub answer: String,
    /// What is on this disk, as one sentence.
    pub local: Option<String>,
    /// What the log says, as one sentence.
    pub remote: Option<String>,
    /// What both last agreed on, as one sentence.
    pub synced: Option<String>,
    /// What to do, where something can be done.
    pub action: Option<String>,
}

/// What `verify` looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    /// Change sets whose signatures and chain hold.
    pub change_sets: u64,
    /// Nodes compared in the three trees.
    pub nodes: u64,
    /// Files read from this disk and compared with their hash.
    pub files: u64,
    /// Chunks read from the server, checked and opened.
    pub chunks: u64,
    /// Bytes read from disk and server.
    pub bytes: u64,
    /// How many `finding` events came.
    pub findings: u64,
}

/// A device of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceInfo {
    /// Its id.
    #[serde(with = "id_text")]
    pub id: DeviceId,
    /// Its name.
    pub name: String,
    /// Its system.
    pub platform: String,
    /// Address and port it was last seen from.
    pub address: Option<String>,
    /// When it was last seen, in milliseconds since 1970.
    pub seen_ms: Option<i64>,
    /// Its sync folders, as it told the server.
    pub folders: Vec<Octets>,
    /// Whether it is the one that answers.
    pub this: bool,
}

/// A device, password or recovery code that was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// Why the keys that it has are not renewed yet, as one sentence; `null` when they are. It is
    /// tried again by whichever device of the account can.
    pub keys_pending: Option<String>,
}

/// A one-time URL.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// What the next device is to be given: `hythe connect URL`. A secret until it is used.
    pub url: String,
    /// Until when it works, in milliseconds since 1970.
    pub expires_ms: i64,
}

impl std::fmt::Debug for Invite {
    /// Without the URL.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Invite(until {})", self.expires_ms)
    }
}
