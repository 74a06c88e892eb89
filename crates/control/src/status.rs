//! How everything stands.

use hythe_model::{AccountId, DeviceId, SpaceId};
use serde::{Deserialize, Serialize};

use crate::id_text;
use crate::octets::Octets;

/// Answer to `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Process id of the daemon.
    pub pid: u32,
    /// The account this device belongs to.
    pub account: AccountStatus,
    /// The server.
    pub server: ServerStatus,
    /// What the account's spaces hold on the server; `null` where the server was not asked.
    pub usage: Option<UsageStatus>,
    /// Why keys are not renewed that a removed device has, as one sentence; `null` when all are.
    pub keys_pending: Option<String>,
    /// Whether the user paused everything.
    pub paused: bool,
    /// How many mass changes wait for a decision.
    pub held: u64,
    /// The sync folders.
    pub folders: Vec<FolderStatus>,
    /// What is being sent and fetched now; at most 64, the longest running first.
    pub transfers: Vec<Transfer>,
    /// Spaces that an owner wants to end.
    pub ending: Vec<EndingSpace>,
    /// Sync folders of spaces that ended: ordinary folders now.
    pub ended: Vec<EndedFolder>,
    /// Sealed spaces into which files were put that are not taken in.
    pub inboxes: Vec<InboxStatus>,
}

/// Files that were put into a sealed space by those who cannot read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InboxStatus {
    /// Name of the space.
    pub space: String,
    /// Files that wait until a daemon takes them in.
    pub waiting: u64,
    /// Files that could not be taken in, in the last 30 days.
    pub refused: u64,
}

/// A space that an owner wants to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndingSpace {
    /// Its name.
    pub space: String,
    /// When, in milliseconds since 1970.
    pub ends_ms: i64,
}

/// A sync folder of a space that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedFolder {
    /// The folder. Its files stay.
    pub dir: Octets,
    /// Name of the space.
    pub space: String,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: i64,
}

/// Whose device this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountStatus {
    /// Login name of the account.
    pub name: String,
    /// Id of the account.
    #[serde(with = "id_text")]
    pub id: AccountId,
    /// Name of this device.
    pub device_name: String,
    /// Id of this device.
    #[serde(with = "id_text")]
    pub device: DeviceId,
    /// Whether the recovery code was drawn here and nobody has typed it back yet.
    pub recovery_unconfirmed: bool,
    /// How many devices came to the account since its list of devices was last looked at here.
    pub new_devices: u64,
    /// When the account is deleted, as its owner asked for, in milliseconds since 1970; `null` where
    /// it stays or the server was not asked.
    pub removal_ms: Option<i64>,
}

/// How the server is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerStatus {
    /// Its address.
    pub url: String,
    /// Whether the event stream stands.
    pub connected: bool,
    /// Since when that is so, in milliseconds since 1970.
    pub since_ms: i64,
    /// Why it is not connected, as one sentence.
    pub reason: Option<String>,
    /// When it was noticed that it came back from a copy of its data, within the last seven days, in
    /// milliseconds since 1970; else `null`.
    pub restored_ms: Option<i64>,
}

/// How much of the account's quota is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageStatus {
    /// Sealed bytes that are stored.
    pub used_bytes: u64,
    /// The limit; `null` where there is none.
    pub limit_bytes: Option<u64>,
}

/// One sync folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderStatus {
    /// Number of the folder on this device.
    pub id: u32,
    /// Where it is on this machine.
    pub dir: Octets,
    /// Name of the space it mirrors.
    pub space: String,
    /// Id of that space.
    #[serde(with = "id_text")]
    pub space_id: SpaceId,
    /// The part of the space: path of its directory, empty for all.
    pub path: Octets,
    /// How it stands.
    pub state: FolderState,
    /// Why, as one sentence, where `state` alone does not say it.
    pub reason: Option<String>,
    /// The last time disk and log were proven equal.
    pub proven: Option<Proven>,
    /// What is known to differ now.
    pub pending: Pending,
    /// How many `problem` events belong to it.
    pub problems: u64,
    /// Whether changes are seen at once; else the folder is looked through every so often.
    pub watched: bool,
    /// Where it was found while it is not at `dir`. Nothing is done there before `folder_move`.
    pub moved: Option<MovedFolder>,
}

/// A sync folder that is not where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedFolder {
    /// Where it is.
    pub dir: Octets,
    /// Whether it is the very directory; else a copy of it, as is what came from another file system.
    pub same: bool,
}

/// How a folder stands. The first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FolderState {
    /// The directory is missing, swapped or unreadable: nothing is done, nothing deleted (S4).
    Unavailable,
    /// The user paused it.
    Paused,
    /// A mass change waits for a decision (S5).
    Held,
    /// The server is not reached; local changes wait.
    Offline,
    /// The disk is being looked through.
    Scanning,
    /// Something is under way.
    Syncing,
    /// All that can be done is done; some items need a person.
    Attention,
    /// Disk and log are proven equal.
    Synced,
}

/// A proof that disk and log agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// At this position of the log.
    pub cursor: u64,
    /// At this time, in milliseconds since 1970.
    pub at_ms: i64,
}

/// What is known to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Nodes.
    pub items: u64,
    /// Bytes to send.
    pub up_bytes: u64,
    /// Bytes to fetch.
    pub down_bytes: u64,
}

/// An item that is not synced, with its reason and the one thing to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Number of the folder.
    pub folder: u32,
    /// The item, relative to the folder.
    pub path: Octets,
    /// Why, as one sentence.
    pub reason: String,
    /// What the user can do, as one sentence.
    pub action: String,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it is tried again by itself, in milliseconds since 1970; `null` when only a person helps.
    pub retry_ms: Option<i64>,
}

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the server.
    Up,
    /// From the server.
    Down,
}

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Number of the folder.
    pub folder: u32,
    /// The file, relative to the folder.
    pub path: Octets,
    /// Which way.
    pub direction: Direction,
    /// Bytes done.
    pub done_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}
