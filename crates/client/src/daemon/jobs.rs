//! What the loop starts and does not wait for. The only place where the daemon starts tasks; each
//! tells its end as an event.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_control::{Failure, FailureKind};
use hythe_model::{Cursor, NodeId, TreePath};
use tokio::sync::{mpsc, oneshot};

use super::borders;
use super::event::{Event, Passing};
use super::folder::Folder;
use super::open::{self, OpenFolder};
use super::shared::Shared;
use super::work::{Order, Scope};
use crate::disk::Places;
use crate::execute::{Bulk, Setting};
use crate::pass::{self, Pass, PassError};
use crate::replica::ReplicaError;
use crate::state::{FolderNumber, SpaceNumber, StateError};

/// Where jobs tell their ends.
pub type Teller = mpsc::UnboundedSender<Event>;

/// How often it is looked whether a folder that is watched was closed.
const LET_GO: Duration = Duration::from_secs(60);

/// Setting that keeps a pause over restarts.
pub const PAUSED: &str = "paused";

fn tell(events: &Teller, event: Event) {
    // The loop ends last; when it has, nobody needs to know.
    let _ = events.send(event);
}

/// Opens a folder.
pub fn open(shared: &Arc<Shared>, events: &Teller, folder: &Folder) {
    let (shared, events) = (Arc::clone(shared), events.clone());
    let number = folder.number;
    tokio::task::spawn_blocking(move || {
        let transferred = events.clone();
        let bulk = Bulk::new(move |nodes| tell(&transferred, Event::Transferred(number, nodes)));
        let opened = match shared.state.read(|rows| rows.folder(number)) {
            Ok(Some(row)) => open::open(&shared.state, shared.device.device, number, &row, bulk),
            Ok(None) => Err(StateError::Invalid("folder number").into()),
            Err(error) => Err(error.into()),
        };
        tell(&events, Event::Opened(number, Box::new(opened)));
    });
}

/// Ends the use of a folder.
pub async fn close(shared: &Arc<Shared>, number: FolderNumber, open: Arc<OpenFolder>) {
    let state = Arc::clone(&shared.state);
    let closing = tokio::task::spawn_blocking(move || state.begin_period(number, &open.root));
    match closing.await {
        // The period before goes on: only a copy of the state made within it is not known for one.
        Ok(Err(error)) => tracing::warn!("the folder was closed without a mark: {error}"),
        Ok(Ok(_)) => {}
        Err(error) => tracing::error!("closing a folder broke off: {error}"),
    }
}

/// Looks for a folder that is not at its place; first where it is said to be.
pub fn seek(shared: &Arc<Shared>, events: &Teller, number: FolderNumber, hint: Option<PathBuf>) {
    let (shared, events) = (Arc::clone(shared), events.clone());
    tokio::task::spawn_blocking(move || {
        // Read anew: the loop's row is from before the period of use that the marker is of.
        let row = shared.state.read(|rows| rows.folder(number)).ok().flatten();
        let found = row.and_then(|row| {
            let places = Places::around(&row.path, std::env::home_dir().as_deref()).first(hint);
            places.search(&open::owner(shared.device.device, &row))
        });
        tell(&events, Event::Sought(number, found));
    });
}

/// Hears of changes on a folder's disk until the folder is closed.
pub fn watch(events: &Teller, number: FolderNumber, open: &Arc<OpenFolder>) {
    let (events, watcher) = (events.clone(), Arc::downgrade(&open.watcher));
    tokio::spawn(async move {
        loop {
            let Some(watcher) = watcher.upgrade() else {
                return;
            };
            // Asked again every so often, so that a closed folder's watcher is let go.
            let heard = tokio::time::timeout(LET_GO, watcher.changes()).await;
            drop(watcher);
            let Ok(changes) = heard else { continue };
            let whole = changes.lost || changes.root;
            let places: BTreeSet<TreePath> = &changes.places - &changes.open;
            let scope = match whole {
                true => Scope::Whole,
                false if places.is_empty() => Scope::Nothing,
                false => Scope::Places(places),
            };
            tell(&events, Event::Disk(number, scope, changes.open));
        }
    });
}

/// Does a pass.
pub fn pass(
    shared: &Arc<Shared>,
    events: &Teller,
    folder: &mut Folder,
    open: &Arc<OpenFolder>,
    now: Instant,
    order: Order,
) {
    let (number, passes, events) = (folder.number, folder.passes, events.clone());
    let Some(mut pass) = pass_over(shared, folder, open, now) else {
        // The space is not known before the server was reached once; that makes all due again.
        let undone = super::work::Passed {
            undone: Some(order),
            ..Default::default()
        };
        folder.work.end(now, false, undone);
        return;
    };
    let shared = Arc::clone(shared);
    // All of it on one thread: nearly every pass finds its borders settled, and a task that waits for
    // another thread costs more than the look.
    tokio::task::spawn_blocking(move || {
        let runtime = shared.runtime.clone();
        let mut order = order;
        let settled = runtime.block_on(borders::settle(&shared, &events, number));
        let settled = settled.map(|settled| {
            order.look_at(settled.look);
            order.all_nodes |= settled.handed_over;
            pass.given_up = settled.given_up;
        });
        let mut result = settled.and_then(|()| pass::run(&pass, &order));
        let away = matches!(result, Err(PassError::Away(_)));
        let led = away.then(|| pass.setting.root.path_now()).flatten();
        drop(pass);
        // What the pass put on the disk may have to be filled.
        if let Ok(report) = &mut result
            && report.run.done > 0
        {
            match runtime.block_on(borders::settle_after(&shared, &events, number)) {
                Ok(look) => report.look.extend(look),
                Err(error) => tracing::debug!("attachments wait: {error}"),
            }
        }
        let passing = Passing {
            number: passes,
            order,
            result,
            led,
        };
        tell(&events, Event::Passed(number, Box::new(passing)));
    });
}

/// Gives memory that is free, or only kept to be quick, back to the system.
pub fn give_memory_back(shared: &Arc<Shared>) {
    let state = Arc::clone(&shared.state);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = state.forget_pages() {
            tracing::debug!("the pages of the state stay in memory: {error}");
        }
        crate::os::give_memory_back();
    });
}

/// What a pass over a folder needs; none before its space is known.
pub fn pass_over(
    shared: &Arc<Shared>,
    folder: &mut Folder,
    open: &Arc<OpenFolder>,
    now: Instant,
) -> Option<Pass> {
    let (recent, sent) = folder.lately(now);
    Some(Pass {
        setting: setting(shared, folder, open)?,
        device: shared.device_name.clone(),
        recent,
        sent,
        approved: folder.approved,
        plan_nodes: shared.plan_nodes,
        read_only: !shared.space(folder.row.space)?.may_write(),
        given_up: BTreeSet::new(),
    })
}

/// What work on a folder needs; none before its space is known.
pub fn setting(shared: &Arc<Shared>, folder: &Folder, open: &Arc<OpenFolder>) -> Option<Setting> {
    let space = shared.space(folder.row.space)?;
    Some(Setting {
        folder: folder.number,
        space: folder.row.space,
        root: Arc::clone(&open.root),
        bulk: Arc::clone(&open.bulk),
        open: Arc::clone(open),
        state: Arc::clone(&shared.state),
        replica: Arc::clone(&space.replica),
        runtime: shared.runtime.clone(),
        board: Arc::clone(&shared.board),
    })
}

/// Asks the server where its logs stand.
pub fn heads(shared: &Arc<Shared>, events: &Teller, fence: u64) {
    let (shared, events) = (Arc::clone(shared), events.clone());
    tokio::spawn(async move {
        let heads = match same_life(&shared).await {
            Ok(true) => ask_heads(&shared).await,
            Ok(false) => {
                Err("the server was restored from a copy; comparing everything".to_owned())
            }
            Err(error) => Err(error.to_string()),
        };
        tell(&events, Event::Heads(fence, heads));
    });
}

/// Whether every space was read from the life of the server's data that it is in now. The position
/// of a log in another life says nothing about this one's.
async fn same_life(shared: &Shared) -> Result<bool, ReplicaError> {
    // Read before the server is asked: by the time it answers, the loop has heard of a change.
    let rows = shared.state.read(|rows| rows.spaces())?;
    let now = shared.api.server().await.map_err(ReplicaError::Api)?.epoch;
    // What waits for a person, or is not there any more, says so itself, and is not read anew.
    let waits = |number: &SpaceNumber| {
        let space = shared.space(*number);
        space.is_some_and(|space| space.is_claimed() || space.is_over())
    };
    let mut rows = rows.iter().filter(|(number, _)| !waits(number));
    Ok(rows
        .all(|(_, row)| row.common.is_none() && row.server_epoch.is_none_or(|known| known == now)))
}

async fn ask_heads(shared: &Shared) -> Result<BTreeMap<SpaceNumber, Cursor>, String> {
    let views = shared
        .learn_spaces()
        .await
        .map_err(|error| error.to_string())?;
    Ok(numbered(shared, &views))
}

fn numbered(
    shared: &Shared,
    views: &[hythe_wire::space::SpaceView],
) -> BTreeMap<SpaceNumber, Cursor> {
    let spaces = shared.spaces();
    let number = |id| {
        spaces
            .iter()
            .find(|space| space.id == id)
            .map(|space| space.number)
    };
    views
        .iter()
        .filter_map(|view| Some((number(view.id)?, Cursor(view.cursor))))
        .collect()
}

/// Keeps a pause over restarts.
pub fn remember_pause(
    shared: &Arc<Shared>,
    paused: bool,
    reply: oneshot::Sender<Result<(), Failure>>,
) {
    let state = Arc::clone(&shared.state);
    tokio::spawn(async move {
        let written = state
            .write(move |tx| tx.set_setting(PAUSED, &[u8::from(paused)]))
            .await;
        let failed = |error: StateError| {
            Failure::new(FailureKind::Internal, "The pause could not be written down")
                .because(error)
        };
        // Whoever asked may have hung up.
        let _ = reply.send(written.map_err(failed));
    });
}

/// Takes a held change back: what was deleted or replaced here was never agreed on, so the log's
/// state comes back and what is here is kept beside it.
pub fn undo(shared: &Arc<Shared>, events: &Teller, folder: &Folder, nodes: BTreeSet<NodeId>) {
    let (state, events) = (Arc::clone(&shared.state), events.clone());
    let (number, space) = (folder.number, folder.row.space);
    tokio::spawn(async move {
        let gone = nodes.clone();
        let forget = move |tx: &crate::state::Tx<'_>| {
            gone.iter()
                .try_for_each(|node| tx.remove_synced(number, *node))
        };
        match state.write(forget).await {
            Ok(()) => tell(&events, Event::Folded(space, nodes, Cursor::START)),
            Err(error) => tracing::error!("a held change could not be undone: {error}"),
        }
    });
}
