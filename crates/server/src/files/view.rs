//! The state of a space in SQL, as the fold reads it.

use std::cell::RefCell;
use std::collections::HashMap;

use hythe_model::{AccountId, Cursor, DeviceId, NameTag, NodeId};
use hythe_space::{
    AuthorRecord, ChangeSet, JoinOfferRecord, MemberRecord, NodeRecord, Past, Record, SpaceRecord,
    View, needs,
};

use crate::metadata::logs::{self, LogNo};
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx, nodes};

/// Reads records of one log inside a transaction; what a change set is sure to need was read in a
/// few batches before.
pub(super) struct SqlView<'t> {
    tx: RefCell<&'t mut dyn Tx>,
    log: LogNo,
    nodes: HashMap<NodeId, Option<NodeRecord>>,
    children: HashMap<(NodeId, NameTag), Option<NodeId>>,
    counts: HashMap<NodeId, u64>,
}

impl<'t> SqlView<'t> {
    /// A view for the fold of one change set.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn for_change_set(
        tx: &'t mut dyn Tx,
        log: LogNo,
        change_set: &ChangeSet,
    ) -> Result<Self, DbError> {
        let needs = needs(change_set);
        let ids: Vec<NodeId> = needs.nodes.into_iter().collect();
        let places: Vec<(NodeId, NameTag)> = needs.tags.into_iter().collect();
        let emptied: Vec<NodeId> = needs.emptied.into_iter().collect();
        let found = nodes::records(tx, log, &ids)?;
        let found = found
            .into_iter()
            .map(|record| record.as_deref().map(node_record).transpose());
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let children = nodes::children(tx, log, &places)?;
        let counts = nodes::live_children(tx, log, &emptied)?;
        Ok(Self {
            tx: RefCell::new(tx),
            log,
            nodes: ids.into_iter().zip(found).collect(),
            children: places.into_iter().zip(children).collect(),
            counts: emptied.into_iter().zip(counts).collect(),
        })
    }

    fn record(&self, kind: RecordKind, key: &[u8]) -> Result<Option<Record>, DbError> {
        let bytes = records::get(&mut **self.tx.borrow_mut(), self.log, kind, key)?;
        bytes.as_deref().map(record).transpose()
    }
}

/// Reads a record that this server stored.
pub(super) fn record(bytes: &[u8]) -> Result<Record, DbError> {
    // Not `Record::decode`, whose test for canonical form is for foreign bytes: these were encoded
    // here, and `check` compares them with a fold of the log.
    minicbor::decode(bytes).map_err(|_| DbError::Shape("a record"))
}

fn node_record(bytes: &[u8]) -> Result<NodeRecord, DbError> {
    match record(bytes)? {
        Record::Node(record) => Ok(record),
        _ => Err(DbError::Shape("the record of a node")),
    }
}

impl View for SqlView<'_> {
    type Error = DbError;

    fn space(&self) -> Result<Option<SpaceRecord>, DbError> {
        match self.record(RecordKind::Space, &[])? {
            Some(Record::Space(record)) => Ok(Some(record)),
            None => Ok(None),
            Some(_) => Err(DbError::Shape("the record of a space")),
        }
    }

    fn node(&self, node: NodeId) -> Result<Option<NodeRecord>, DbError> {
        if let Some(known) = self.nodes.get(&node) {
            return Ok(known.clone());
        }
        let found = nodes::records(&mut **self.tx.borrow_mut(), self.log, &[node])?;
        found
            .into_iter()
            .flatten()
            .next()
            .as_deref()
            .map(node_record)
            .transpose()
    }

    fn child(&self, parent: NodeId, tag: NameTag) -> Result<Option<NodeId>, DbError> {
        if let Some(known) = self.children.get(&(parent, tag)) {
            return Ok(*known);
        }
        let found = nodes::children(&mut **self.tx.borrow_mut(), self.log, &[(parent, tag)])?;
        Ok(found.into_iter().flatten().next())
    }

    fn live_children(&self, parent: NodeId) -> Result<u64, DbError> {
        if let Some(known) = self.counts.get(&parent) {
            return Ok(*known);
        }
        let found = nodes::live_children(&mut **self.tx.borrow_mut(), self.log, &[parent])?;
        Ok(found.first().copied().unwrap_or(0))
    }

    fn member(&self, account: AccountId) -> Result<Option<MemberRecord>, DbError> {
        match self.record(RecordKind::Member, account.as_bytes())? {
            Some(Record::Member(record)) => Ok(Some(record)),
            None => Ok(None),
            Some(_) => Err(DbError::Shape("the record of a member")),
        }
    }

    fn members(&self) -> Result<Vec<MemberRecord>, DbError> {
        let all = records::all(&mut **self.tx.borrow_mut(), self.log, RecordKind::Member)?;
        let mut members = Vec::with_capacity(all.len());
        for bytes in all {
            match record(&bytes)? {
                Record::Member(member) if member.role.is_some() => members.push(member),
                Record::Member(_) => {}
                _ => return Err(DbError::Shape("the record of a member")),
            }
        }
        Ok(members)
    }

    fn author(&self, device: DeviceId) -> Result<Option<AuthorRecord>, DbError> {
        match self.record(RecordKind::Author, device.as_bytes())? {
            Some(Record::Author(record)) => Ok(Some(record)),
            None => Ok(None),
            Some(_) => Err(DbError::Shape("the record of an author")),
        }
    }

    fn join_offer(&self, key: DeviceId) -> Result<Option<JoinOfferRecord>, DbError> {
        match self.record(RecordKind::JoinOffer, key.as_bytes())? {
            Some(Record::JoinOffer(record)) => Ok(Some(record)),
            None => Ok(None),
            Some(_) => Err(DbError::Shape("the record of an offer to join")),
        }
    }

    fn chain_at(&self, cursor: Cursor) -> Result<Past, DbError> {
        if cursor == Cursor::START {
            return Ok(Past::Known(hythe_model::ChainHash::START));
        }
        let entry = logs::entry(&mut **self.tx.borrow_mut(), self.log, cursor)?;
        // A server has every position: one that is missing is a damaged database.
        entry
            .map(|entry| Past::Known(entry.head.chain))
            .ok_or(DbError::Shape("an entry"))
    }
}
