//! The state a fold reads, as a trait: maps in tests, SQL in server and client.

use std::collections::BTreeSet;

use hythe_model::{AccountId, ChainHash, Cursor, DeviceId, NameTag, NodeId};

use crate::changeset::ChangeSet;
use crate::moving::{MoveOut, MovedOut, StayHere};
use crate::operation::{Operation, Place};
use crate::record::{AuthorRecord, JoinOfferRecord, MemberRecord, NodeRecord, SpaceRecord};

/// The records of one space at its current head, read-only.
///
/// [`NodeId::ROOT`] has no record; a fold never asks for it, except for its children.
pub trait View {
    /// Why a read can fail: a database's error, or [`std::convert::Infallible`].
    type Error;

    /// The space; none before its genesis.
    fn space(&self) -> Result<Option<SpaceRecord>, Self::Error>;

    /// A node, living or deleted.
    fn node(&self, node: NodeId) -> Result<Option<NodeRecord>, Self::Error>;

    /// The living child of `parent` with this tag.
    fn child(&self, parent: NodeId, tag: NameTag) -> Result<Option<NodeId>, Self::Error>;

    /// How many living children `parent` has. Asked only when a directory is deleted.
    fn live_children(&self, parent: NodeId) -> Result<u64, Self::Error>;

    /// An account that is or was a member.
    fn member(&self, account: AccountId) -> Result<Option<MemberRecord>, Self::Error>;

    /// All accounts with a role, with their records. Asked only when members or keys change.
    fn members(&self) -> Result<Vec<MemberRecord>, Self::Error>;

    /// A device that has written in this log.
    fn author(&self, device: DeviceId) -> Result<Option<AuthorRecord>, Self::Error>;

    /// An offer to join, by the id of its one-time key.
    fn join_offer(&self, key: DeviceId) -> Result<Option<JoinOfferRecord>, Self::Error>;

    /// The chain hash at a position that is not after the head.
    fn chain_at(&self, cursor: Cursor) -> Result<Past, Self::Error>;
}

/// What a reader knows about an earlier position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// The chain hash there.
    Known(ChainHash),
    /// The position lies before the snapshot this reader started with: it cannot compare.
    BeforeSnapshot,
}

/// When a change set is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A server is about to accept it: expiry is judged by the server's clock as well, and the
    /// author's device must not have been removed since.
    Accepting {
        /// The server's clock, in milliseconds since 1970.
        now_ms: i64,
    },
    /// It stands in a log already; only what the log itself says counts.
    Replaying,
}

/// What a fold of one change set will read, so that an implementation of [`View`] can load it in
/// few queries. Ancestors (for the cycle test) are not in it: they are walked as needed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needs {
    /// Nodes to be written, and parents; without the root.
    pub nodes: BTreeSet<NodeId>,
    /// Names to be taken.
    pub tags: BTreeSet<(NodeId, NameTag)>,
    /// Directories whose living children are counted, because they are to be deleted.
    pub emptied: BTreeSet<NodeId>,
    /// Accounts, besides that of the author.
    pub members: BTreeSet<AccountId>,
    /// Whether [`View::members`] will be asked.
    pub all_members: bool,
}

/// Says what a fold of `change_set` will read.
pub fn needs(change_set: &ChangeSet) -> Needs {
    let mut needs = Needs::default();
    needs
        .members
        .extend(change_set.header().behalf.map(|behalf| behalf.account));
    for operation in change_set.operations() {
        match operation {
            Operation::Create(create) => {
                needs.nodes.insert(create.node);
                needs.place(create.place);
            }
            Operation::Update(update) => {
                needs.nodes.insert(update.node);
                if let Some(write) = update.place {
                    needs.place(write.place);
                }
            }
            Operation::Delete(delete) => {
                needs.nodes.insert(delete.node);
                if delete.body.is_none() {
                    needs.emptied.insert(delete.node);
                }
            }
            Operation::Restore(restore) => {
                needs.nodes.insert(restore.node);
                needs.place(restore.place);
            }
            Operation::MoveOut(MoveOut { node, .. })
            | Operation::MovedOut(MovedOut { node, .. })
            | Operation::StayHere(StayHere { node }) => {
                needs.nodes.insert(*node);
            }
            Operation::Member(member) => {
                needs.members.insert(member.account);
                needs.all_members = true;
            }
            Operation::Join(_) => needs.all_members = true,
            Operation::NewEpoch(epoch) => {
                needs
                    .members
                    .extend(epoch.wraps.iter().map(|wrap| wrap.account));
                needs.all_members = true;
            }
            _ => {}
        }
    }
    needs
}

impl Needs {
    fn place(&mut self, place: Place) {
        self.tags.insert((place.parent, place.tag));
        if place.parent != NodeId::ROOT {
            self.nodes.insert(place.parent);
        }
    }
}
