//! What whoever has a link is shown: nodes with their keys, and files that they open.

use std::net::IpAddr;
use std::sync::Arc;

use hythe_content::{
    CapsulePlace, Field, NodeKeys, SpaceKeys, field_key, open_field, seal_capsule, size_and_hash,
};
use hythe_model::{LinkId, NodeId, NodeKind, OpeningId, SpaceId};
use hythe_space::{CapsuleSeal, Entropy, FieldRecord, LinkGrant, NodeRecord, Record, SignedGrant};
use hythe_wire::ByteVec;
use hythe_wire::link::{
    LinkCapsule, LinkField, LinkInfo, LinkNode, LinkOpened, LinkPage, MAX_LINK_PAGE,
};

use super::access::{self, Linked};
use super::keyring::Keyring;
use super::links::LinkPass;
use super::{Files, FilesError, Inner, Refused, inbox, link_capsules, view};
use crate::clock::now_ms;
use crate::metadata::links::{self, Action, Opening, UseRow};
use crate::metadata::logs;
use crate::metadata::nodes::{self, NodeRow};
use crate::metadata::{DbError, Tx};

impl Files {
    /// Whether a link still stands.
    ///
    /// # Errors
    /// As [`Self::link`].
    pub async fn link_stands(&self, pass: &LinkPass) -> Result<(), FilesError> {
        let pass = pass.clone();
        let read = move |tx: &mut dyn Tx| access::link(tx, &pass, now_ms()).map(drop);
        self.inner.database.read(read).await
    }

    /// What a link is and what it points at; noted among its uses.
    ///
    /// # Errors
    /// [`super::Denied::TokenUnknown`], [`Refused::LinkEnded`], [`FilesError::NotFound`] when the
    /// node was deleted, or the database's.
    pub async fn link(&self, pass: &LinkPass, address: IpAddr) -> Result<LinkInfo, FilesError> {
        let (inner, pass) = (Arc::clone(&self.inner), pass.clone());
        let work = move |tx: &mut dyn Tx| {
            let linked = access::link(tx, &pass, now_ms())?;
            let top = access::under(tx, &linked, linked.row.node)?;
            let used = used(Action::Looked, address, None);
            links::note(tx, pass.link(), linked.log.no, &used)?;
            info(tx, &inner, &linked, top)
        };
        self.inner.database.write(work).await
    }

    /// Some of what a directory under a link holds.
    ///
    /// # Errors
    /// As [`Self::link`].
    pub async fn link_list(
        &self,
        pass: &LinkPass,
        directory: NodeId,
        after: Option<Vec<u8>>,
    ) -> Result<LinkPage, FilesError> {
        let (inner, pass) = (Arc::clone(&self.inner), pass.clone());
        let read = move |tx: &mut dyn Tx| {
            let linked = access::link(tx, &pass, now_ms())?;
            linked.may_read()?;
            access::under(tx, &linked, directory)?;
            if !linked.log.open {
                return link_capsules::page(tx, &linked, directory, after.as_deref());
            }
            let after = after.clone().unwrap_or_default();
            let limit = u32::try_from(MAX_LINK_PAGE).unwrap_or(u32::MAX);
            let rows = nodes::children_after(tx, linked.log.no, directory, &after, limit)?;
            let next = (rows.len() >= MAX_LINK_PAGE).then(|| rows.last()).flatten();
            let next = next.map(|row| ByteVec::from(row.tag.as_bytes().to_vec()));
            let mut shown = Shown::new(tx, &inner, &linked)?;
            let nodes = rows.into_iter().map(|row| shown.add(row));
            let nodes: Vec<_> = nodes.collect::<Result<_, _>>()?;
            Ok::<_, FilesError>(LinkPage {
                nodes: nodes.into_iter().flatten().collect(),
                capsule: shown.capsule(&inner, Some(directory))?,
                next,
            })
        };
        self.inner.database.read(read).await
    }

    /// Opens a file under a link, which counts; the same opening again does not.
    ///
    /// # Errors
    /// As [`Self::link`].
    pub async fn link_open(
        &self,
        pass: &LinkPass,
        node: NodeId,
        opening: OpeningId,
        address: IpAddr,
    ) -> Result<LinkOpened, FilesError> {
        let pass = pass.clone();
        let work = move |tx: &mut dyn Tx| {
            let linked = access::link(tx, &pass, now_ms())?;
            linked.may_read()?;
            let row = access::under(tx, &linked, node)?.ok_or(FilesError::NotFound("file"))?;
            let record = record(&row)?;
            let body = record.body.filter(|_| record.kind == NodeKind::File);
            let body = body.ok_or(FilesError::NotFound("file"))?;
            let written = logs::position_of(tx, linked.log.no, body.field.by)?;
            let opened = Opening {
                opening,
                node,
                written: written.ok_or(DbError::Shape("the author of a field"))?,
            };
            count(tx, &linked, opened, address)?;
            Ok::<_, FilesError>(LinkOpened {
                body: field(&body.field, row.sealed.body),
            })
        };
        self.inner.database.write(work).await
    }
}

/// Counts an opening, unless it was counted before.
fn count(
    tx: &mut dyn Tx,
    linked: &Linked,
    opened: Opening,
    address: IpAddr,
) -> Result<(), FilesError> {
    let link = linked.row.link;
    if let Some(before) = links::opening(tx, link, opened.opening)? {
        let same = before.opened.is_some_and(|before| before == opened);
        let other = || FilesError::invalid("the opening belongs to another file");
        return same.then_some(()).ok_or_else(other);
    }
    if !links::count_download(tx, link)? {
        return Err(Refused::LinkEnded.into());
    }
    let used = used(Action::Opened, address, Some(opened));
    Ok(links::note(tx, link, linked.log.no, &used)?)
}

pub(super) fn used(action: Action, address: IpAddr, opened: Option<Opening>) -> UseRow {
    UseRow {
        at_ms: now_ms(),
        action,
        network: network(address),
        opened,
    }
}

/// An address without its end, which tells little of a person.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

fn info(
    tx: &mut dyn Tx,
    inner: &Inner,
    linked: &Linked,
    top: Option<NodeRow>,
) -> Result<LinkInfo, FilesError> {
    let mut all = Shown::new(tx, inner, linked)?;
    let (node, capsule) = if linked.log.open {
        let node = top.map(|row| all.add(row)).transpose()?.flatten();
        (node, all.capsule(inner, None)?)
    } else {
        let node = top.map(shown).transpose()?.flatten();
        (node, link_capsules::of_top(tx, linked)?)
    };
    let row = &linked.row;
    Ok(LinkInfo {
        space: SpaceId(linked.log.id),
        kind: all.grant.kind,
        expires_ms: row.expires_ms,
        downloads_left: row.limit.map(|limit| limit.saturating_sub(row.downloads)),
        node,
        capsule,
        card: inbox::card_of_link(tx, linked)?.map(ByteVec::from),
    })
}

/// Nodes that are shown, and the keys that the server has of them.
struct Shown {
    link: LinkId,
    grant: LinkGrant,
    keyring: Keyring,
    keys: Vec<NodeKeys>,
}

impl Shown {
    fn new(tx: &mut dyn Tx, inner: &Inner, linked: &Linked) -> Result<Self, FilesError> {
        let grant = SignedGrant::decode(&linked.row.grant);
        let grant = grant.map_err(|_| DbError::Shape("the grant of a link"))?;
        let grant = grant.by(linked.row.device);
        let grant = grant.map_err(|_| DbError::Shape("the grant of a link"))?;
        Ok(Self {
            link: linked.row.link,
            grant: grant.clone(),
            keyring: Keyring::load(tx, inner, &linked.log)?,
            keys: Vec::new(),
        })
    }

    /// Shows a node; none for what belongs to another space.
    fn add(&mut self, row: NodeRow) -> Result<Option<LinkNode>, FilesError> {
        let record = record(&row)?;
        if record.kind == NodeKind::Attachment {
            return Ok(None);
        }
        self.keys.push(self.keys_of(&record, &row));
        Ok(shown(row)?)
    }

    fn keys_of(&self, record: &NodeRecord, row: &NodeRow) -> NodeKeys {
        let node = record.node;
        let key = |field: &FieldRecord, which| {
            let keys = self.keyring.epoch(field.epoch)?;
            Some(field_key(keys, node, which, field.version))
        };
        let body = record.body.as_ref().map(|body| &body.field);
        let size = body.and_then(|field| {
            let keys = self.keyring.epoch(field.epoch)?;
            size_of(keys, node, field, row.sealed.body.as_deref()?)
        });
        NodeKeys {
            node,
            name: key(&record.place, Field::Name),
            attributes: key(&record.attributes, Field::Attributes),
            body: body.and_then(|field| key(field, Field::Body)),
            size,
            kind: Some(record.kind),
        }
    }

    /// Seals the keys; none where the server has none to give.
    fn capsule(
        &self,
        inner: &Inner,
        directory: Option<NodeId>,
    ) -> Result<Option<LinkCapsule>, FilesError> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let broken = |error| FilesError::Storage(Box::new(error));
        let mut entropy = Entropy::system().map_err(broken)?;
        let (link, secret) = (self.link, entropy.secret());
        let sealed = seal_capsule(&secret, &CapsulePlace { link, directory }, &self.keys);
        let (to, maker) = (&self.grant.key, inner.identity.key());
        let seal = CapsuleSeal::make(link, to, &secret, &sealed, maker, &mut entropy);
        // A key that is none was signed by whoever gave the link out: nobody can open it.
        Ok(seal.ok().map(|seal| LinkCapsule {
            seal: seal.encode().into(),
            sealed: sealed.into(),
        }))
    }
}

/// A node as whoever has a link sees it; none for what belongs to another space.
///
/// # Errors
/// The database's.
pub(super) fn shown(row: NodeRow) -> Result<Option<LinkNode>, DbError> {
    let record = record(&row)?;
    if record.kind == NodeKind::Attachment {
        return Ok(None);
    }
    let is_link = record.kind == NodeKind::Symlink;
    let body = record.body.as_ref().map(|body| {
        let sealed = row.sealed.body.filter(|_| is_link);
        field(&body.field, sealed)
    });
    Ok(Some(LinkNode {
        node: record.node,
        kind: record.kind,
        name: field(&record.place, row.sealed.name),
        attributes: field(&record.attributes, row.sealed.attributes),
        body,
    }))
}

/// Whether there is a directory: the root, or a node that is one.
///
/// # Errors
/// The database's.
pub(super) fn is_directory(row: Option<&NodeRow>) -> Result<bool, DbError> {
    row.map_or(Ok(true), |row| Ok(record(row)?.kind == NodeKind::Directory))
}

fn size_of(keys: &SpaceKeys, node: NodeId, field: &FieldRecord, sealed: &[u8]) -> Option<u64> {
    let plain = open_field(keys, node, Field::Body, field.version, sealed).ok()?;
    size_and_hash(&plain).map(|(size, _)| size)
}

fn record(row: &NodeRow) -> Result<NodeRecord, DbError> {
    match view::record(&row.record)? {
        Record::Node(record) => Ok(record),
        _ => Err(DbError::Shape("the record of a node")),
    }
}

fn field(record: &FieldRecord, sealed: Option<Vec<u8>>) -> LinkField {
    LinkField {
        version: record.version,
        sealed: sealed.map(ByteVec::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_link_keeps_networks_and_no_addresses() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("::ffff:203.0.113.77"), "203.0.113.0/24");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48");
    }
}
