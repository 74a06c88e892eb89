//! Spaces and who is in them.

use hythe_model::{AccountId, DeviceId, Role, SpaceId};
use serde::{Deserialize, Serialize};

use crate::files::Place;
use crate::id_text;

/// What may be asked about spaces. A space is named by its name or its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SpacesRequest {
    /// The account's spaces, and those it was invited to. Reply: `spaces`.
    List,
    /// Makes a space. Reply: `space`.
    Create {
        /// Its name.
        name: String,
        /// Whether it is sealed: the server is no member and never can read it.
        sealed: bool,
    },
    /// Gives a space another name. Reply: `space`.
    Rename {
        /// The space.
        space: String,
        /// Its new name.
        name: String,
    },
    /// Takes part in a space that the account was invited to. Reply: `space`.
    Accept {
        /// The space, by the name the invitation shows, or by its id.
        space: String,
    },
    /// Does not take part in it. Reply: `done`.
    Decline {
        /// The space, as in `accept`.
        space: String,
    },
    /// Leaves a space. Reply: `done`.
    Leave {
        /// The space.
        space: String,
    },
    /// Makes an account a member, or changes its role. Reply: `shared`.
    Share {
        /// The space.
        space: String,
        /// Login name or id of the account.
        account: String,
        /// What it may do.
        role: SpaceRole,
        /// The safety number that was compared with that person; `null` where none was.
        number: Option<String>,
    },
    /// Makes a link by which one account becomes a member, within a week. Reply: `invite`.
    ShareLink {
        /// The space.
        space: String,
        /// What that account may do; not `owner`.
        role: SpaceRole,
    },
    /// Takes part in a space by such a link. Reply: `space`.
    Join {
        /// The link.
        url: String,
    },
    /// The links into a space that can still be taken up. Reply: `offers`.
    Offers {
        /// The space.
        space: String,
    },
    /// Takes such a link back. Reply: `done`.
    Withdraw {
        /// The space.
        space: String,
        /// The link's id, or how it begins.
        offer: String,
    },
    /// Says that a space ends, and everything in it. Reply: `space`.
    Delete {
        /// The space.
        space: String,
        /// After how many days.
        days: u16,
    },
    /// Believes that the server was restored from a copy, of a sealed space. Reply: `space`.
    Confirm {
        /// The space.
        space: String,
    },
    /// Says that it does not. Reply: `space`.
    Restore {
        /// The space.
        space: String,
    },
    /// Makes a folder a space of its own, attached in its place. Reply: `space`; of a folder that
    /// is one already, its space.
    ShareFolder {
        /// The folder.
        place: Place,
        /// What the space is to be called; `null` as the folder.
        name: Option<String>,
    },
    /// Shows a space at a place of another one. Reply: `entry`.
    Attach {
        /// The space.
        space: String,
        /// Where; nothing is there yet.
        place: Place,
    },
    /// Takes a space out of the place where it is shown. Reply: `done`.
    Detach {
        /// The place.
        place: Place,
    },
    /// Who is in a space. Reply: `members`.
    Members {
        /// The space.
        space: String,
    },
    /// Sends a member away and renews the keys. Reply: `done`.
    RemoveMember {
        /// The space.
        space: String,
        /// Login name or id of the account.
        account: String,
    },
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpaceRole {
    /// Everything, members and keys included.
    Owner,
    /// Read and write.
    Editor,
    /// Read.
    Viewer,
    /// Upload.
    Drop,
}

impl From<Role> for SpaceRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Editor => Self::Editor,
            Role::Viewer => Self::Viewer,
            Role::Drop => Self::Drop,
        }
    }
}

impl From<SpaceRole> for Role {
    fn from(role: SpaceRole) -> Self {
        match role {
            SpaceRole::Owner => Self::Owner,
            SpaceRole::Editor => Self::Editor,
            SpaceRole::Viewer => Self::Viewer,
            SpaceRole::Drop => Self::Drop,
        }
    }
}

/// A space of the account, or one it was invited to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceInfo {
    /// Its id.
    #[serde(with = "id_text")]
    pub id: SpaceId,
    /// Its name; its id where it has none that can be shown.
    pub name: String,
    /// What this account may do there.
    pub role: SpaceRole,
    /// Whether it is the account's personal space.
    pub personal: bool,
    /// Whether the server is no member and cannot read it.
    pub sealed: bool,
    /// The invitation that waits for an answer; `null` where the account takes part.
    pub invitation: Option<InvitationInfo>,
    /// When the space ends, in milliseconds since 1970; `null` where nobody said that it does.
    pub ends_ms: Option<i64>,
    /// How many changes of it this device has read; `null` before it takes part.
    pub position: Option<u64>,
    /// The chain hash there, in hexadecimal. Two devices that show another one for one position were
    /// shown two histories.
    pub chain: Option<String>,
    /// Until when another device has seen the same; `null` where none has said so yet.
    pub confirmed: Option<ConfirmedInfo>,
    /// What another device saw that the server does not show this one, as one sentence; `null` where
    /// there is nothing of that kind.
    pub contradicted: Option<String>,
}

/// What another device has signed of how far it was shown a space, where this one was shown the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmedInfo {
    /// The device.
    #[serde(with = "id_text")]
    pub device: DeviceId,
    /// Its account.
    #[serde(with = "id_text")]
    pub account: AccountId,
    /// What that account is called here.
    pub owner: String,
    /// How many changes it had read.
    pub position: u64,
    /// When, by its clock, in milliseconds since 1970.
    pub at_ms: i64,
}

/// A link by which one account can become a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferInfo {
    /// Its id, which lets nobody in.
    #[serde(with = "id_text")]
    pub id: DeviceId,
    /// What that account may do.
    pub role: SpaceRole,
    /// Until when it works, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// An invitation into a space. Before it was accepted, the server's word is all there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationInfo {
    /// Login name of who invited.
    pub by: String,
    /// The safety number with that account.
    pub safety_number: String,
    /// When, in milliseconds since 1970.
    pub since_ms: i64,
}

/// A member of a space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberInfo {
    /// Its account.
    #[serde(with = "id_text")]
    pub account: AccountId,
    /// Its login name, where this device knows one.
    pub login: Option<String>,
    /// What it may do.
    pub role: SpaceRole,
    /// Since when it has this role, in milliseconds since 1970, as the server says.
    pub since_ms: Option<i64>,
    /// What it is here.
    pub kind: MemberKind,
    /// Digits to compare with that person; `null` for this account and the server.
    pub safety_number: Option<String>,
    /// Whether the server names another login for the account than this device knows.
    pub renamed: bool,
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// This account.
    This,
    /// The server, as in every open space.
    Server,
    /// It takes part.
    Member,
    /// It was invited and has not answered.
    Invited,
    /// It declined.
    Declined,
}

/// What sharing came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedInfo {
    /// What happened.
    pub outcome: ShareOutcome,
    /// The account.
    #[serde(with = "id_text")]
    pub account: AccountId,
    /// Digits to compare with that person.
    pub safety_number: String,
    /// Whether this device met the account for the first time.
    pub first_met: bool,
}

/// What sharing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareOutcome {
    /// It was invited.
    Invited,
    /// It has another role now.
    Changed,
    /// It had that role already.
    Already,
}
