//! `hythe status`.

use serde::Serialize;

use hythe_control::{
    Direction, Event, FolderState, FolderStatus, InboxStatus, MovedFolder, Octets, Problem, Reply,
    Request, Status, Transfer,
};

use crate::args::Output;
use crate::door::{self, Door, Work};
use crate::error::{Exit, Trouble};
use crate::output::{self, words};

#[derive(Serialize)]
struct Printed {
    daemon: bool,
    #[serde(flatten)]
    status: Status,
    problems: Vec<Problem>,
}

pub async fn run(args: Output) -> Result<Exit, Trouble> {
    let mut problems = Vec::new();
    let mut door = Door::open(Work::Answer).await?;
    let daemon = door.is_daemon();
    let reply = door
        .follow(Request::Status, None, |event| {
            if let Event::Problem(problem) = event {
                problems.push(problem);
            }
        })
        .await;
    door.close().await;
    let status = match reply? {
        Reply::Status(status) => status,
        other => return Err(door::unexpected(&other)),
    };
    let exit = exit(&status, &problems);
    if args.json {
        output::json(&Printed {
            daemon,
            status,
            problems,
        })?;
    } else {
        output::lines(lines(daemon, &status, &problems))?;
    }
    Ok(exit)
}

/// Whether a person is needed.
fn exit(status: &Status, problems: &[Problem]) -> Exit {
    let stuck = |folder: &FolderStatus| {
        use FolderState::{Attention, Held, Paused, Unavailable};
        matches!(folder.state, Attention | Held | Paused | Unavailable)
    };
    let needs = status.paused
        || status.held > 0
        || status.folders.iter().any(stuck)
        || problems.iter().any(|problem| problem.retry_ms.is_none());
    if needs { Exit::Attention } else { Exit::Done }
}

fn lines(daemon: bool, status: &Status, problems: &[Problem]) -> Vec<String> {
    let account = &status.account;
    let mut lines = vec![
        format!("{} of {}", account.device_name, account.name),
        server(status),
    ];
    if let Some(usage) = &status.usage {
        let used = words::size(usage.used_bytes);
        lines.push(match usage.limit_bytes {
            Some(limit) => format!("{used} of {} used on the server", words::size(limit)),
            None => format!("{used} used on the server"),
        });
    }
    if !daemon {
        lines.push("No daemon is running: nothing is synced until `hythe daemon start`.".into());
    }
    lines.extend(from_server(status));
    if account.new_devices > 0 {
        let came = words::count(account.new_devices, "device has come", "devices have come");
        lines.push(format!("{came} to the account: look at `hythe devices`."));
    }
    if account.recovery_unconfirmed {
        lines.push(
            "Nobody has confirmed the recovery code yet: see `hythe account recovery`.".into(),
        );
    }
    if let Some(reason) = &status.keys_pending {
        lines.push(format!(
            "A removed device still has the keys of what is written: {reason}. Renewing them is \
             tried again by itself."
        ));
    }
    if status.paused {
        lines.push("Paused: `hythe resume` syncs again.".into());
    }
    if status.held > 0 {
        let count = words::count(status.held, "mass change waits", "mass changes wait");
        lines.push(format!("{count} for your yes: see `hythe held`."));
    }
    for space in &status.ending {
        lines.push(format!(
            "{} is deleted on {}, as an owner wants it; until then `hythe spaces restore` keeps it.",
            space.space,
            words::moment(space.ends_ms)
        ));
    }
    for folder in &status.ended {
        let dir = words::argument(&folder.dir);
        lines.push(format!(
            "{dir} is no sync folder any more: {} was deleted. The files stay, in an ordinary folder \
             (`hythe unsync {dir}` ends this notice).",
            folder.space
        ));
    }
    if status.folders.is_empty() {
        lines.push("No sync folder: make one with `hythe sync DIR`.".into());
    }
    for folder in &status.folders {
        let own = problems
            .iter()
            .filter(|problem| problem.folder == folder.id);
        let under_way = status
            .transfers
            .iter()
            .filter(|transfer| transfer.folder == folder.id);
        lines.push(String::new());
        lines.extend(folder_lines(folder));
        lines.extend(under_way.map(transfer));
        lines.extend(problems_of(own));
    }
    lines
}

/// What the server has to say that concerns everything here.
fn from_server(status: &Status) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(at) = status.account.removal_ms {
        let at = words::moment(at);
        lines.push(format!(
            "The account is deleted on {at}: `hythe account delete --cancel` keeps it."
        ));
    }
    if let Some(at) = status.server.restored_ms {
        let at = words::moment(at);
        lines.push(format!(
            "The server came back from a copy of its data ({at}): what this device has and the copy \
             lacks was sent again, nothing was deleted. Look for conflict copies, and ask who runs it \
             if you did not expect that."
        ));
    }
    lines.extend(status.inboxes.iter().flat_map(inbox));
    lines
}

/// What was put into a sealed space and is no file of it.
fn inbox(inbox: &InboxStatus) -> Vec<String> {
    let space = &inbox.space;
    let mut lines = Vec::new();
    if inbox.waiting > 0 {
        let wait = words::count(inbox.waiting, "file waits", "files wait");
        lines.push(format!(
            "{wait} to be taken into {space}: the daemon of any member that may write does it."
        ));
    }
    if inbox.refused > 0 {
        let files = words::count(inbox.refused, "file", "files");
        lines.push(format!(
            "{files} put into {space} could not be taken in: not sealed or signed as it must be."
        ));
    }
    lines
}

/// Problems that are told one by one where many have the same remedy.
const TOLD: usize = 3;

/// The problems of a folder; of many that want the same done, only the first.
fn problems_of<'p>(problems: impl Iterator<Item = &'p Problem>) -> Vec<String> {
    let mut kinds: Vec<(&str, Vec<&Problem>)> = Vec::new();
    for problem in problems {
        match kinds
            .iter_mut()
            .find(|(action, _)| *action == problem.action)
        {
            Some((_, alike)) => alike.push(problem),
            None => kinds.push((&problem.action, vec![problem])),
        }
    }
    let mut lines = Vec::new();
    for (_, alike) in kinds {
        // One more is as long as saying that there is one more.
        let told = if alike.len() <= TOLD + 1 {
            alike.len()
        } else {
            TOLD
        };
        lines.extend(alike.iter().take(told).map(|one| problem(one)));
        let more = alike.len() - told;
        if more > 0 {
            lines.push(format!(
                "  ! {more} more like these: see `hythe status --json`"
            ));
        }
    }
    lines
}

fn server(status: &Status) -> String {
    let server = &status.server;
    let since = words::moment(server.since_ms);
    match (&server.reason, server.connected) {
        (_, true) => format!("{}, connected since {since}", server.url),
        (Some(reason), false) => format!("{}, not connected since {since}: {reason}", server.url),
        (None, false) => format!("{}, not connected since {since}", server.url),
    }
}

fn folder_lines(folder: &FolderStatus) -> Vec<String> {
    let mut lines = vec![format!(
        "{}  <->  {}:/{}",
        folder.dir, folder.space, folder.path
    )];
    let state = match folder.state {
        FolderState::Unavailable => "not available: nothing is done, nothing deleted",
        FolderState::Paused => "paused",
        FolderState::Held => "held",
        FolderState::Offline => "offline: changes wait",
        FolderState::Scanning => "looking through the disk",
        FolderState::Syncing => "syncing",
        FolderState::Attention => "synced, except what stands below",
        FolderState::Synced => "synced",
    };
    lines.push(match &folder.reason {
        Some(reason) => format!("  {state}: {reason}"),
        None => format!("  {state}"),
    });
    if let Some(moved) = &folder.moved {
        lines.extend(moved_lines(&folder.dir, moved));
    }
    if let Some(proven) = folder.proven {
        let at = words::moment(proven.at_ms);
        lines.push(format!(
            "  proven equal at position {} on {at}",
            proven.cursor
        ));
    }
    let pending = &folder.pending;
    if pending.items > 0 {
        lines.push(format!(
            "  {} to do, {} to send, {} to fetch",
            words::count(pending.items, "item", "items"),
            words::size(pending.up_bytes),
            words::size(pending.down_bytes),
        ));
    }
    if !folder.watched {
        lines.push("  changes are found by looking every so often, not at once".into());
    }
    lines
}

/// Asks whether a folder is to go on where it was found, and says how.
fn moved_lines(dir: &Octets, moved: &MovedFolder) -> [String; 2] {
    let question = match moved.same {
        true => format!("  {dir} is now at {}?", moved.dir),
        false => format!("  {} is a copy of {dir}: go on with it?", moved.dir),
    };
    let (old, new) = (words::argument(dir), words::argument(&moved.dir));
    [
        question,
        format!("      next: To go on there: hythe sync --move {old} {new}"),
    ]
}

fn transfer(transfer: &Transfer) -> String {
    let Transfer {
        path,
        done_bytes,
        total_bytes,
        direction,
        ..
    } = transfer;
    let verb = match direction {
        Direction::Up => "sending",
        Direction::Down => "fetching",
    };
    let percent = done_bytes
        .saturating_mul(100)
        .checked_div(*total_bytes)
        .unwrap_or(100);
    format!(
        "  {verb} {path}: {percent} % of {}",
        words::size(*total_bytes)
    )
}

fn problem(problem: &Problem) -> String {
    let Problem {
        path,
        reason,
        action,
        since_ms,
        retry_ms,
        ..
    } = problem;
    let again = retry_ms
        .map(|at| format!("; tried again at {}", words::moment(at)))
        .unwrap_or_default();
    format!(
        "  ! {path}: {reason} (since {}{again})\n      next: {action}",
        words::moment(*since_ms)
    )
}
