//! What pages of the web app ask: JSON, with the names as people read them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hythe_model::{AccountId, DeviceId, NodeId, SpaceId, UploadId, VersionId};

use crate::space::RoleName;
use crate::text;

/// `GET /web/session`: who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebSession {
    /// The account, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub account: AccountId,
    /// The device that the browser is, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// The login name.
    pub login_name: String,
    /// What others are shown; empty: the login name.
    pub display_name: String,
    /// Whether the account may administer the server.
    pub admin: bool,
}

/// `GET /web/spaces`: the spaces of the caller's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebSpaces {
    /// The personal one first, then those it takes part in, then those it was invited to.
    pub spaces: Vec<WebSpace>,
}

/// A space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebSpace {
    /// Its id, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub id: SpaceId,
    /// Its name; absent for a sealed space and where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the server is a member.
    pub kind: SpaceKind,
    /// What the caller may do there.
    pub role: RoleName,
    /// Whether it is the account's own.
    pub personal: bool,
    /// Its root, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub root: NodeId,
    /// Whether the account was invited and has not answered yet.
    pub invited: bool,
    /// How many take part, the server not counted.
    pub members: u64,
    /// Sealed bytes that are stored.
    pub used_bytes: u64,
}

/// Who can open what a space holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SpaceKind {
    /// Its members and the server.
    Open,
    /// Its members.
    Sealed,
}

/// A node as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebEntry {
    /// The node, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub id: NodeId,
    /// What it is.
    pub kind: WebKind,
    /// Its name, with U+FFFD for what is no UTF-8.
    pub name: String,
    /// The bytes of its name in base64url, where it is no UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
    /// How many bytes a file has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When its content was last modified, in milliseconds since 1970, as its device said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_ms: Option<i64>,
    /// The state of a file's content, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether a file may be executed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub executable: bool,
    /// The text of a symlink, or the id of the space that an attachment shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WebKind {
    /// Bytes.
    File,
    /// What holds others.
    Directory,
    /// A text that names another place.
    Symlink,
    /// Another space, shown here.
    Attachment,
}

/// `GET …/nodes/{node}`: a node, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebNode {
    /// The node; absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<WebEntry>,
    /// From the root's child down to the node itself.
    pub path: Vec<WebStep>,
}

/// A directory on the way to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebStep {
    /// The node, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub id: NodeId,
    /// Its name.
    pub name: String,
}

/// The last line of a listing: without it the listing is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebEnd {
    /// Always true.
    pub end: bool,
    /// The position of the log at which the listing began.
    pub cursor: u64,
    /// How many lines came before.
    pub count: u64,
}

/// `POST …/edits`: changes, all of them or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebEdits {
    /// At most 1,000; what is below a directory counts only when it is written.
    pub edits: Vec<WebEdit>,
}

/// Most edits of one request.
pub const MAX_WEB_EDITS: usize = 1000;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(
    tag = "do",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum WebEdit {
    /// A new directory.
    MakeDirectory {
        /// Where, in hexadecimal.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        parent: NodeId,
        /// Its name.
        name: String,
        /// What where the name is taken.
        #[serde(default)]
        on_taken: WebOnTaken,
    },
    /// Another name, another directory, or both.
    Move {
        /// What, in hexadecimal.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        node: NodeId,
        /// Where to, in hexadecimal.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        parent: NodeId,
        /// Its name there.
        name: String,
        /// What where the name is taken.
        #[serde(default)]
        on_taken: WebOnTaken,
    },
    /// The same again, with all that is below it.
    Copy {
        /// What, in hexadecimal.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        node: NodeId,
        /// Where to, in hexadecimal.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        parent: NodeId,
        /// Its name there.
        name: String,
        /// What where the name is taken.
        #[serde(default)]
        on_taken: WebOnTaken,
    },
    /// To the trash, with all that is below it.
    Delete {
        /// What, in hexadecimal.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        node: NodeId,
    },
    /// An older version of a file becomes its present one.
    RestoreVersion {
        /// The file, in hexadecimal.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        node: NodeId,
        /// The version, in hexadecimal.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        version: VersionId,
    },
    /// Back from the trash, with what was deleted together with it.
    Restore {
        /// What, in hexadecimal.
        #[serde(with = "text")]
        #[schema(value_type = String)]
        node: NodeId,
    },
}

/// What is done where a name is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WebOnTaken {
    /// Nothing: the whole is refused.
    #[default]
    Refuse,
    /// The name becomes `name (2)`, or the next that is free.
    Number,
}

/// What edits came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebEdited {
    /// The position of the log at which they are.
    pub cursor: u64,
    /// Of each edit the node that it is about, and its name from now on.
    pub results: Vec<WebStep>,
}

/// Most bytes of a part of an upload, and of a small file.
pub const MAX_WEB_PART_BYTES: usize = 8 << 20;

/// `POST …/uploads`: a file that will be sent in parts. Each begins at a multiple of 1,048,576 bytes, and
/// is one unless it ends the file, 8 MiB at most; they come in any order, and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebNewFile {
    /// The directory it goes into, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub parent: NodeId,
    /// Its name.
    pub name: String,
    /// How many bytes it has; of a small file its body says so.
    #[serde(default)]
    pub size: u64,
    /// When it was last modified, in milliseconds since 1970.
    pub modified_ms: i64,
    /// What where the name is taken.
    #[serde(default)]
    pub on_taken: WebOnTakenFile,
}

/// What is done where the name of a new file is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WebOnTakenFile {
    /// A file of that name gets a new version; what it was stays among its versions.
    Replace,
    /// The name becomes `name (2)`, or the next that is free.
    #[default]
    Number,
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebUpload {
    /// The upload, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub upload: UploadId,
    /// How many bytes are there from the beginning on, without a gap.
    pub offset: u64,
    /// How many the file will have.
    pub size: u64,
}

/// What became of a file that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebSent {
    /// The file, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub id: NodeId,
    /// Its name, which may be another than was asked for.
    pub name: String,
    /// The position of the log at which it is.
    pub cursor: u64,
}

/// `GET …/nodes/{node}/versions`: the versions of a file, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebVersions {
    /// They; at most the last thousand.
    pub versions: Vec<WebVersion>,
}

/// A version of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebVersion {
    /// It, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub version: VersionId,
    /// How many bytes it has; absent where they are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was written, by the clock of who wrote it, in milliseconds since 1970.
    pub time_ms: i64,
    /// Who wrote it.
    pub by: WebAuthor,
    /// How it came, where it was signed on somebody's behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<WebThrough>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebAuthor {
    /// The login name; absent where nobody knows any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is the caller.
    pub you: bool,
    /// The name of the device; absent for devices of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// How something came that was signed on somebody's behalf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WebThrough {
    /// Through a link that the account gave out.
    Link,
    /// Through the server, in a browser or another program.
    Server,
    /// As a file that a member put who may do nothing else.
    Inbox,
}

/// `GET …/trash`: what was deleted, the last first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebTrash {
    /// Some of it, without what was below directories.
    pub items: Vec<WebTrashed>,
    /// Where the next page begins: asked for with `after`; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Something in the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebTrashed {
    /// What it was.
    pub entry: WebEntry,
    /// Names of the directories it was in, from the root down.
    pub path: Vec<String>,
    /// When it was deleted, in milliseconds since 1970.
    pub deleted_ms: i64,
    /// By whom.
    pub by: WebAuthor,
}

/// `GET …/search`: a node that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebFound {
    /// It.
    pub entry: WebEntry,
    /// Names of the directories it is in, from the root down.
    pub path: Vec<String>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}
