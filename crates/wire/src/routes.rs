//! Every path of the API, in one place: as templates for the server's router, and as functions
//! that fill them for clients.

use hythe_model::{AccountId, Cursor, DeviceId, LinkId, NodeId, OpeningId, SpaceId, UploadId};

/// Alive: the process answers.
pub const HEALTHZ: &str = "/healthz";
/// Ready: database and blobs answer.
pub const READYZ: &str = "/readyz";
/// The OpenAPI 3.1 document.
pub const OPENAPI: &str = "/api/v1/openapi.json";

/// What server this is.
pub const SERVER: &str = "/api/v1/server";
/// Proof of the server's identity for this very connection.
pub const IDENTITY: &str = "/api/v1/identity";

/// Accounts: register.
pub const ACCOUNTS: &str = "/api/v1/accounts";
/// The log of an account: read, append. Appending is also how a device is removed: the server
/// cuts off whatever device the log removes.
pub const ACCOUNT_LOG: &str = "/api/v1/accounts/{account}/log";

/// The caller's account: read, change.
pub const ACCOUNT: &str = "/api/v1/account";
/// A second factor for logins: begin.
pub const ACCOUNT_TOTP: &str = "/api/v1/account/totp";
/// A second factor for logins: show the first code.
pub const ACCOUNT_TOTP_CONFIRM: &str = "/api/v1/account/totp/confirm";
/// A second factor for logins: remove.
pub const ACCOUNT_TOTP_REMOVE: &str = "/api/v1/account/totp/remove";

/// The caller's account is deleted after a waiting time.
pub const ACCOUNT_DELETE: &str = "/api/v1/account/delete";
/// It is not.
pub const ACCOUNT_DELETE_CANCEL: &str = "/api/v1/account/delete/cancel";

/// App passwords of the caller's account: list, make.
pub const ACCOUNT_APP_PASSWORDS: &str = "/api/v1/account/app-passwords";
/// App passwords: end one.
pub const ACCOUNT_APP_PASSWORDS_REMOVE: &str = "/api/v1/account/app-passwords/remove";

/// Passkeys for logins: list, begin to register.
pub const ACCOUNT_PASSKEYS: &str = "/api/v1/account/passkeys";
/// Passkeys for logins: show what the browser made.
pub const ACCOUNT_PASSKEYS_FINISH: &str = "/api/v1/account/passkeys/finish";
/// Passkeys for logins: a challenge, to prove that one is there.
pub const ACCOUNT_PASSKEYS_CHALLENGE: &str = "/api/v1/account/passkeys/challenge";
/// Passkeys for logins: remove.
pub const ACCOUNT_PASSKEYS_REMOVE: &str = "/api/v1/account/passkeys/remove";

/// Log in with a password: first half.
pub const LOGIN: &str = "/api/v1/login";
/// Log in with a password: other half.
pub const LOGIN_FINISH: &str = "/api/v1/login/finish";
/// Whose a recovery code is.
pub const LOGIN_RECOVER: &str = "/api/v1/login/recover";
/// Set a password: first half.
pub const PASSWORD: &str = "/api/v1/password";
/// The account of a login name.
pub const ACCOUNT_LOOKUP: &str = "/api/v1/accounts/lookup";

/// A new device asks to be let in by another one.
pub const APPROVALS: &str = "/api/v1/approvals";
/// A new device looks whether it was let in.
pub const APPROVALS_POLL: &str = "/api/v1/approvals/poll";
/// Who asks to be let in.
pub const APPROVALS_LOOK: &str = "/api/v1/approvals/look";
/// Lets a new device in.
pub const APPROVALS_GRANT: &str = "/api/v1/approvals/grant";

/// Devices of the caller's account: list.
pub const DEVICES: &str = "/api/v1/devices";
/// Enrol a device with a one-time token.
pub const DEVICES_ENROL: &str = "/api/v1/devices/enrol";
/// Whether a removed device is to delete its local copies.
pub const DEVICES_FAREWELL: &str = "/api/v1/devices/farewell";
/// The calling device: change.
pub const DEVICES_SELF: &str = "/api/v1/devices/self";

/// Spaces the caller is a member of: list, create.
pub const SPACES: &str = "/api/v1/spaces";
/// Who is in a space.
pub const SPACE_MEMBERS: &str = "/api/v1/spaces/{space}/members";
/// What the caller says to being invited: accept, decline.
pub const SPACE_INVITATION: &str = "/api/v1/spaces/{space}/invitation";
/// What taking up an offer to join needs.
pub const SPACE_OFFER: &str = "/api/v1/spaces/{space}/offers/{key}";
/// The log of a space: read, commit.
pub const SPACE_CHANGES: &str = "/api/v1/spaces/{space}/changes";
/// The state of a space at its latest checkpoint.
pub const SPACE_SNAPSHOT: &str = "/api/v1/spaces/{space}/snapshot";
/// The latest signed checkpoint: read, offer.
pub const SPACE_CHECKPOINT: &str = "/api/v1/spaces/{space}/checkpoint";
/// How far devices were shown a space: say it, and hear it of others.
pub const SPACE_SIGHTINGS: &str = "/api/v1/spaces/{space}/sightings";
/// Chunks of another space, to be had in this one too.
pub const SPACE_CHUNKS_ADOPT: &str = "/api/v1/spaces/{space}/chunks/adopt";
/// Which chunks are missing.
pub const SPACE_CHUNKS_MISSING: &str = "/api/v1/spaces/{space}/chunks/missing";
/// Read chunks.
pub const SPACE_CHUNKS_READ: &str = "/api/v1/spaces/{space}/chunks/read";
/// Store a pack.
pub const SPACE_PACKS: &str = "/api/v1/spaces/{space}/packs";
/// What was written to a node.
pub const NODE_HISTORY: &str = "/api/v1/spaces/{space}/nodes/{node}/history";
/// What was deleted in a space.
pub const SPACE_TRASH: &str = "/api/v1/spaces/{space}/trash";

/// Links into a space: list, create.
pub const SPACE_LINKS: &str = "/api/v1/spaces/{space}/links";
/// One link: revoke.
pub const SPACE_LINK: &str = "/api/v1/spaces/{space}/links/{link}";
/// How a link was used.
pub const SPACE_LINK_USES: &str = "/api/v1/spaces/{space}/links/{link}/uses";

/// What a link into a sealed space shows: store.
pub const SPACE_LINK_CAPSULES: &str = "/api/v1/spaces/{space}/links/{link}/capsules";

/// What a link shows, for whoever has it.
pub const LINK: &str = "/api/v1/links/{link}";
/// What a directory under a link holds.
pub const LINK_LIST: &str = "/api/v1/links/{link}/list";
/// Opens a file under a link.
pub const LINK_OPEN: &str = "/api/v1/links/{link}/open";
/// Read chunks of an opened file.
pub const LINK_CHUNKS: &str = "/api/v1/links/{link}/openings/{opening}/chunks";
/// Accounts, for whoever governs the server: list.
pub const ADMIN_USERS: &str = "/api/v1/admin/users";
/// An account: suspend, resume, remove, give a role or a quota.
pub const ADMIN_USER: &str = "/api/v1/admin/users/{account}";
/// Invites: make one.
pub const ADMIN_INVITES: &str = "/api/v1/admin/invites";
/// Who may create an account: read, set.
pub const ADMIN_POLICY: &str = "/api/v1/admin/policy";
/// What was administered.
pub const ADMIN_AUDIT: &str = "/api/v1/admin/audit";

/// Store a pack of a file that is put through a link.
pub const LINK_PACKS: &str = "/api/v1/links/{link}/packs";
/// Put a file through a link.
pub const LINK_FILES: &str = "/api/v1/links/{link}/files";

/// The inbox of a space: put a file as a member that may only put, show what waits to be taken in.
pub const SPACE_INBOX: &str = "/api/v1/spaces/{space}/inbox";
/// The key of a space's inbox: read, tell.
pub const SPACE_INBOX_CARD: &str = "/api/v1/spaces/{space}/inbox/card";
/// A file in an inbox that cannot be taken in: refuse.
pub const SPACE_INBOX_PARCEL: &str = "/api/v1/spaces/{space}/inbox/parcels/{upload}";

/// The caller's session in a browser: look, open, end.
pub const WEB_SESSION: &str = "/api/v1/web/session";

/// The spaces of the caller's account, with their names.
pub const WEB_SPACES: &str = "/api/v1/web/spaces";
/// A node of an open space.
pub const WEB_NODE: &str = "/api/v1/web/spaces/{space}/nodes/{node}";
/// What a directory of an open space holds.
pub const WEB_CHILDREN: &str = "/api/v1/web/spaces/{space}/nodes/{node}/children";
/// The bytes of a file of an open space.
pub const WEB_CONTENT: &str = "/api/v1/web/spaces/{space}/nodes/{node}/content";
/// Nodes of an open space as an archive.
pub const WEB_ZIP: &str = "/api/v1/web/spaces/{space}/zip";
/// The versions of a file of an open space.
pub const WEB_VERSIONS: &str = "/api/v1/web/spaces/{space}/nodes/{node}/versions";
/// Nodes of an open space, by name.
pub const WEB_SEARCH: &str = "/api/v1/web/spaces/{space}/search";
/// What was deleted in an open space.
pub const WEB_TRASH: &str = "/api/v1/web/spaces/{space}/trash";
/// A small file for an open space, at once.
pub const WEB_FILES: &str = "/api/v1/web/spaces/{space}/files";
/// A file for an open space, in parts: begin.
pub const WEB_UPLOADS: &str = "/api/v1/web/spaces/{space}/uploads";
/// A file in parts: look, send a part, give up.
pub const WEB_UPLOAD: &str = "/api/v1/web/spaces/{space}/uploads/{upload}";
/// A file in parts: make it a file.
pub const WEB_UPLOAD_FINISH: &str = "/api/v1/web/spaces/{space}/uploads/{upload}/finish";
/// Changes in an open space.
pub const WEB_EDITS: &str = "/api/v1/web/spaces/{space}/edits";

/// The event stream.
pub const EVENTS: &str = "/api/v1/events";

/// All templates.
pub const ALL: &[&str] = &[
    HEALTHZ,
    READYZ,
    OPENAPI,
    SERVER,
    IDENTITY,
    ACCOUNTS,
    ACCOUNT_LOG,
    ACCOUNT,
    ACCOUNT_TOTP,
    ACCOUNT_TOTP_CONFIRM,
    ACCOUNT_TOTP_REMOVE,
    ACCOUNT_DELETE,
    ACCOUNT_DELETE_CANCEL,
    ACCOUNT_APP_PASSWORDS,
    ACCOUNT_APP_PASSWORDS_REMOVE,
    ACCOUNT_PASSKEYS,
    ACCOUNT_PASSKEYS_FINISH,
    ACCOUNT_PASSKEYS_CHALLENGE,
    ACCOUNT_PASSKEYS_REMOVE,
    LOGIN,
    LOGIN_FINISH,
    LOGIN_RECOVER,
    PASSWORD,
    APPROVALS,
    APPROVALS_POLL,
    APPROVALS_LOOK,
    APPROVALS_GRANT,
    ACCOUNT_LOOKUP,
    DEVICES,
    DEVICES_ENROL,
    DEVICES_FAREWELL,
    DEVICES_SELF,
    SPACES,
    SPACE_MEMBERS,
    SPACE_INVITATION,
    SPACE_OFFER,
    SPACE_CHANGES,
    SPACE_SNAPSHOT,
    SPACE_CHECKPOINT,
    SPACE_SIGHTINGS,
    SPACE_CHUNKS_ADOPT,
    SPACE_CHUNKS_MISSING,
    SPACE_CHUNKS_READ,
    SPACE_PACKS,
    NODE_HISTORY,
    SPACE_TRASH,
    SPACE_LINKS,
    SPACE_LINK,
    SPACE_LINK_USES,
    SPACE_LINK_CAPSULES,
    LINK,
    LINK_LIST,
    LINK_OPEN,
    LINK_CHUNKS,
    ADMIN_USERS,
    ADMIN_USER,
    ADMIN_INVITES,
    ADMIN_POLICY,
    ADMIN_AUDIT,
    LINK_PACKS,
    LINK_FILES,
    SPACE_INBOX,
    SPACE_INBOX_CARD,
    SPACE_INBOX_PARCEL,
    WEB_SESSION,
    WEB_SPACES,
    WEB_NODE,
    WEB_CHILDREN,
    WEB_CONTENT,
    WEB_ZIP,
    WEB_VERSIONS,
    WEB_SEARCH,
    WEB_TRASH,
    WEB_FILES,
    WEB_UPLOADS,
    WEB_UPLOAD,
    WEB_UPLOAD_FINISH,
    WEB_EDITS,
    EVENTS,
];

/// [`ACCOUNT_LOG`] of an account.
pub fn account_log(account: AccountId) -> String {
    format!("/api/v1/accounts/{account}/log")
}

/// [`ACCOUNT_LOG`] after a position; `limit` entries at most.
pub fn account_log_from(account: AccountId, from: Cursor, limit: u32) -> String {
    format!("/api/v1/accounts/{account}/log?from={from}&limit={limit}")
}

/// [`ADMIN_USER`] of an account.
pub fn admin_user(account: AccountId) -> String {
    format!("/api/v1/admin/users/{account}")
}

/// [`SPACE_MEMBERS`] of a space.
pub fn space_members(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/members")
}

/// [`SPACE_INVITATION`] of a space.
pub fn space_invitation(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/invitation")
}

/// [`SPACE_OFFER`] of a space, by the id of its one-time key.
pub fn space_offer(space: SpaceId, key: DeviceId) -> String {
    format!("/api/v1/spaces/{space}/offers/{key}")
}

/// [`SPACE_CHANGES`] of a space.
pub fn space_changes(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/changes")
}

/// [`SPACE_CHANGES`] after a position; `limit` entries at most.
pub fn space_changes_from(space: SpaceId, from: Cursor, limit: u32) -> String {
    format!("/api/v1/spaces/{space}/changes?from={from}&limit={limit}")
}

/// [`SPACE_SNAPSHOT`] of a space.
pub fn space_snapshot(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/snapshot")
}

/// [`SPACE_CHECKPOINT`] of a space.
pub fn space_checkpoint(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/checkpoint")
}

/// [`SPACE_SIGHTINGS`] of a space.
pub fn space_sightings(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/sightings")
}

/// [`SPACE_CHUNKS_ADOPT`] of a space.
pub fn space_chunks_adopt(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/chunks/adopt")
}

/// [`SPACE_CHUNKS_MISSING`] of a space.
pub fn space_chunks_missing(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/chunks/missing")
}

/// [`SPACE_CHUNKS_READ`] of a space.
pub fn space_chunks_read(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/chunks/read")
}

/// [`SPACE_PACKS`] of a space.
pub fn space_packs(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/packs")
}

/// [`SPACE_PACKS`] of a space, for a pack that is part of an upload.
pub fn space_packs_of(space: SpaceId, upload: UploadId) -> String {
    format!("/api/v1/spaces/{space}/packs?upload={upload}")
}

/// [`NODE_HISTORY`] of a node.
pub fn node_history(space: SpaceId, node: NodeId) -> String {
    format!("/api/v1/spaces/{space}/nodes/{node}/history")
}

/// [`SPACE_TRASH`] of a space.
pub fn space_trash(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/trash")
}

/// [`SPACE_LINKS`] of a space.
pub fn space_links(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/links")
}

/// [`SPACE_LINK`] of a link.
pub fn space_link(space: SpaceId, link: LinkId) -> String {
    format!("/api/v1/spaces/{space}/links/{link}")
}

/// [`SPACE_LINK_USES`] of a link.
pub fn space_link_uses(space: SpaceId, link: LinkId) -> String {
    format!("/api/v1/spaces/{space}/links/{link}/uses")
}

/// [`SPACE_LINK_CAPSULES`] of a link.
pub fn space_link_capsules(space: SpaceId, link: LinkId) -> String {
    format!("/api/v1/spaces/{space}/links/{link}/capsules")
}

/// [`LINK`] of a link.
pub fn link(link: LinkId) -> String {
    format!("/api/v1/links/{link}")
}

/// [`LINK_LIST`] of a link.
pub fn link_list(link: LinkId) -> String {
    format!("/api/v1/links/{link}/list")
}

/// [`LINK_OPEN`] of a link.
pub fn link_open(link: LinkId) -> String {
    format!("/api/v1/links/{link}/open")
}

/// [`LINK_CHUNKS`] of an opening.
pub fn link_chunks(link: LinkId, opening: OpeningId) -> String {
    format!("/api/v1/links/{link}/openings/{opening}/chunks")
}

/// [`LINK_PACKS`] of a link.
pub fn link_packs(link: LinkId) -> String {
    format!("/api/v1/links/{link}/packs")
}

/// [`LINK_FILES`] of a link.
pub fn link_files(link: LinkId) -> String {
    format!("/api/v1/links/{link}/files")
}

/// [`SPACE_INBOX`] of a space.
pub fn space_inbox(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/inbox")
}

/// [`SPACE_INBOX_CARD`] of a space.
pub fn space_inbox_card(space: SpaceId) -> String {
    format!("/api/v1/spaces/{space}/inbox/card")
}

/// [`SPACE_INBOX_PARCEL`] of a parcel.
pub fn space_inbox_parcel(space: SpaceId, upload: UploadId) -> String {
    format!("/api/v1/spaces/{space}/inbox/parcels/{upload}")
}
