//! Moving a directory into a space of its own, so that it can be shared where it is (D2).
//!
//! The move has three parts. [`MoveOut`] freezes the directory: from then on nothing in it changes,
//! though all of it can be read. Its nodes are then made once more in the new space, under the same
//! ids and versions, whose log says by [`CameFrom`] where they are from. [`MovedOut`], with the
//! creation of an attachment under the same name, hands over in one change set. What is below the
//! directory keeps its records in the old space for its history, and can never be written there.

use hythe_model::{Head, NodeId, SpaceId, VersionId};
use minicbor::{Decode, Encode};

/// Begins to move a living directory into a space of its own. Owners only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct MoveOut {
    /// The directory.
    #[n(0)]
    pub node: NodeId,
    /// The version of name and place that the author saw.
    #[n(1)]
    pub expected: VersionId,
    /// The space that it is to become.
    #[n(2)]
    pub to: SpaceId,
}

/// Ends a move: the directory is deleted here, with all it holds. Owners only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct MovedOut {
    /// The directory.
    #[n(0)]
    pub node: NodeId,
    /// The space that it has become: the one that [`MoveOut`] named.
    #[n(1)]
    pub to: SpaceId,
}

/// Calls a move off that was not ended. Owners only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct StayHere {
    /// The directory.
    #[n(0)]
    pub node: NodeId,
}

/// Says of which directory of which space a space was made, and at which point of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct CameFrom {
    /// The space it was in.
    #[n(0)]
    pub space: SpaceId,
    /// The directory, whose children are those of the root here.
    #[n(1)]
    pub node: NodeId,
    /// What the author had seen of that space's log.
    #[n(2)]
    pub at: Head,
}
