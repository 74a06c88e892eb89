//! The fold of a space: nodes, and which change sets wrote them.

use hythe_model::{Cursor, NameTag, NodeId};

use super::logs::LogNo;
use super::{DbError, Row, Tx, V};

/// The row of a node. What is in `record` is authoritative; the rest serves indexes and snapshots.
#[derive(Debug, Clone)]
pub struct NodeRow {
    /// The node.
    pub node: NodeId,
    /// Its directory.
    pub parent: NodeId,
    /// Tag of its name there.
    pub tag: NameTag,
    /// Position of the change set that deleted it; none while it lives.
    pub deleted: Option<Cursor>,
    /// Position of the change set that created it.
    pub created: Cursor,
    /// The encoded record.
    pub record: Vec<u8>,
    /// The sealed parts.
    pub sealed: Sealed,
}

/// The sealed parts of a node; none where there is none or it was purged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Its name.
    pub name: Option<Vec<u8>>,
    /// Its attributes.
    pub attributes: Option<Vec<u8>>,
    /// Its layout or link text.
    pub body: Option<Vec<u8>>,
}

/// What a change set writes to a node that was there.
#[derive(Debug, Clone)]
pub struct NodeWrite<'a> {
    /// The node.
    pub node: NodeId,
    /// Its directory from now on.
    pub parent: NodeId,
    /// Tag of its name there.
    pub tag: NameTag,
    /// Position of the change set that deleted it; none while it lives.
    pub deleted: Option<Cursor>,
    /// The encoded record.
    pub record: Vec<u8>,
    /// New sealed name, if it was written.
    pub name: Option<&'a [u8]>,
    /// New sealed attributes, if they were written.
    pub attributes: Option<&'a [u8]>,
    /// New sealed body, if it was written.
    pub body: Option<&'a [u8]>,
}

/// The records of nodes, in order; none where there is no such node.
///
/// # Errors
/// The database's, as everywhere in this module.
pub fn records(
    tx: &mut dyn Tx,
    log: LogNo,
    nodes: &[NodeId],
) -> Result<Vec<Option<Vec<u8>>>, DbError> {
    let keys = keys(log, nodes);
    let found = tx.lookup(
        "SELECT record FROM nodes WHERE log = $1 AND node = $2",
        &keys,
    )?;
    found.into_iter().map(only_bytes).collect()
}

/// The living child with this tag of each place, in order.
///
/// # Errors
/// The database's.
pub fn children(
    tx: &mut dyn Tx,
    log: LogNo,
    places: &[(NodeId, NameTag)],
) -> Result<Vec<Option<NodeId>>, DbError> {
    let keys: Vec<Vec<V<'_>>> = places
        .iter()
        .map(|(parent, tag)| vec![log.into(), parent.as_bytes().into(), tag.as_bytes().into()])
        .collect();
    let found = tx.lookup(
        "SELECT node FROM nodes WHERE log = $1 AND parent = $2 AND tag = $3 AND deleted = 0",
        &keys,
    )?;
    let read = |rows: Vec<Row>| rows.first().map(|row| row.array(0).map(NodeId)).transpose();
    found.into_iter().map(read).collect()
}

/// How many living children each node has, in order.
///
/// # Errors
/// The database's.
pub fn live_children(tx: &mut dyn Tx, log: LogNo, parents: &[NodeId]) -> Result<Vec<u64>, DbError> {
    let found = tx.lookup(
        "SELECT COUNT(*) FROM nodes WHERE log = $1 AND parent = $2 AND deleted = 0",
        &keys(log, parents),
    )?;
    found
        .iter()
        .map(|rows| rows.first().map_or(Ok(0), |row| row.count(0)))
        .collect()
}

/// Adds nodes.
///
/// # Errors
/// The database's, also when a node is there or a name is taken.
pub fn insert(tx: &mut dyn Tx, log: LogNo, nodes: &[NodeRow]) -> Result<(), DbError> {
    let rows: Vec<Vec<V<'_>>> = nodes
        .iter()
        .map(|node| {
            vec![
                log.into(),
                node.node.as_bytes().into(),
                node.parent.as_bytes().into(),
                node.tag.as_bytes().into(),
                deleted(node.deleted),
                node.created.0.into(),
                node.record.as_slice().into(),
                node.sealed.name.as_deref().into(),
                node.sealed.attributes.as_deref().into(),
                node.sealed.body.as_deref().into(),
            ]
        })
        .collect();
    tx.many(
        "INSERT INTO nodes (log, node, parent, tag, deleted, created, record, name, attributes, \
         body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        &rows,
    )?;
    Ok(())
}

/// Writes nodes that are there; a sealed part that was not written stays.
///
/// # Errors
/// The database's, also when a name is taken.
pub fn update(tx: &mut dyn Tx, log: LogNo, writes: &[NodeWrite<'_>]) -> Result<(), DbError> {
    let moved: Vec<&NodeWrite<'_>> = writes.iter().filter(|write| write.name.is_some()).collect();
    if moved.len() > 1 {
        // Names can go round among them (a to b, b to a): no order of statements is right.
        let keys: Vec<Vec<V<'_>>> = moved
            .iter()
            .map(|write| vec![log.into(), write.node.as_bytes().into()])
            .collect();
        tx.many(
            "UPDATE nodes SET deleted = -1 WHERE log = $1 AND node = $2",
            &keys,
        )?;
    }
    // Deletes first: they free names that others may take.
    let (gone, alive): (Vec<_>, Vec<_>) = writes.iter().partition(|write| write.deleted.is_some());
    let rows: Vec<Vec<V<'_>>> = gone
        .into_iter()
        .chain(alive)
        .map(|write| update_params(log, write))
        .collect();
    tx.many(
        "UPDATE nodes SET parent = $1, tag = $2, deleted = $3, record = $4, \
         name = COALESCE($5, name), attributes = COALESCE($6, attributes), \
         body = COALESCE($7, body) WHERE log = $8 AND node = $9",
        &rows,
    )?;
    Ok(())
}

fn update_params<'w>(log: LogNo, write: &'w NodeWrite<'_>) -> Vec<V<'w>> {
    vec![
        write.parent.as_bytes().into(),
        write.tag.as_bytes().into(),
        deleted(write.deleted),
        write.record.as_slice().into(),
        write.name.into(),
        write.attributes.into(),
        write.body.into(),
        log.into(),
        write.node.as_bytes().into(),
    ]
}

/// Remembers which nodes the change set at `at` wrote.
///
/// # Errors
/// The database's.
pub fn add_versions(
    tx: &mut dyn Tx,
    log: LogNo,
    at: Cursor,
    nodes: &[NodeId],
) -> Result<(), DbError> {
    let rows: Vec<Vec<V<'_>>> = nodes
        .iter()
        .map(|node| vec![log.into(), node.as_bytes().into(), at.0.into()])
        .collect();
    tx.many(
        "INSERT INTO versions (log, node, cursor) VALUES ($1, $2, $3)",
        &rows,
    )?;
    Ok(())
}

/// Positions before `before` whose change sets wrote a node, newest first, its creation included.
///
/// # Errors
/// The database's.
pub fn versions_before(
    tx: &mut dyn Tx,
    log: LogNo,
    node: NodeId,
    before: Cursor,
    limit: u32,
) -> Result<Vec<Cursor>, DbError> {
    let rows = tx.query(
        "SELECT cursor FROM (SELECT cursor FROM versions WHERE log = $1 AND node = $2 \
         UNION SELECT created FROM nodes WHERE log = $1 AND node = $2) AS written \
         WHERE cursor < $3 ORDER BY cursor DESC LIMIT $4",
        &[
            log.into(),
            node.as_bytes().into(),
            before.0.into(),
            limit.into(),
        ],
    )?;
    rows.iter().map(|row| Ok(Cursor(row.count(0)?))).collect()
}

/// Nodes after `after` by id, for snapshots and checks.
///
/// # Errors
/// The database's.
pub fn page(
    tx: &mut dyn Tx,
    log: LogNo,
    after: Option<NodeId>,
    limit: u32,
) -> Result<Vec<NodeRow>, DbError> {
    let after = after.as_ref().map_or(&[] as &[u8], |node| node.as_bytes());
    let rows = tx.query(
        "SELECT node, parent, tag, deleted, created, record, name, attributes, body FROM nodes \
         WHERE log = $1 AND node > $2 ORDER BY node LIMIT $3",
        &[log.into(), after.into(), limit.into()],
    )?;
    rows.into_iter().map(read_node).collect()
}

/// One node with its sealed parts.
///
/// # Errors
/// The database's.
pub fn get(tx: &mut dyn Tx, log: LogNo, node: NodeId) -> Result<Option<NodeRow>, DbError> {
    let row = tx.query_one(
        "SELECT node, parent, tag, deleted, created, record, name, attributes, body FROM nodes \
         WHERE log = $1 AND node = $2",
        &[log.into(), node.as_bytes().into()],
    )?;
    row.map(read_node).transpose()
}

/// Living children of a node after a tag, in the order of their tags.
///
/// # Errors
/// The database's.
pub fn children_after(
    tx: &mut dyn Tx,
    log: LogNo,
    parent: NodeId,
    after: &[u8],
    limit: u32,
) -> Result<Vec<NodeRow>, DbError> {
    let rows = tx.query(
        "SELECT node, parent, tag, deleted, created, record, name, attributes, body FROM nodes \
         WHERE log = $1 AND parent = $2 AND deleted = 0 AND tag > $3 ORDER BY tag LIMIT $4",
        &[
            log.into(),
            parent.as_bytes().into(),
            after.into(),
            limit.into(),
        ],
    )?;
    rows.into_iter().map(read_node).collect()
}

/// Deleted nodes after one of them, the last deleted first, and by id within a change set.
///
/// # Errors
/// The database's.
pub fn deleted_after(
    tx: &mut dyn Tx,
    log: LogNo,
    after: Option<(Cursor, NodeId)>,
    limit: u32,
) -> Result<Vec<NodeRow>, DbError> {
    let (cursor, node) = after.unwrap_or((Cursor(u64::MAX), NodeId::ROOT));
    let rows = tx.query(
        "SELECT node, parent, tag, deleted, created, record, name, attributes, body FROM nodes \
         WHERE log = $1 AND deleted <> 0 AND deleted <= $2 AND (deleted < $2 OR node > $3) \
         ORDER BY deleted DESC, node LIMIT $4",
        &[
            log.into(),
            cursor.0.into(),
            node.as_bytes().into(),
            limit.into(),
        ],
    )?;
    rows.into_iter().map(read_node).collect()
}

/// Nodes that one change set deleted, by its position.
///
/// # Errors
/// The database's.
pub fn deleted_at(tx: &mut dyn Tx, log: LogNo, cursor: Cursor) -> Result<Vec<NodeRow>, DbError> {
    let rows = tx.query(
        "SELECT node, parent, tag, deleted, created, record, name, attributes, body FROM nodes \
         WHERE log = $1 AND deleted <> 0 AND deleted = $2",
        &[log.into(), cursor.0.into()],
    )?;
    rows.into_iter().map(read_node).collect()
}

/// How many nodes live in a log, and how many were deleted.
///
/// # Errors
/// The database's.
pub fn count(tx: &mut dyn Tx, log: LogNo) -> Result<(u64, u64), DbError> {
    let all = tx.query_one("SELECT COUNT(*) FROM nodes WHERE log = $1", &[log.into()])?;
    let sql = "SELECT COUNT(*) FROM nodes WHERE log = $1 AND deleted <> 0";
    let gone = tx
        .query_one(sql, &[log.into()])?
        .map_or(Ok(0), |row| row.count(0))?;
    let all = all.map_or(Ok(0), |row| row.count(0))?;
    Ok((all.saturating_sub(gone), gone))
}

fn keys(log: LogNo, nodes: &[NodeId]) -> Vec<Vec<V<'_>>> {
    nodes
        .iter()
        .map(|node| vec![log.into(), node.as_bytes().into()])
        .collect()
}

fn only_bytes(rows: Vec<Row>) -> Result<Option<Vec<u8>>, DbError> {
    rows.into_iter()
        .next()
        .map(|mut row| row.take_bytes(0))
        .transpose()
}

fn deleted(at: Option<Cursor>) -> V<'static> {
    at.map_or(V::Int(0), |at| at.0.into())
}

fn read_node(mut row: Row) -> Result<NodeRow, DbError> {
    let deleted = row.count(3)?;
    Ok(NodeRow {
        node: NodeId(row.array(0)?),
        parent: NodeId(row.array(1)?),
        tag: NameTag(row.array(2)?),
        deleted: (deleted > 0).then_some(Cursor(deleted)),
        created: Cursor(row.count(4)?),
        record: row.take_bytes(5)?,
        sealed: Sealed {
            name: row.take_bytes_or_null(6)?,
            attributes: row.take_bytes_or_null(7)?,
            body: row.take_bytes_or_null(8)?,
        },
    })
}
