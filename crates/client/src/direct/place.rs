//! Which node a command speaks of.

use std::path::Path;
use std::sync::Arc;

use hythe_control::{Failure, FailureKind, Place};
use hythe_model::{EntryName, NodeId, NodeKind, TreePath};
use hythe_sync::RemoteNode;

use super::attach::attached;
use super::current::tell;
use super::{current, past};
use crate::daemon::{Door, Shared, Space};
use crate::inbox::dropping::{Target, only_put};
use crate::state::{Rows, SpaceNumber, StateError};

/// A place in a space: the node there, if there is one, and the names that led to it.
pub(crate) struct Found {
    pub space: Arc<Space>,
    pub path: TreePath,
    /// None for the root, which is in no tree itself.
    pub node: Option<RemoteNode>,
}

impl Found {
    /// Id of the node; the root's own for the root.
    pub fn id(&self) -> Option<NodeId> {
        if self.path.is_root() {
            Some(NodeId::ROOT)
        } else {
            self.node.as_ref().map(|node| node.id)
        }
    }

    /// Whether the place is a directory.
    pub fn is_directory(&self) -> bool {
        self.path.is_root()
            || self
                .node
                .as_ref()
                .is_some_and(|n| n.kind == NodeKind::Directory)
    }
}

/// Finds a place, with the log read on to where the server is. The directory above it must be there;
/// it itself need not.
pub(crate) async fn find(door: &Door, place: &Place) -> Result<Found, Failure> {
    let (space, path) = resolve(door, place).await?;
    current::catch_up(door, &space).await?;
    find_at(door, space, path)
}

/// Finds a place in what is known of a space.
pub(super) fn find_at(door: &Door, space: Arc<Space>, path: TreePath) -> Result<Found, Failure> {
    let walked = door
        .shared
        .state
        .read(|rows| walk(rows, space.number, &path))?;
    let Some((_, node)) = walked else {
        return Err(nothing(&space, &path));
    };
    Ok(Found { space, path, node })
}

/// Finds a place where something must be.
pub(crate) async fn existing(door: &Door, place: &Place) -> Result<Found, Failure> {
    there(find(door, place).await?)
}

/// Finds a place where something must be in what is known of a space.
pub(super) fn existing_at(
    door: &Door,
    space: Arc<Space>,
    path: TreePath,
) -> Result<Found, Failure> {
    there(find_at(door, space, path)?)
}

fn there(found: Found) -> Result<Found, Failure> {
    if found.id().is_none() {
        return Err(nothing(&found.space, &found.path));
    }
    Ok(found)
}

/// The directory of a space that a place names.
pub(crate) async fn directory(
    door: &Door,
    place: &Place,
) -> Result<(SpaceNumber, NodeId), Failure> {
    let (space, path) = resolve(door, place).await?;
    // The root is there before anything of the space was read.
    if !path.is_root() {
        current::catch_up(door, &space).await?;
    }
    let found = entered(door, existing_at(door, space, path)?).await?;
    match found.id() {
        Some(id) if found.is_directory() => Ok((found.space.number, id)),
        _ => Err(Failure::new(
            FailureKind::Refused,
            format!("{} is no directory", shown(&found.space, &found.path)),
        )),
    }
}

pub(crate) fn shown(space: &Space, path: &TreePath) -> String {
    format!("{}:{path}", space.name())
}

pub(crate) fn nothing(space: &Space, path: &TreePath) -> Failure {
    Failure::new(
        FailureKind::NotFound,
        format!("There is nothing at {}", shown(space, path)),
    )
    .next("`hythe ls` shows what is there.")
}

/// Space and path of a place.
pub(crate) async fn resolve(door: &Door, place: &Place) -> Result<(Arc<Space>, TreePath), Failure> {
    match place {
        Place::Space { space, path } => {
            let space = space_named(door, space).await?;
            cross(door, space, parse(path.as_bytes())?).await
        }
        Place::Local { path } => local(&door.shared, &path.to_path()),
    }
}

/// Follows a path into the spaces that are attached on its way. An attachment at its end is meant
/// itself.
async fn cross(
    door: &Door,
    mut space: Arc<Space>,
    mut path: TreePath,
) -> Result<(Arc<Space>, TreePath), Failure> {
    // Each time the path is shorter, so this ends.
    while path.names().len() > 1 {
        let number = space.number;
        // A directory on the way may have become a space since. Offline, what is known has to do.
        if let Ok(applied) = space.replica.catch_up().await {
            tell(door, &space, applied);
        }
        let met = door.shared.state.read(|rows| border(rows, number, &path))?;
        let Some((depth, node)) = met else {
            break;
        };
        let Some(target) = attached(door, &space, node).await? else {
            let at: TreePath = path.names().iter().take(depth).cloned().collect();
            return Err(Failure::new(
                FailureKind::NotFound,
                format!(
                    "{} shows a space that you take no part in",
                    shown(&space, &at)
                ),
            )
            .next("`hythe spaces` lists your spaces and invitations."));
        };
        path = path.names().iter().skip(depth).cloned().collect();
        space = target;
    }
    Ok((space, path))
}

/// The first attachment on the way to a place, and how many names lead to it.
fn border(
    rows: &Rows<'_>,
    space: SpaceNumber,
    path: &TreePath,
) -> Result<Option<(usize, NodeId)>, StateError> {
    let mut parent = NodeId::ROOT;
    let above = path.names().len().saturating_sub(1);
    for (depth, name) in path.names().iter().take(above).enumerate() {
        match child(rows, space, parent, name)? {
            Some(node) if node.kind == NodeKind::Directory => parent = node.id,
            Some(node) if node.kind == NodeKind::Attachment => {
                return Ok(Some((depth + 1, node.id)));
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// A place to move something to: of an attached space its root.
pub(super) async fn landing(
    door: &Door,
    space: Arc<Space>,
    path: TreePath,
) -> Result<(Arc<Space>, TreePath), Failure> {
    match find_at(door, space.clone(), path.clone()) {
        Ok(found) => {
            let found = entered(door, found).await?;
            Ok((found.space, found.path))
        }
        // What is missing is told by whoever looks for it.
        Err(_) => Ok((space, path)),
    }
}

/// The space that is shown at a place, from its root, where an attachment is there.
pub(super) async fn entered(door: &Door, found: Found) -> Result<Found, Failure> {
    let Some(node) = found
        .node
        .as_ref()
        .filter(|node| node.kind == NodeKind::Attachment)
    else {
        return Ok(found);
    };
    match attached(door, &found.space, node.id).await? {
        Some(space) => Ok(Found {
            space,
            path: TreePath::ROOT,
            node: None,
        }),
        None => Ok(found),
    }
}

fn parse(path: &[u8]) -> Result<TreePath, Failure> {
    let unusable =
        |error| Failure::new(FailureKind::Usage, "The path cannot be used").because(error);
    TreePath::parse(path).map_err(unusable)
}

/// A path on this machine, inside a sync folder.
fn local(shared: &Shared, path: &Path) -> Result<(Arc<Space>, TreePath), Failure> {
    use std::os::unix::ffi::OsStrExt;
    let rows = shared.state.read(|rows| rows.folders())?;
    // The innermost folder around the path is the one that holds it.
    let mut rows = rows;
    rows.sort_by_key(|row| std::cmp::Reverse(row.path.as_os_str().len()));
    for row in rows {
        let Ok(below) = path.strip_prefix(&row.path) else {
            continue;
        };
        let Some(space) = shared.space(row.space) else {
            continue;
        };
        let above = shared
            .state
            .read(|rows| rows.remote_path(row.space, row.root))?;
        let below = parse(below.as_os_str().as_bytes())?;
        let names = above
            .unwrap_or_default()
            .names()
            .iter()
            .chain(below.names())
            .cloned()
            .collect();
        return Ok((space, TreePath::new(names)));
    }
    Err(Failure::new(
        FailureKind::Usage,
        format!("{} is in no sync folder", path.display()),
    )
    .next("Name a place as SPACE:/path; `:/path` is in your personal space."))
}

/// The space of a name or id that the account takes part in.
pub(crate) async fn space_named(door: &Door, named: &str) -> Result<Arc<Space>, Failure> {
    let named = if named.is_empty() {
        crate::daemon::PERSONAL
    } else {
        named
    };
    let shared = &door.shared;
    let found = known(shared, named);
    if let Ok(Some(space)) = found {
        return Ok(space);
    }
    // A device that was just enrolled has not heard of any space yet; and of several of one name some
    // may have ended.
    if let Err(error) = shared.learn_spaces().await {
        let unknown = || {
            Failure::new(FailureKind::Unreachable, "The spaces are not known yet").because(error)
        };
        return Err(found.err().unwrap_or_else(unknown));
    }
    if let Some(space) = known(shared, named)? {
        return Ok(space);
    }
    if let Some(target) = dropping(shared, named) {
        return Err(only_put(&target));
    }
    // Names stand in the logs.
    for space in shared.living_spaces() {
        current::catch_up(door, &space).await?;
    }
    known(shared, named)?.ok_or_else(|| {
        Failure::new(FailureKind::NotFound, format!("No space is called {named}"))
            .next("`hythe spaces` lists them.")
    })
}

/// The space of a name or id that the account may only put files into, where it is in none that is
/// called so.
pub(super) async fn target(door: &Door, place: &Place) -> Result<Option<Dropped>, Failure> {
    let Place::Space { space, path } = place else {
        return Ok(None);
    };
    let shared = &door.shared;
    if space.is_empty() || known(shared, space)?.is_some() {
        return Ok(None);
    }
    if dropping(shared, space).is_none() {
        // Whoever is not reached is told by who needs it.
        let _ = shared.learn_spaces().await;
    }
    match dropping(shared, space) {
        Some(target) => Ok(Some(Dropped {
            target,
            path: parse(path.as_bytes())?,
        })),
        None => Ok(None),
    }
}

/// A place in a space that the account may only put files into.
pub(super) struct Dropped {
    pub(super) target: Target,
    pub(super) path: TreePath,
}

/// The space that is called so, if the account may only put files into it.
pub(crate) fn dropping(shared: &Shared, named: &str) -> Option<Target> {
    let called = |target: &Target| target.name == named || target.id.to_string() == named;
    let mut targets = shared.dropping().into_iter();
    targets.find(called)
}

fn known(shared: &Shared, named: &str) -> Result<Option<Arc<Space>>, Failure> {
    let called = |space: &&Arc<Space>| space.name() == named || space.id.to_string() == named;
    let spaces = shared.living_spaces();
    let mut found = spaces.iter().filter(called);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(Failure::new(
            FailureKind::Usage,
            format!("Several spaces are called {named}"),
        )
        .next("Name it by its id, which `hythe spaces --json` shows.")),
        (first, _) => Ok(first.cloned()),
    }
}

/// Walks down from the root. None when a directory above is missing; else the last directory and
/// what is there under the last name.
pub(super) fn walk(
    rows: &Rows<'_>,
    space: SpaceNumber,
    path: &TreePath,
) -> Result<Option<(NodeId, Option<RemoteNode>)>, StateError> {
    let (mut parent, mut node): (NodeId, Option<RemoteNode>) = (NodeId::ROOT, None);
    for (depth, name) in path.names().iter().enumerate() {
        if depth > 0 {
            match node {
                Some(above) if above.kind == NodeKind::Directory => parent = above.id,
                _ => return Ok(None),
            }
        }
        node = child(rows, space, parent, name)?;
    }
    Ok(Some((parent, node)))
}

pub(super) fn child(
    rows: &Rows<'_>,
    space: SpaceNumber,
    parent: NodeId,
    name: &EntryName,
) -> Result<Option<RemoteNode>, StateError> {
    match rows.remote_by_name(space, parent, name.as_bytes())? {
        Some(id) => rows.remote_node(space, id),
        None => Ok(None),
    }
}

/// The node that was deleted last of those that had a path. Looks at every node of the space.
pub(super) async fn deleted(
    door: &Door,
    space: &Space,
    path: &TreePath,
) -> Result<RemoteNode, Failure> {
    let Some(name) = path.name() else {
        return Err(nothing(space, path));
    };
    let number = space.number;
    let found = door.shared.state.read(|rows| {
        let mut found: Vec<RemoteNode> = Vec::new();
        rows.each_remote(number, |node| {
            if node.deleted && node.name.as_ref() == Ok(name) {
                found.push(node);
            }
            Ok(())
        })?;
        let mut fitting = Vec::new();
        for node in found {
            if had_path(rows, number, &node, path)? {
                fitting.push(node);
            }
        }
        Ok::<_, StateError>(fitting)
    })?;
    if let [node] = found.as_slice() {
        return Ok(node.clone());
    }
    let mut latest = None;
    for node in found {
        let ended = past::entries(door, space, node.id)
            .await?
            .first()
            .map(|entry| entry.head.cursor);
        if latest.as_ref().is_none_or(|(before, _)| *before < ended) {
            latest = Some((ended, node));
        }
    }
    latest
        .map(|(_, node)| node)
        .ok_or_else(|| nothing(space, path))
}

/// Whether the names above a deleted node spell a path, be they deleted as well or not.
fn had_path(
    rows: &Rows<'_>,
    space: SpaceNumber,
    node: &RemoteNode,
    path: &TreePath,
) -> Result<bool, StateError> {
    let mut at = node.parent;
    for name in path.names().iter().rev().skip(1) {
        match rows.remote_node(space, at)? {
            Some(above) if above.name.as_ref() == Ok(name) => at = above.parent,
            _ => return Ok(false),
        }
    }
    Ok(at == NodeId::ROOT)
}
