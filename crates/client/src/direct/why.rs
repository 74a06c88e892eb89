//! `why`: how one item stands in the three trees, and what that means.

use std::path::PathBuf;

use hythe_control::{
    Failure, FailureKind, FolderState, FolderStatus, Octets, Place, Problem, Reply, Status, Why,
};
use hythe_model::{NodeId, NodeKind, TreePath};
use hythe_sync::{LocalNode, RemoteNode, SyncedNode};

use super::place::{self, shown};
use crate::daemon::{Ask, Door, Space};
use crate::state::{FolderNumber, FolderRow, Rows, StateError};

/// Says why an item is as it is.
pub(super) async fn why(door: &Door, place: &Place) -> Result<Reply, Failure> {
    let (space, path) = place::resolve(door, place).await?;
    let (status, problems) = door.ask(Ask::Status).await?;
    let folders = door.shared.state.read(|rows| rows.numbered_folders())?;
    let within = match place {
        Place::Local { path } => Some(path.to_path()),
        Place::Space { .. } => None,
    };
    let seen = door
        .shared
        .state
        .read(|rows| look(rows, &space, &path, &folders, within.as_ref()))?;
    if seen.is_nothing() && !seen.path_is_there() {
        return Err(Failure::new(
            FailureKind::NotFound,
            format!("Nothing is known of {}", shown(&space, &path)),
        )
        .next("`hythe ls` shows what is on the server, `hythe status` the sync folders."));
    }
    let (answer, action) = judge(&seen, &status, &problems);
    let asked = match place {
        Place::Local { path } => path.clone(),
        Place::Space { .. } => Octets(shown(&space, &path).into_bytes()),
    };
    Ok(Reply::Why(Why {
        path: asked,
        answer,
        local: seen.local.as_ref().map(local_words),
        remote: seen.remote.as_ref().map(remote_words),
        synced: seen.synced.as_ref().map(synced_words),
        action,
    }))
}

/// One item as the trees have it.
#[derive(Default)]
struct Seen {
    remote: Option<RemoteNode>,
    local: Option<LocalNode>,
    synced: Option<SyncedNode>,
    /// The sync folder that shows it, and its path there.
    folder: Option<(FolderNumber, FolderRow, TreePath)>,
}

impl Seen {
    fn is_nothing(&self) -> bool {
        self.remote.is_none() && self.local.is_none() && self.synced.is_none()
    }

    /// Whether the disk has something that the trees do not know.
    fn path_is_there(&self) -> bool {
        self.on_disk()
            .is_some_and(|path| path.symlink_metadata().is_ok())
    }

    fn on_disk(&self) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStringExt;
        let (_, row, path) = self.folder.as_ref()?;
        Some(row.path.join(std::ffi::OsString::from_vec(path.to_bytes())))
    }
}

fn look(
    rows: &Rows<'_>,
    space: &Space,
    path: &TreePath,
    folders: &[(FolderNumber, FolderRow)],
    within: Option<&PathBuf>,
) -> Result<Seen, StateError> {
    let number = space.number;
    let mut seen = Seen {
        remote: place::walk(rows, number, path)?.and_then(|(_, node)| node),
        ..Seen::default()
    };
    for (folder, row) in folders.iter().filter(|(_, row)| row.space == number) {
        if within.is_some_and(|path| !path.starts_with(&row.path)) {
            continue;
        }
        let above = rows.remote_path(number, row.root)?.unwrap_or_default();
        if !path.starts_with(&above) {
            continue;
        }
        let below: TreePath = path
            .names()
            .iter()
            .skip(above.names().len())
            .cloned()
            .collect();
        seen.local = local_at(rows, *folder, row.root, &below)?;
        let node = seen
            .local
            .as_ref()
            .map(|local| local.id)
            .or(seen.remote.as_ref().map(|r| r.id));
        if let Some(node) = node {
            seen.synced = rows.synced(*folder, node)?;
            // What the disk has under this path may have another place, or no life, in the log.
            if seen.remote.is_none() {
                seen.remote = rows.remote_node(number, node)?;
            }
        }
        seen.folder = Some((*folder, row.clone(), below));
        break;
    }
    Ok(seen)
}

fn local_at(
    rows: &Rows<'_>,
    folder: FolderNumber,
    root: NodeId,
    path: &TreePath,
) -> Result<Option<LocalNode>, StateError> {
    let (mut parent, mut found) = (root, None);
    for name in path.names() {
        found = rows.local_at(folder, parent, name)?.map(|row| row.node);
        match &found {
            Some(node) => parent = node.id,
            None => return Ok(None),
        }
    }
    Ok(found)
}

/// The answer and the one thing to do. The first that applies.
fn judge(seen: &Seen, status: &Status, problems: &[Problem]) -> (String, Option<String>) {
    let Some((number, _, path)) = &seen.folder else {
        return (
            "It is on the server; no sync folder of this device shows it.".to_owned(),
            None,
        );
    };
    let path = path.to_bytes();
    let is_about = |problem: &&Problem| {
        i64::from(problem.folder) == number.0 && problem.path.as_bytes() == path.as_slice()
    };
    if let Some(problem) = problems.iter().find(is_about) {
        let action = Some(problem.action.clone()).filter(|action| !action.is_empty());
        return (sentence(&problem.reason), action);
    }
    let folder = status
        .folders
        .iter()
        .find(|folder| i64::from(folder.id) == number.0);
    let (answer, settled) = compare(seen);
    if settled {
        return (answer, None);
    }
    match folder.and_then(|folder| hindrance(folder, status)) {
        Some((reason, action)) => (format!("{answer} {reason}"), Some(action)),
        None => (answer, None),
    }
}

/// What the trees say, and whether that is how it should be.
fn compare(seen: &Seen) -> (String, bool) {
    let Seen {
        remote,
        local,
        synced,
        ..
    } = seen;
    let live = remote.as_ref().filter(|remote| !remote.deleted);
    let answer = match (local, live, synced) {
        (Some(local), Some(remote), Some(synced)) => {
            let (here, there) = (
                is_as_agreed(local, synced),
                remote.versions == synced.versions,
            );
            match (here, there) {
                (true, true) => return ("It is synced.".to_owned(), true),
                (false, true) => "It was changed on this disk and is on its way to the server.",
                (true, false) => "It was changed on another device and is on its way to this disk.",
                (false, false) => {
                    "It was changed here and on another device: both are brought together, and \
                     where that cannot be, both are kept."
                }
            }
        }
        (Some(_), Some(_), None) => "It is on this disk and on the server, and is being compared.",
        (Some(_), None, None) => "It is new on this disk and on its way to the server.",
        (Some(_), None, Some(_)) => {
            "It was deleted on another device and is about to leave this disk."
        }
        (None, Some(_), Some(_)) => {
            "It was deleted on this disk, which is about to be told the server."
        }
        (None, Some(_), None) => "It is new on the server and on its way to this disk.",
        (None, None, _) if remote.is_some() => {
            return (
                "It was deleted. `hythe restore` brings it back.".to_owned(),
                true,
            );
        }
        (None, None, _) => "It is on this disk and was not looked at yet, or is ignored.",
    };
    (answer.to_owned(), false)
}

fn is_as_agreed(local: &LocalNode, synced: &SyncedNode) -> bool {
    let same = local.place == synced.place && local.executable == synced.executable_on_disk;
    same && (local.kind == NodeKind::Directory || local.stamp == synced.stamp)
}

/// What keeps a whole folder from going on.
fn hindrance(folder: &FolderStatus, status: &Status) -> Option<(String, String)> {
    let reason = folder.reason.clone().unwrap_or_default();
    let (what, action) = match folder.state {
        FolderState::Unavailable => (
            format!("The sync folder cannot be used: {reason}."),
            "Bring the folder back, or tell `hythe sync --move` where it is.",
        ),
        FolderState::Paused => ("Syncing is paused.".to_owned(), "`hythe resume` goes on."),
        FolderState::Held => (
            format!("A mass change waits for a yes: {reason}."),
            "`hythe held` shows it; approve it or undo it.",
        ),
        FolderState::Offline => {
            let reason = status.server.reason.clone().unwrap_or(reason);
            (
                format!("The server is not reached: {reason}."),
                "Hythe goes on by itself when the server answers.",
            )
        }
        FolderState::Scanning => (
            "The sync folder is not open at this moment.".to_owned(),
            "`hythe daemon start` syncs it, where no daemon runs.",
        ),
        _ => return None,
    };
    Some((what, action.to_owned()))
}

fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let Some(first) = letters.next() else {
        return String::new();
    };
    let end = if reason.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

fn local_words(local: &LocalNode) -> String {
    let read = match local.hash {
        Some(_) => "and was read",
        None => "and was not read since it changed",
    };
    match local.kind {
        NodeKind::Directory => "a directory".to_owned(),
        NodeKind::Symlink => "a symlink".to_owned(),
        _ => format!("a file of {} bytes, {read}", local.stamp.size),
    }
}

fn remote_words(remote: &RemoteNode) -> String {
    let what = match remote.kind {
        NodeKind::Directory => "a directory".to_owned(),
        NodeKind::Symlink => "a symlink".to_owned(),
        NodeKind::Attachment => "another space, shown here".to_owned(),
        NodeKind::File => format!("a file of {} bytes", remote.size),
    };
    let version = remote
        .versions
        .body
        .map(|body| format!(", version {body}"))
        .unwrap_or_default();
    let deleted = if remote.deleted { ", deleted" } else { "" };
    let quarantined = remote
        .name
        .as_ref()
        .err()
        .map(|why| format!(", not shown: {why}"));
    format!(
        "{what}{version}{deleted}{}",
        quarantined.unwrap_or_default()
    )
}

fn synced_words(synced: &SyncedNode) -> String {
    match synced.versions.body {
        Some(body) => format!("{} bytes, version {body}", synced.size),
        None => "place and attributes".to_owned(),
    }
}
