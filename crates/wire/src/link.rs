//! Links: giving them out, and opening them.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use hythe_model::{
    AccountId, ChunkId, DeviceId, LinkId, LinkKind, NodeId, NodeKind, OpeningId, Secret32, SpaceId,
    UploadId, VersionId,
};

use crate::bounded;
use crate::limits::{MAX_ATTACHED_BYTES, MAX_ATTACHED_OBJECTS, MAX_RECORD_FRAME_BYTES};
use crate::log::AttachedObject;
use crate::message::Message;
use crate::text;

/// Most nodes of one page of a listing.
pub const MAX_LINK_PAGE: usize = 500;

/// Most directories of one request to store capsules.
pub const MAX_CAPSULE_DIRECTORIES: usize = 256;

/// Most objects that one layout names.
pub const MAX_PARCEL_REFS: usize = 1024;

/// Most parts of one directory: more nodes than these of it are not shown.
pub const MAX_CAPSULE_PARTS: usize = 32;

/// `POST /spaces/{space}/links`: a link, given out by the calling device. May be repeated.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct CreateLinkRequest {
    /// The signed grant (`docs/format/links.md`).
    #[n(0)]
    pub grant: ByteVec,
    /// The token that whoever has the link will show, hashed: the server never needs more.
    #[n(1)]
    pub verifier: Secret32,
}

impl Message for CreateLinkRequest {
    const MAX_BYTES: usize = 4096;
}

/// The reply to a [`CreateLinkRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct CreateLinkReply {
    /// The device that makes what the link shows, to be named in the link's address: the server's in
    /// an open space.
    #[n(0)]
    pub maker: DeviceId,
}

impl Message for CreateLinkReply {
    const MAX_BYTES: usize = 64;
}

/// `GET /spaces/{space}/links`: the links that the caller may revoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkList {
    /// The links, newest first.
    pub links: Vec<LinkView>,
}

/// One link, for who may revoke it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkView {
    /// Its id, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub link: LinkId,
    /// The account that gave it out, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub account: AccountId,
    /// Its device, in hexadecimal.
    #[serde(with = "text")]
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// The signed grant, in hexadecimal.
    pub grant: String,
    /// How often files were opened through it.
    pub downloads: u32,
    /// When it was revoked, in milliseconds since 1970.
    pub revoked_ms: Option<i64>,
    /// Files that were put through it and that no member has taken in yet.
    #[serde(default)]
    pub waiting: u64,
    /// Files that were put through it and that no member could take in.
    #[serde(default)]
    pub refused: u64,
}

/// `GET /spaces/{space}/links/{link}/uses`: how a link was used, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkUses {
    /// The last uses; older ones are forgotten.
    pub uses: Vec<LinkUse>,
}

/// One use of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LinkUse {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// What was done.
    pub action: LinkAction,
    /// The node, in hexadecimal, where one was opened.
    #[serde(with = "text::option", default)]
    #[schema(value_type = Option<String>)]
    pub node: Option<NodeId>,
    /// From which network: an address without its end.
    pub network: String,
}

/// What was done with a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkAction {
    /// Looked at what it shows.
    Looked,
    /// Opened a file.
    Opened,
    /// Put a file.
    Put,
}

/// `POST /spaces/{space}/links/{link}/capsules`: what a link into a sealed space shows, in place of
/// what was stored for these directories before.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkCapsulesRequest {
    /// The directories.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_CAPSULE_DIRECTORIES, _, _>")]
    pub directories: Vec<DirectoryCapsules>,
}

impl Message for LinkCapsulesRequest {
    const MAX_BYTES: usize = 6 << 20;
}

/// What a link shows of one directory.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct DirectoryCapsules {
    /// The directory; none: the linked node itself.
    #[n(0)]
    pub directory: Option<NodeId>,
    /// Its children, a part at a time; none where it is empty.
    #[n(1)]
    #[cbor(decode_with = "bounded::list::<MAX_CAPSULE_PARTS, _, _>")]
    pub parts: Vec<CapsulePart>,
}

/// Some nodes of a directory, and their keys.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct CapsulePart {
    /// The nodes.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_LINK_PAGE, _, _>")]
    pub nodes: Vec<NodeId>,
    /// Their keys.
    #[n(1)]
    pub capsule: LinkCapsule,
}

/// `GET /links/{link}`: what a link is.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkInfo {
    /// The space; only to open fields with.
    #[n(0)]
    pub space: SpaceId,
    /// What the link is for.
    #[n(1)]
    pub kind: LinkKind,
    /// When it ends, in milliseconds since 1970.
    #[n(2)]
    pub expires_ms: Option<i64>,
    /// How often files may still be opened.
    #[n(3)]
    pub downloads_left: Option<u32>,
    /// The linked node; none for the root of a space.
    #[n(4)]
    pub node: Option<LinkNode>,
    /// The keys of the node; none until its maker has made them.
    #[n(5)]
    pub capsule: Option<LinkCapsule>,
    /// To put files into a sealed space: the maker's card of its inbox (`docs/format/links.md`).
    #[n(6)]
    pub card: Option<ByteVec>,
}

impl Message for LinkInfo {
    const MAX_BYTES: usize = 64 << 10;
}

/// A node, as whoever has a link sees it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkNode {
    /// Its id.
    #[n(0)]
    pub node: NodeId,
    /// What it is.
    #[n(1)]
    pub kind: NodeKind,
    /// Its name.
    #[n(2)]
    pub name: LinkField,
    /// Its attributes.
    #[n(3)]
    pub attributes: LinkField,
    /// Its link text; of a file only which version it is.
    #[n(4)]
    pub body: Option<LinkField>,
}

/// One field of a node, sealed as its author sealed it.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkField {
    /// Its version.
    #[n(0)]
    pub version: VersionId,
    /// The sealed field; none where it was purged, or is not shown here.
    #[n(1)]
    pub sealed: Option<ByteVec>,
}

/// The keys of some nodes, sealed for whoever has the link.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkCapsule {
    /// The envelope.
    #[n(0)]
    pub seal: ByteVec,
    /// What is in it.
    #[n(1)]
    pub sealed: ByteVec,
}

/// `POST /links/{link}/list`: what a directory holds.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkListRequest {
    /// The directory: the linked node, or one below it.
    #[n(0)]
    pub directory: NodeId,
    /// Where the page before ended.
    #[n(1)]
    pub after: Option<ByteVec>,
}

impl Message for LinkListRequest {
    const MAX_BYTES: usize = 128;
}

/// The reply to a [`LinkListRequest`].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkPage {
    /// Some nodes of the directory.
    #[n(0)]
    #[cbor(decode_with = "bounded::list::<MAX_LINK_PAGE, _, _>")]
    pub nodes: Vec<LinkNode>,
    /// Their keys.
    #[n(1)]
    pub capsule: Option<LinkCapsule>,
    /// Where the next page begins; none when this is the last.
    #[n(2)]
    pub next: Option<ByteVec>,
}

impl Message for LinkPage {
    const MAX_BYTES: usize = 4 << 20;
}

/// `POST /links/{link}/open`: opens a file, which counts. May be repeated with the same opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct LinkOpenRequest {
    /// The file.
    #[n(0)]
    pub node: NodeId,
    /// What the chunks will be asked for by.
    #[n(1)]
    pub opening: OpeningId,
}

impl Message for LinkOpenRequest {
    const MAX_BYTES: usize = 64;
}

/// The reply to a [`LinkOpenRequest`].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkOpened {
    /// The layout.
    #[n(0)]
    pub body: LinkField,
}

impl Message for LinkOpened {
    const MAX_BYTES: usize = MAX_RECORD_FRAME_BYTES;
}

/// `POST /links/{link}/files` and `POST /spaces/{space}/inbox`: a file, sealed for who takes it in:
/// the server's device in an open space, members in a sealed one. May be repeated.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct LinkPutRequest {
    /// The upload: node, versions and operation are called so.
    #[n(0)]
    pub upload: UploadId,
    /// The generation of the server's key; in a sealed space the key epoch of the inbox's.
    #[n(1)]
    pub generation: u32,
    /// The secret under which everything else is sealed, wrapped to that key (CBOR).
    #[n(2)]
    pub wrapped: ByteVec,
    /// The sealed name.
    #[n(3)]
    pub name: ByteVec,
    /// The sealed attributes.
    #[n(4)]
    pub attributes: ByteVec,
    /// The sealed layout.
    #[n(5)]
    pub body: ByteVec,
    /// Sealed bytes over all its chunks.
    #[n(6)]
    pub size: u64,
    /// Objects that were in no pack.
    #[n(7)]
    #[cbor(decode_with = "bounded::list::<MAX_ATTACHED_OBJECTS, _, _>")]
    pub attached: Vec<AttachedObject>,
    /// What the layout names, which a server cannot read in a sealed space.
    #[n(8)]
    pub refs: Option<ParcelRefs>,
    /// Who put it; none through links into open spaces.
    #[n(9)]
    pub signature: Option<ByteVec>,
}

/// The objects that a layout names.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ParcelRefs {
    /// Whether it is one root instead of all chunks.
    #[n(0)]
    pub tree: bool,
    /// Their ids.
    #[n(1)]
    #[cbor(decode_with = "bounded::list::<MAX_PARCEL_REFS, _, _>")]
    pub ids: Vec<ChunkId>,
}

impl Message for LinkPutRequest {
    const MAX_BYTES: usize = MAX_RECORD_FRAME_BYTES + 2 * MAX_ATTACHED_BYTES;
}
