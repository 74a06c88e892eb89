//! What a change set can do. Clear: a server reads all of it without any key.

use hythe_model::{ChunkId, NameTag, NodeId, NodeKind, VersionId};
use minicbor::{Decode, Encode};

use crate::account::operation::{
    AccountGenesis, AddDevice, AuthoriseOneTime, KemGeneration, RemoveDevice, SetKeyholder,
};
use crate::ending::EndSpace;
use crate::governance::{Member, NameSpace, NewEpoch, Restored, SpaceGenesis};
use crate::join::{Join, OfferJoin, WithdrawJoin};
use crate::moving::{CameFrom, MoveOut, MovedOut, StayHere};

/// One operation. Sealed parts are not named: the n-th part of the change set belongs to the n-th
/// field that the operations write (of one operation: name, attributes, body).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Operation {
    /// Starts the log of a space.
    #[n(0)]
    SpaceGenesis(#[n(0)] SpaceGenesis),
    /// Adds a member, changes its role, or removes it.
    #[n(1)]
    Member(#[n(0)] Member),
    /// Starts a new key epoch.
    #[n(2)]
    NewEpoch(#[n(0)] NewEpoch),
    /// Says that the server was restored from a copy.
    #[n(3)]
    Restored(#[n(0)] Restored),
    /// Gives the space a name.
    #[n(4)]
    NameSpace(#[n(0)] NameSpace),
    /// Authorises a key that lets one account become a member.
    #[n(5)]
    OfferJoin(#[n(0)] OfferJoin),
    /// Takes up such an offer.
    #[n(6)]
    Join(#[n(0)] Join),
    /// Makes a node.
    #[n(8)]
    Create(#[n(0)] Create),
    /// Writes fields of a node.
    #[n(9)]
    Update(#[n(0)] Update),
    /// Deletes a node.
    #[n(10)]
    Delete(#[n(0)] Delete),
    /// Brings a deleted node back.
    #[n(11)]
    Restore(#[n(0)] Restore),
    /// Starts the log of an account.
    #[n(16)]
    AccountGenesis(#[n(0)] AccountGenesis),
    /// Adds a device to the account.
    #[n(17)]
    AddDevice(#[n(0)] AddDevice),
    /// Removes a device from the account.
    #[n(18)]
    RemoveDevice(#[n(0)] RemoveDevice),
    /// Renews the account's key.
    #[n(19)]
    KemGeneration(#[n(0)] KemGeneration),
    /// Authorises a key that may add one device.
    #[n(20)]
    AuthoriseOneTime(#[n(0)] AuthoriseOneTime),
    /// Sets the account's password or recovery code.
    #[n(21)]
    SetKeyholder(#[n(0)] SetKeyholder),
    /// Begins to move a directory into a space of its own.
    #[n(30)]
    MoveOut(#[n(0)] MoveOut),
    /// Ends such a move: from now on the directory is in the other space.
    #[n(31)]
    MovedOut(#[n(0)] MovedOut),
    /// Calls such a move off.
    #[n(32)]
    StayHere(#[n(0)] StayHere),
    /// Says of which directory a space was made.
    #[n(33)]
    CameFrom(#[n(0)] CameFrom),
    /// Takes back a key that lets one account become a member.
    #[n(34)]
    WithdrawJoin(#[n(0)] WithdrawJoin),
    /// Says that the space ends, or that it does not.
    #[n(35)]
    EndSpace(#[n(0)] EndSpace),
}

/// A place among the nodes: below which parent, under which tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Place {
    /// The directory.
    #[n(0)]
    pub parent: NodeId,
    /// The name's tag, unique among the living children of `parent`.
    #[n(1)]
    pub tag: NameTag,
}

/// A new content: what a server must know of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BodyWrite {
    /// The new version.
    #[n(0)]
    pub version: VersionId,
    /// Sealed bytes that this version holds, over all its chunks: for the quota.
    #[n(1)]
    pub size: u64,
    /// Whether `refs` is the one root of a tree of layout nodes instead of all chunks.
    #[n(2)]
    pub tree: bool,
    /// The chunks that must be stored for this version to be whole.
    #[cbor(n(3), with = "crate::cbor::words")]
    pub refs: Vec<ChunkId>,
}

/// Makes a node. Sealed parts: name, attributes, and the body if there is one.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Create {
    /// The new node.
    #[n(0)]
    pub node: NodeId,
    /// What it is.
    #[n(1)]
    pub kind: NodeKind,
    /// Where it is.
    #[n(2)]
    pub place: Place,
    /// Version of name and place.
    #[n(3)]
    pub place_version: VersionId,
    /// Version of the attributes.
    #[n(4)]
    pub attributes_version: VersionId,
    /// Content; none for a directory.
    #[n(5)]
    pub body: Option<BodyWrite>,
}

/// A new name or place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct PlaceWrite {
    /// The version that the author saw and replaces.
    #[n(0)]
    pub expected: VersionId,
    /// The new version.
    #[n(1)]
    pub version: VersionId,
    /// Where the node is from now on.
    #[n(2)]
    pub place: Place,
}

/// New attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct AttributesWrite {
    /// The version that the author saw and replaces.
    #[n(0)]
    pub expected: VersionId,
    /// The new version.
    #[n(1)]
    pub version: VersionId,
}

/// New content of a node that has some.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct BodyUpdate {
    /// The version that the author saw and replaces.
    #[n(0)]
    pub expected: VersionId,
    /// What replaces it.
    #[n(1)]
    pub write: BodyWrite,
}

/// Writes fields of a living node. Sealed parts: one for each field that is written, in order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Update {
    /// The node.
    #[n(0)]
    pub node: NodeId,
    /// Name and parent.
    #[n(1)]
    pub place: Option<PlaceWrite>,
    /// Attributes.
    #[n(2)]
    pub attributes: Option<AttributesWrite>,
    /// Content.
    #[n(3)]
    pub body: Option<BodyUpdate>,
}

/// Deletes a living node; a directory must be empty at that point of the change set, so a tree is
/// deleted with its children first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Delete {
    /// The node.
    #[n(0)]
    pub node: NodeId,
    /// The version of name and place that the author saw.
    #[n(1)]
    pub place: VersionId,
    /// The version of the content that the author saw; none for a directory. With it, an edit
    /// that the author had not seen wins over its delete (S3).
    #[n(2)]
    pub body: Option<VersionId>,
}

/// Brings a deleted node back, content and attributes unchanged. Sealed part: the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Restore {
    /// The node.
    #[n(0)]
    pub node: NodeId,
    /// The version of name and place it had when it was deleted.
    #[n(1)]
    pub expected: VersionId,
    /// The new version of name and place.
    #[n(2)]
    pub version: VersionId,
    /// Where it is from now on.
    #[n(3)]
    pub place: Place,
}
