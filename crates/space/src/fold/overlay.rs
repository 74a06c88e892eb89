//! The state as the operations of one change set have left it so far.

use std::collections::{BTreeMap, HashMap, HashSet};

use hythe_model::{AccountId, DeviceId, NameTag, NodeId};

use super::{Change, FoldError};
use crate::record::{
    AuthorRecord, EpochRecord, JoinOfferRecord, MemberRecord, NodeRecord, Record, SpaceRecord,
};
use crate::view::View;

/// A record as it was in the view, and as it is now.
struct Touched<T> {
    old: Option<T>,
    new: T,
}

/// A view with the changes of one change set laid over it.
pub(super) struct Overlay<'v, V: View + ?Sized> {
    view: &'v V,
    space: Touched<SpaceRecord>,
    nodes: HashMap<NodeId, Touched<NodeRecord>>,
    names: HashMap<(NodeId, NameTag), Option<NodeId>>,
    /// How many more living children a directory has than in the view.
    children: HashMap<NodeId, i64>,
    /// Nodes found to lie in no directory that moves or has moved.
    staying: HashSet<NodeId>,
    members: BTreeMap<AccountId, Touched<MemberRecord>>,
    epochs: Vec<EpochRecord>,
    offers: BTreeMap<DeviceId, Touched<JoinOfferRecord>>,
    author: Option<Touched<AuthorRecord>>,
}

impl<'v, V: View + ?Sized> Overlay<'v, V> {
    pub(super) fn new(view: &'v V, space: SpaceRecord) -> Self {
        Self::with(
            view,
            Touched {
                old: Some(space.clone()),
                new: space,
            },
        )
    }

    /// Over the empty state before a genesis.
    pub(super) fn genesis(view: &'v V, space: SpaceRecord) -> Self {
        Self::with(
            view,
            Touched {
                old: None,
                new: space,
            },
        )
    }

    fn with(view: &'v V, space: Touched<SpaceRecord>) -> Self {
        Self {
            view,
            space,
            nodes: HashMap::new(),
            names: HashMap::new(),
            children: HashMap::new(),
            staying: HashSet::new(),
            members: BTreeMap::new(),
            epochs: Vec::new(),
            offers: BTreeMap::new(),
            author: None,
        }
    }

    pub(super) fn space(&self) -> &SpaceRecord {
        &self.space.new
    }

    pub(super) fn space_mut(&mut self) -> &mut SpaceRecord {
        &mut self.space.new
    }

    pub(super) fn node(&self, id: NodeId) -> Result<Option<NodeRecord>, FoldError<V::Error>> {
        match self.nodes.get(&id) {
            Some(touched) => Ok(Some(touched.new.clone())),
            None => self.view.node(id).map_err(FoldError::View),
        }
    }

    pub(super) fn child(
        &self,
        parent: NodeId,
        tag: NameTag,
    ) -> Result<Option<NodeId>, FoldError<V::Error>> {
        match self.names.get(&(parent, tag)) {
            Some(child) => Ok(*child),
            None => self.view.child(parent, tag).map_err(FoldError::View),
        }
    }

    pub(super) fn has_live_children(&self, node: NodeId) -> Result<bool, FoldError<V::Error>> {
        let before = self.view.live_children(node).map_err(FoldError::View)?;
        let more = self.children.get(&node).copied().unwrap_or(0);
        Ok(i128::from(before) + i128::from(more) > 0)
    }

    /// Writes a node whose record was `before`, and keeps names and child counts in step.
    pub(super) fn put_node(&mut self, before: Option<NodeRecord>, after: NodeRecord) {
        if let Some(record) = before.as_ref().filter(|record| record.is_alive()) {
            self.names.insert((record.parent, record.tag), None);
            *self.children.entry(record.parent).or_default() -= 1;
        }
        if after.is_alive() {
            self.names
                .insert((after.parent, after.tag), Some(after.node));
            *self.children.entry(after.parent).or_default() += 1;
        }
        match self.nodes.get_mut(&after.node) {
            Some(touched) => touched.new = after,
            None => {
                self.nodes.insert(
                    after.node,
                    Touched {
                        old: before,
                        new: after,
                    },
                );
            }
        }
    }

    /// Counts a directory that begins to move, or stays after all.
    pub(super) fn count_leaving(&mut self, more: i64) {
        let before = self.space.new.leaving.unwrap_or(0);
        let after = before.saturating_add_signed(more);
        self.space.new.leaving = (after > 0).then_some(after);
        self.staying.clear();
    }

    pub(super) fn is_known_to_stay(&self, node: NodeId) -> bool {
        self.staying.contains(&node)
    }

    /// Remembers what stays. A directory moves only to where it was looked, so this holds until
    /// another begins to move out.
    pub(super) fn note_stays(&mut self, nodes: Vec<NodeId>) {
        self.staying.extend(nodes);
    }

    pub(super) fn member(
        &self,
        account: AccountId,
    ) -> Result<Option<MemberRecord>, FoldError<V::Error>> {
        match self.members.get(&account) {
            Some(touched) => Ok(Some(touched.new.clone())),
            None => self.view.member(account).map_err(FoldError::View),
        }
    }

    pub(super) fn put_member(&mut self, before: Option<MemberRecord>, after: MemberRecord) {
        match self.members.get_mut(&after.account) {
            Some(touched) => touched.new = after,
            None => {
                self.members.insert(
                    after.account,
                    Touched {
                        old: before,
                        new: after,
                    },
                );
            }
        }
    }

    /// Everybody with a role, as it is now.
    pub(super) fn live_members(&self) -> Result<Vec<MemberRecord>, FoldError<V::Error>> {
        let untouched = self.view.members().map_err(FoldError::View)?.into_iter();
        let untouched = untouched.filter(|member| !self.members.contains_key(&member.account));
        let touched = self.members.values().map(|touched| touched.new.clone());
        Ok(untouched
            .chain(touched)
            .filter(|member| member.role.is_some())
            .collect())
    }

    pub(super) fn put_epoch(&mut self, record: EpochRecord) {
        self.epochs.push(record);
    }

    pub(super) fn join_offer(
        &self,
        key: DeviceId,
    ) -> Result<Option<JoinOfferRecord>, FoldError<V::Error>> {
        match self.offers.get(&key) {
            Some(touched) => Ok(Some(touched.new.clone())),
            None => self.view.join_offer(key).map_err(FoldError::View),
        }
    }

    pub(super) fn put_join_offer(
        &mut self,
        before: Option<JoinOfferRecord>,
        after: JoinOfferRecord,
    ) {
        let key = after.key.device_id();
        match self.offers.get_mut(&key) {
            // What was there before the change set stays known: the digest is told of it.
            Some(touched) => touched.new = after,
            None => {
                self.offers.insert(
                    key,
                    Touched {
                        old: before,
                        new: after,
                    },
                );
            }
        }
    }

    pub(super) fn put_author(&mut self, before: Option<AuthorRecord>, after: AuthorRecord) {
        self.author = Some(Touched {
            old: before,
            new: after,
        });
    }

    /// All records that are not as they were.
    pub(super) fn take_changes(self) -> Vec<Change> {
        let mut changes = Vec::with_capacity(self.nodes.len() + 3);
        push(&mut changes, self.space, Record::Space);
        let epochs = self
            .epochs
            .into_iter()
            .map(|new| Touched { old: None, new });
        epochs.for_each(|touched| push(&mut changes, touched, Record::Epoch));
        self.members
            .into_values()
            .for_each(|touched| push(&mut changes, touched, Record::Member));
        self.author
            .into_iter()
            .for_each(|touched| push(&mut changes, touched, Record::Author));
        self.offers
            .into_values()
            .for_each(|touched| push(&mut changes, touched, Record::JoinOffer));
        self.nodes
            .into_values()
            .for_each(|touched| push(&mut changes, touched, Record::Node));
        changes
    }
}

fn push<T: PartialEq>(into: &mut Vec<Change>, touched: Touched<T>, wrap: fn(T) -> Record) {
    if touched.old.as_ref() != Some(&touched.new) {
        into.push(Change {
            old: touched.old.map(wrap),
            new: wrap(touched.new),
        });
    }
}
