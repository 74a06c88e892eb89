//! The records in the state as the fold reads them.

use hythe_model::{AccountId, ChainHash, Cursor, DeviceId, NameTag, NodeId};
use hythe_space::{
    AuthorRecord, JoinOfferRecord, MemberRecord, NodeRecord, Past, Record, RecordKey, SpaceRecord,
    View,
};

use super::records::{MEMBERS, OFFERS, member_key, stored_key};
use crate::state::{Rows, SpaceNumber, StateError};

/// The records of one space.
pub(crate) struct RowsView<'a, 'c> {
    pub(crate) rows: &'a Rows<'c>,
    pub(crate) space: SpaceNumber,
}

/// What is stored under a key is not a record of that kind.
const WRONG: StateError = StateError::Invalid("record of the fold");

fn decode(bytes: &[u8]) -> Result<Record, StateError> {
    Record::decode(bytes).map_err(|_| WRONG)
}

impl RowsView<'_, '_> {
    fn record(&self, key: RecordKey) -> Result<Option<Record>, StateError> {
        let Some(key) = stored_key(key) else {
            return Ok(None);
        };
        self.rows
            .record(self.space, &key)?
            .map(|bytes| decode(&bytes))
            .transpose()
    }

    /// Who is or was a member.
    pub(crate) fn all_members(&self) -> Result<Vec<MemberRecord>, StateError> {
        let record = |bytes: Vec<u8>| match decode(&bytes)? {
            Record::Member(record) => Ok(record),
            _ => Err(WRONG),
        };
        let stored = self.rows.records(self.space, MEMBERS)?;
        stored.into_iter().map(record).collect()
    }

    /// The offers to join, those that are over too.
    pub(crate) fn all_offers(&self) -> Result<Vec<JoinOfferRecord>, StateError> {
        let record = |bytes: Vec<u8>| match decode(&bytes)? {
            Record::JoinOffer(record) => Ok(record),
            _ => Err(WRONG),
        };
        let stored = self.rows.records(self.space, OFFERS)?;
        stored.into_iter().map(record).collect()
    }
}

impl View for RowsView<'_, '_> {
    type Error = StateError;

    fn space(&self) -> Result<Option<SpaceRecord>, StateError> {
        match self.record(RecordKey::Space)? {
            Some(Record::Space(record)) => Ok(Some(record)),
            None => Ok(None),
            Some(_) => Err(WRONG),
        }
    }

    fn node(&self, node: NodeId) -> Result<Option<NodeRecord>, StateError> {
        let Some(bytes) = self.rows.node_record(self.space, node)? else {
            return Ok(None);
        };
        match decode(&bytes)? {
            Record::Node(record) => Ok(Some(record)),
            _ => Err(WRONG),
        }
    }

    fn child(&self, parent: NodeId, tag: NameTag) -> Result<Option<NodeId>, StateError> {
        self.rows.remote_by_tag(self.space, parent, tag)
    }

    fn live_children(&self, parent: NodeId) -> Result<u64, StateError> {
        self.rows.remote_count(self.space, parent)
    }

    fn member(&self, account: AccountId) -> Result<Option<MemberRecord>, StateError> {
        let Some(bytes) = self.rows.record(self.space, &member_key(account))? else {
            return Ok(None);
        };
        match decode(&bytes)? {
            Record::Member(record) => Ok(Some(record)),
            _ => Err(WRONG),
        }
    }

    fn members(&self) -> Result<Vec<MemberRecord>, StateError> {
        let mut members = self.all_members()?;
        members.retain(|member| member.role.is_some());
        Ok(members)
    }

    fn author(&self, device: DeviceId) -> Result<Option<AuthorRecord>, StateError> {
        match self.record(RecordKey::Author(device))? {
            Some(Record::Author(record)) => Ok(Some(record)),
            None => Ok(None),
            Some(_) => Err(WRONG),
        }
    }

    fn join_offer(&self, key: DeviceId) -> Result<Option<JoinOfferRecord>, StateError> {
        match self.record(RecordKey::JoinOffer(key))? {
            Some(Record::JoinOffer(record)) => Ok(Some(record)),
            None => Ok(None),
            Some(_) => Err(WRONG),
        }
    }

    fn chain_at(&self, cursor: Cursor) -> Result<Past, StateError> {
        if cursor == Cursor::START {
            return Ok(Past::Known(ChainHash::START));
        }
        let known = self.rows.chain_at(self.space, cursor)?;
        Ok(known.map_or(Past::BeforeSnapshot, Past::Known))
    }
}
