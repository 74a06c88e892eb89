//! How everything stands, in the words of the control door.

use std::path::Path;

use hythe_control::{
    AccountStatus, FolderState, FolderStatus, MovedFolder, Octets, Pending, Problem, ServerStatus,
    Status,
};
use hythe_model::{NodeKind, TreePath};

use super::comeback;
use super::endings;
use super::folder::Folder;
use super::newcomers;
use super::shared::{PERSONAL, Shared, now_ms};
use super::turn::Turn;
use crate::state::ProblemRow;

/// Status and everything that is the matter.
pub fn of(turn: &Turn, shared: &Shared) -> (Status, Vec<Problem>) {
    let folders: Vec<FolderStatus> = turn
        .folders
        .values()
        .map(|folder| self::folder(turn, folder, shared))
        .collect();
    let problems = turn
        .folders
        .values()
        .flat_map(|folder| problems(folder, shared))
        .collect();
    let status = Status {
        pid: std::process::id(),
        account: AccountStatus {
            name: shared.account_name(),
            id: shared.device.account,
            device_name: shared.device_name.clone(),
            device: shared.device.device,
            recovery_unconfirmed: recovery_unconfirmed(shared),
            new_devices: newcomers::count(shared),
            removal_ms: None,
        },
        server: ServerStatus {
            url: shared.device.server.url.clone(),
            connected: turn.server.is_ok(),
            since_ms: turn.server_since_ms,
            reason: turn
                .server
                .as_ref()
                .err()
                .map(|trouble| trouble.reason().to_owned()),
            restored_ms: comeback::told(shared),
        },
        usage: None,
        keys_pending: turn.keys_pending.clone(),
        paused: turn.paused,
        held: turn
            .folders
            .values()
            .filter(|folder| folder.held.is_some())
            .count() as u64,
        folders,
        transfers: shared.board.transfers(),
        ending: endings::coming(shared),
        ended: endings::past(shared),
        inboxes: Vec::new(),
    };
    (status, problems)
}

/// A code that cannot be read counts as one: whoever looks is told why.
fn recovery_unconfirmed(shared: &Shared) -> bool {
    !matches!(shared.keys.unconfirmed_recovery(), Ok(None))
}

/// One folder.
pub fn folder(turn: &Turn, folder: &Folder, shared: &Shared) -> FolderStatus {
    let space = shared.space(folder.row.space);
    let name = space
        .as_ref()
        .map_or(PERSONAL.to_owned(), |space| space.name());
    let space_id = space.map_or(hythe_model::SpaceId([0; 32]), |space| space.id);
    let (state, reason) = state(turn, folder, shared);
    FolderStatus {
        id: u32::try_from(folder.number.0).unwrap_or_default(),
        dir: Octets::from(folder.row.path.as_path()),
        space: name,
        space_id,
        path: Octets(part(folder, shared).to_bytes()),
        state,
        reason,
        proven: folder.proven,
        pending: pending(folder, shared),
        problems: problems(folder, shared).len() as u64,
        watched: folder.work.is_watched(),
        moved: folder.found().map(|moved| MovedFolder {
            dir: Octets::from(moved.path.as_path()),
            same: moved.same,
        }),
    }
}

fn state(turn: &Turn, folder: &Folder, shared: &Shared) -> (FolderState, Option<String>) {
    if let Some(over) = shared.over(folder.row.space) {
        return (FolderState::Unavailable, Some(over));
    }
    if let Some(away) = &folder.away {
        return (FolderState::Unavailable, Some(away.reason.clone()));
    }
    if turn.paused || folder.row.paused {
        return (FolderState::Paused, None);
    }
    if let Some(held) = &folder.held {
        return (FolderState::Held, Some(held.plan.held.to_string()));
    }
    if let Err(trouble) = &turn.server {
        return (FolderState::Offline, Some(trouble.reason().to_owned()));
    }
    if folder.open.is_none() {
        return (FolderState::Scanning, None);
    }
    if !folder.work.is_settled() || folder.is_transferring() {
        return (FolderState::Syncing, None);
    }
    match folder.first_problem() {
        Some(reason) => (FolderState::Attention, Some(reason)),
        None if folder.work.is_idle() => (FolderState::Synced, folder.blind.clone()),
        None => (
            FolderState::Syncing,
            Some("waiting for the next try".to_owned()),
        ),
    }
}

fn pending(folder: &Folder, shared: &Shared) -> Pending {
    let number = u32::try_from(folder.number.0).unwrap_or_default();
    let (mut up, mut down) = (0, 0);
    for transfer in shared
        .board
        .transfers()
        .iter()
        .filter(|t| t.folder == number)
    {
        let left = transfer.total_bytes.saturating_sub(transfer.done_bytes);
        match transfer.direction {
            hythe_control::Direction::Up => up += left,
            hythe_control::Direction::Down => down += left,
        }
    }
    Pending {
        items: folder.work.open_nodes() as u64,
        up_bytes: up,
        down_bytes: down,
    }
}

/// The part of the space that a folder shows.
fn part(folder: &Folder, shared: &Shared) -> TreePath {
    let path = shared
        .state
        .read(|rows| rows.remote_path(folder.row.space, folder.row.root));
    path.ok().flatten().unwrap_or_default()
}

fn problems(folder: &Folder, shared: &Shared) -> Vec<Problem> {
    let number = u32::try_from(folder.number.0).unwrap_or_default();
    let mut found: Vec<Problem> = Vec::new();
    let stored = shared
        .state
        .read(|rows| rows.problems(folder.number))
        .unwrap_or_default();
    found.extend(stored.into_iter().map(|row| stored_problem(number, row)));
    let retry_ms = folder.work.retry_at().map(|at| {
        let left = at.saturating_duration_since(std::time::Instant::now());
        now_ms() + i64::try_from(left.as_millis()).unwrap_or_default()
    });
    for failed in folder.failures.values() {
        found.push(Problem {
            folder: number,
            path: Octets(
                failed
                    .failure
                    .path
                    .as_ref()
                    .map(TreePath::to_bytes)
                    .unwrap_or_default(),
            ),
            reason: failed.failure.reason.clone(),
            action: failed.failure.action.to_owned(),
            since_ms: failed.since_ms,
            retry_ms,
        });
    }
    for (path, problem) in &folder.problems {
        found.push(Problem {
            folder: number,
            path: Octets(path.as_ref().map(TreePath::to_bytes).unwrap_or_default()),
            reason: sentence(problem),
            action: action(problem).to_owned(),
            since_ms: now_ms(),
            retry_ms: None,
        });
    }
    found
}

fn stored_problem(folder: u32, row: ProblemRow) -> Problem {
    Problem {
        folder,
        path: Octets(row.path),
        reason: row.reason,
        action: row.action,
        since_ms: row.since_ms,
        retry_ms: row.retry_ms,
    }
}

/// What the planner could not place, as one sentence.
pub fn sentence(problem: &hythe_sync::Problem) -> String {
    match problem {
        hythe_sync::Problem::Quarantined { why, .. } => {
            format!("an item on the server cannot be shown under its name: {why}")
        }
        hythe_sync::Problem::NotPlaced {
            kind: NodeKind::Attachment,
            ..
        } => "an attached space is not shown in sync folders".to_owned(),
        hythe_sync::Problem::NotPlaced { .. } => {
            "an item of this kind is not shown here".to_owned()
        }
        // Told as what could not be done.
        hythe_sync::Problem::NotSent { .. } => "this is not sent".to_owned(),
        hythe_sync::Problem::RootGone => {
            "the part of the space that this folder shows is gone".to_owned()
        }
    }
}

fn action(problem: &hythe_sync::Problem) -> &'static str {
    match problem {
        hythe_sync::Problem::Quarantined { .. } => "Rename it on the device that made it.",
        hythe_sync::Problem::NotPlaced { .. } => "Nothing: it stays on the server.",
        hythe_sync::Problem::NotSent { .. } => "Ask an owner to make you an editor.",
        hythe_sync::Problem::RootGone => {
            "Restore it with `hythe restore`, or end this folder with `hythe unsync`."
        }
    }
}

/// A path of this machine for people: control bytes and the like escaped.
pub fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}
