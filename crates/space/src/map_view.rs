//! A view in memory: for tests, for new spaces before they reach a database, and as the simplest
//! statement of what a [`View`] means.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;

use hythe_model::{AccountId, ChainHash, Cursor, DeviceId, Head, NameTag, NodeId};

use crate::account::Devices;
use crate::changeset::ChangeSet;
use crate::digest::{LtHash, digest_of};
use crate::fold::{Effects, FoldError, fold};
use crate::record::{
    AuthorRecord, JoinOfferRecord, MemberRecord, NodeRecord, Record, RecordKey, SpaceRecord,
};
use crate::view::{Moment, Past, View};

/// The state of one space in maps.
#[derive(Debug, Clone)]
pub struct MapView {
    head: Head,
    records: BTreeMap<RecordKey, Record>,
    names: HashMap<(NodeId, NameTag), NodeId>,
    children: HashMap<NodeId, u64>,
    /// The chain hashes from the first position that is known.
    chain: BTreeMap<Cursor, ChainHash>,
    digest: LtHash,
}

impl Default for MapView {
    fn default() -> Self {
        Self::from_records(Head::START, [])
    }
}

impl MapView {
    /// The state that a snapshot at `head` holds. Compare [`Self::digest`] with a checkpoint
    /// before you believe it.
    pub fn from_records(head: Head, records: impl IntoIterator<Item = Record>) -> Self {
        let mut view = Self {
            head,
            records: BTreeMap::new(),
            names: HashMap::new(),
            children: HashMap::new(),
            chain: BTreeMap::from([(head.cursor, head.chain)]),
            digest: LtHash::default(),
        };
        records.into_iter().for_each(|record| view.put(record));
        view.digest = digest_of(view.records.values());
        view
    }

    /// Folds a change set and keeps what it changes.
    ///
    /// # Errors
    /// The refusal; the view is unchanged then.
    pub fn append<D: Devices + ?Sized>(
        &mut self,
        devices: &D,
        moment: Moment,
        change_set: &ChangeSet,
    ) -> Result<Effects, FoldError<Infallible>> {
        let effects = fold(self, devices, moment, self.head, change_set)?;
        self.apply(&effects);
        Ok(effects)
    }

    /// Keeps what a fold over this view said.
    pub fn apply(&mut self, effects: &Effects) {
        self.digest.combine(&effects.digest);
        self.head = effects.head;
        self.chain.insert(effects.head.cursor, effects.head.chain);
        // Names that are given up first: another node of the same change set may take them.
        effects
            .changes
            .iter()
            .filter_map(|change| change.old.as_ref())
            .for_each(|old| {
                self.unlist(old);
            });
        effects
            .changes
            .iter()
            .for_each(|change| self.put(change.new.clone()));
    }

    /// The position and chain hash of this state.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The sum over all records.
    pub fn digest(&self) -> &LtHash {
        &self.digest
    }

    /// All records, in order of their keys: a snapshot.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// The space; none before its genesis.
    pub fn space_record(&self) -> Option<SpaceRecord> {
        match self.records.get(&RecordKey::Space) {
            Some(Record::Space(record)) => Some(record.clone()),
            _ => None,
        }
    }

    /// A node, living or deleted.
    pub fn node_record(&self, node: NodeId) -> Option<&NodeRecord> {
        match self.records.get(&RecordKey::Node(node)) {
            Some(Record::Node(record)) => Some(record),
            _ => None,
        }
    }

    /// An account that is or was a member.
    pub fn member_record(&self, account: AccountId) -> Option<&MemberRecord> {
        match self.records.get(&RecordKey::Member(account)) {
            Some(Record::Member(record)) => Some(record),
            _ => None,
        }
    }

    /// A device that has written.
    pub fn author_record(&self, device: DeviceId) -> Option<AuthorRecord> {
        match self.records.get(&RecordKey::Author(device)) {
            Some(Record::Author(record)) => Some(*record),
            _ => None,
        }
    }

    /// An offer to join, by the id of its one-time key.
    pub fn join_offer_record(&self, key: DeviceId) -> Option<&JoinOfferRecord> {
        match self.records.get(&RecordKey::JoinOffer(key)) {
            Some(Record::JoinOffer(record)) => Some(record),
            _ => None,
        }
    }

    fn unlist(&mut self, record: &Record) {
        if let Record::Node(node) = record
            && node.is_alive()
        {
            self.names.remove(&(node.parent, node.tag));
            if let Some(count) = self.children.get_mut(&node.parent) {
                *count = count.saturating_sub(1);
            }
        }
    }

    fn put(&mut self, record: Record) {
        if let Record::Node(node) = &record
            && node.is_alive()
        {
            self.names.insert((node.parent, node.tag), node.node);
            *self.children.entry(node.parent).or_default() += 1;
        }
        self.records.insert(record.key(), record);
    }
}

impl View for MapView {
    type Error = Infallible;

    fn space(&self) -> Result<Option<SpaceRecord>, Infallible> {
        Ok(self.space_record())
    }

    fn node(&self, node: NodeId) -> Result<Option<NodeRecord>, Infallible> {
        Ok(self.node_record(node).cloned())
    }

    fn child(&self, parent: NodeId, tag: NameTag) -> Result<Option<NodeId>, Infallible> {
        Ok(self.names.get(&(parent, tag)).copied())
    }

    fn live_children(&self, parent: NodeId) -> Result<u64, Infallible> {
        Ok(self.children.get(&parent).copied().unwrap_or(0))
    }

    fn member(&self, account: AccountId) -> Result<Option<MemberRecord>, Infallible> {
        Ok(self.member_record(account).cloned())
    }

    fn members(&self) -> Result<Vec<MemberRecord>, Infallible> {
        let members = self.records.values().filter_map(|record| match record {
            Record::Member(member) if member.role.is_some() => Some(member.clone()),
            _ => None,
        });
        Ok(members.collect())
    }

    fn author(&self, device: DeviceId) -> Result<Option<AuthorRecord>, Infallible> {
        Ok(self.author_record(device))
    }

    fn join_offer(&self, key: DeviceId) -> Result<Option<JoinOfferRecord>, Infallible> {
        Ok(self.join_offer_record(key).cloned())
    }

    fn chain_at(&self, cursor: Cursor) -> Result<Past, Infallible> {
        Ok(self
            .chain
            .get(&cursor)
            .map_or(Past::BeforeSnapshot, |chain| Past::Known(*chain)))
    }
}
