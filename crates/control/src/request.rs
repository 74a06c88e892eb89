//! What may be asked.

use serde::{Deserialize, Serialize};

use crate::files::{Modified, Place};
use crate::links::LinksRequest;
use crate::octets::Octets;
use crate::spaces::SpacesRequest;

/// One request. Each is answered by any number of events and then exactly one reply or failure,
/// which the variant names. A caller that hangs up cancels its request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How everything stands. Events: one `problem` for each. Reply: `status`.
    Status,
    /// A fence (§5): returns when what was on this disk when the request came is committed, and
    /// what the server had acknowledged then is on this disk, proven by digest.
    /// Events: `progress`. Reply: `waited`.
    Wait {
        /// Give up after this long; `null` never does.
        timeout_ms: Option<u64>,
    },
    /// Stop syncing until `resume`, over restarts. Reply: `done`.
    Pause,
    /// Sync again. Reply: `done`.
    Resume,
    /// Mass changes that wait for a yes (S5). Reply: `held`.
    Held,
    /// Decides held changes. Reply: `done`.
    HeldDecide {
        /// Which one; `null` means all that are held.
        id: Option<u64>,
        /// What to do with it.
        decision: Decision,
    },
    /// Makes a directory a sync folder. Reply: `folder`, or `moved` when it is one that was moved.
    FolderAdd {
        /// Absolute path of the directory; made when missing.
        dir: Octets,
        /// What it mirrors: a directory of a space.
        place: Place,
    },
    /// Ends syncing of a folder; its files stay. Reply: `done`.
    FolderRemove {
        /// Absolute path of the sync folder.
        dir: Octets,
    },
    /// Tells that the user wants a sync folder elsewhere, or has moved it there. Reply: `folder`.
    FolderMove {
        /// Absolute path it had.
        old: Octets,
        /// Absolute path it shall have.
        new: Octets,
    },
    /// What would be done now, without doing it. Events: `step`. Reply: `count` of steps.
    Plan,
    /// Why an item is as it is. Reply: `why`.
    Why {
        /// The item.
        place: Place,
    },
    /// Proves that disk, three trees, log and stored chunks agree.
    /// Events: `progress`, `finding`. Reply: `verified`.
    Verify,
    /// The account's devices. Reply: `devices`.
    Devices,
    /// Authorises the next device. Reply: `invite`.
    DevicesAdd,
    /// Cuts a device off. Reply: `removed`.
    DevicesRemove {
        /// Its name, its id, or the first eight or more digits of its id.
        device: String,
        /// Ask it to delete its local copies of what the spaces hold.
        #[serde(default)]
        wipe: bool,
    },
    /// Renews the keys of the spaces where that is due, as after a change of the password. Reply:
    /// `removed`.
    KeysRenew,
    /// About spaces and their members. Reply: as each says.
    Spaces(SpacesRequest),
    /// About links. Reply: as each says.
    Links(LinksRequest),
    /// Ends the daemon. Reply: `done`, then the socket goes away.
    Stop,
    /// What is at a place. Reply: `entry`, with its name as the path; empty for a space's root.
    Look {
        /// The node.
        place: Place,
    },
    /// What a directory holds, or one file's own entry. Events: `entries`. Reply: `count`.
    List {
        /// The directory or file.
        place: Place,
        /// Everything below, parents before children; else the directory's own children only.
        recursive: bool,
    },
    /// Writes a file's content to the attached descriptor. Events: `progress`. Reply: `entry`.
    Read {
        /// The file.
        place: Place,
        /// An older version, as `history` names it; `null` for what is there now.
        version: Option<String>,
    },
    /// Reads the attached descriptor to its end and stores that as a file's content.
    /// Events: `progress`. Reply: `entry`.
    Write {
        /// The file; made when missing, and a new version when there.
        place: Place,
        /// Its modification time; `null` for now.
        modified: Option<Modified>,
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// Makes a symlink. Reply: `entry`.
    Link {
        /// Where.
        place: Place,
        /// The link text.
        target: Octets,
    },
    /// Makes a directory. Reply: `entry`.
    MakeDirectory {
        /// Where.
        place: Place,
        /// Make missing parents too, and be content with a directory that is there.
        parents: bool,
    },
    /// Moves or renames within one space. Reply: `done`.
    Move {
        /// What.
        from: Place,
        /// Its new place; a directory that is there receives it under its old name.
        to: Place,
    },
    /// Removes to the trash. Reply: `count` of removed nodes.
    Remove {
        /// What.
        place: Place,
        /// Allow a directory that is not empty.
        recursive: bool,
    },
    /// What happened to a node, newest first. Events: `revisions`. Reply: `count`.
    History {
        /// The node; a deleted one is found under the path it had.
        place: Place,
    },
    /// Brings back a deleted node, or an older version of a file, as a new change.
    /// Reply: `entry`.
    Restore {
        /// The node.
        place: Place,
        /// Which version; `null` for the last one of a deleted node.
        version: Option<String>,
    },
}

/// What to do with a held mass change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It was meant: carry on.
    Approve,
    /// It was not: put back what was there.
    Undo,
}
