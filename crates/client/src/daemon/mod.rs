//! The daemon: one loop, and what it starts.
//!
//! - [`turn`]: the loop. All state changes here, one [`event`] at a time.
//! - [`work`], [`fence`], [`folder`], [`memory`]: small state types, without I/O.
//! - [`jobs`]: everything the loop starts and does not wait for.
//! - [`sightings`]: what other devices were shown. [`stream`]: the server's events. [`renewal`]: keys after a device was removed.
//! - [`door`]: the control door.

mod agreed;
mod board;
mod borders;
mod capsules;
mod comeback;
mod devices;
mod door;
mod endings;
mod event;
mod farewell;
mod fence;
mod folder;
mod folders;
mod inbox;
mod jobs;
mod joining;
mod links;
mod memory;
mod newcomers;
mod once;
mod open;
mod plans;
#[cfg(test)]
mod power_cut;
mod relocate;
mod renewal;
mod seek;
mod shared;
pub(crate) mod sightings;
#[cfg(test)]
mod simulation;
mod spaces;
mod status;
mod stream;
mod turn;
mod usage;
mod work;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hythe_control::Listener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use board::{Board, Shown};
pub(crate) use devices::unreachable;
pub(crate) use door::Door;
pub(crate) use event::{Ask, Event};
pub use open::OpenFolder;
pub(crate) use shared::{PERSONAL, Shared, Space, now_ms};
pub(crate) use spaces::owned;
pub use work::{Order, Scope};

use crate::connect::{ACCOUNT_NAME, DEVICE_NAME};
use crate::home::{Home, LockedHome};
use crate::keys::{KeyFileError, KeyStore};
use crate::leave;
use crate::net::{Api, ApiError};
use crate::pool::{Pool, PoolError};
use crate::replica::{AccountBook, ReplicaError, Session};
use crate::state::{FolderNumber, State, StateError};
use folder::Folder;
use turn::Turn;

/// How a daemon is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether the control door is opened. A command in the daemon's place opens none, so that
    /// nobody calls a process that is about to end.
    pub door: bool,
    /// Whether sync folders are synced; else requests are answered and the folders left alone.
    pub folders: bool,
    /// How this device reaches the server now, where that is not the address it was enrolled with:
    /// the embedded server of `hythe up`.
    pub server_url: Option<String>,
    /// The address that `devices add` gives out instead of that one.
    pub advertised_url: Option<String>,
    /// About how many nodes one plan takes on; none for what suits most.
    pub plan_nodes: Option<usize>,
}

/// How long the end of a daemon waits for jobs that only ask something: a server that does not answer
/// holds up no shutdown.
const FREED: Duration = Duration::from_secs(2);

/// A daemon that runs.
pub struct Daemon {
    service: Arc<Door>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    /// What follows the server, and is ended first.
    following: [JoinHandle<()>; 5],
}

/// Why a daemon did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The home belongs to no device.
    #[error("this device is not connected to a server")]
    NotEnrolled,
    /// The device that was here was removed and asked to delete its copies.
    #[error("{0}")]
    Removed(String),
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The state database cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// What is known of a space cannot be used.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The server's address or identity cannot be used.
    #[error(transparent)]
    Server(#[from] ApiError),
    /// No threads for work.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// The control door cannot be opened.
    #[error("the control door cannot be opened: {0}")]
    Door(#[source] io::Error),
}

/// Starts the daemon of a home.
///
/// # Errors
/// See [`StartError`].
pub async fn start(home: LockedHome, options: Options) -> Result<Daemon, StartError> {
    let (door, syncing) = (options.door, options.folders);
    let shared = open_home(home, options).await?;
    let listener = match door {
        true => Some(Listener::bind(shared.home.directory()).map_err(StartError::Door)?),
        false => None,
    };
    run(shared, listener, syncing)
}

/// Opens what a home holds, without asking the server.
async fn open_home(home: LockedHome, options: Options) -> Result<Arc<Shared>, StartError> {
    let keys = KeyStore::open(home.keys_path())?;
    let nobody = || leave::told(&home).map_or(StartError::NotEnrolled, StartError::Removed);
    let mut device = keys.device()?.ok_or_else(nobody)?;
    if let Some(url) = options.server_url {
        device.server.url = url;
    }
    let (state, condition) = State::open(&home.state_path())?;
    tracing::debug!(?condition, "state opened");
    let state = Arc::new(state);
    let api = Api::new(&device.server, &device.token)?;
    let pool = Pool::start()?;
    let device = Arc::new(device);
    let accounts = Arc::new(AccountBook::new(&state, &api));
    let common = Session {
        state: Arc::clone(&state),
        api: api.clone(),
        pool: pool.clone(),
        device: Arc::clone(&device),
        accounts,
    };
    let name = |key| state.read(|rows| rows.setting(key)).map(text);
    let (device_name, account_name) = (name(DEVICE_NAME)?, name(ACCOUNT_NAME)?);
    let shared = Arc::new(Shared::new(shared::Parts {
        home,
        state,
        device,
        keys,
        api,
        pool,
        common,
        device_name,
        account_name,
        advertised_url: options.advertised_url,
        plan_nodes: options.plan_nodes.unwrap_or(crate::pass::PLAN_NODES),
    }));
    shared.open_known().await?;
    Ok(shared)
}

fn text(bytes: Option<Vec<u8>>) -> String {
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_else(|| "unnamed".to_owned())
}

fn run(
    shared: Arc<Shared>,
    listener: Option<Listener>,
    syncing: bool,
) -> Result<Daemon, StartError> {
    let (events, told) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let rows = shared.state.read(|rows| rows.numbered_folders())?;
    let paused = shared.state.read(|rows| rows.setting(jobs::PAUSED))? == Some(vec![1]);
    let folders: BTreeMap<FolderNumber, Folder> = rows
        .into_iter()
        .map(|(number, row)| (number, Folder::new(number, row, shared.seed())))
        .collect();
    let turn = Turn::new(
        Arc::clone(&shared),
        events.clone(),
        folders,
        paused,
        syncing,
    );
    let mut tasks = vec![tokio::spawn(turn.run(told, stopped.clone()))];
    let following = [
        tokio::spawn(stream::follow(
            Arc::clone(&shared),
            events.clone(),
            stop.clone(),
        )),
        tokio::spawn(renewal::keep(Arc::clone(&shared), events.clone())),
        tokio::spawn({
            let shared = Arc::clone(&shared);
            // A command in the daemon's place does only what it was asked.
            async move {
                if syncing {
                    capsules::keep(shared).await;
                }
            }
        }),
        tokio::spawn({
            let (shared, events) = (Arc::clone(&shared), events.clone());
            async move {
                if syncing {
                    sightings::keep(shared, events).await;
                }
            }
        }),
        tokio::spawn({
            let (shared, events) = (Arc::clone(&shared), events.clone());
            async move {
                if syncing {
                    inbox::keep(shared, events).await;
                }
            }
        }),
    ];
    let service = Arc::new(Door {
        shared,
        events,
        stop: stop.clone(),
    });
    if let Some(listener) = listener {
        let mut ends = stopped;
        let ended = async move {
            // An error means that the sender is gone: an end as well.
            let _ = ends.wait_for(|stop| *stop).await;
        };
        tasks.push(tokio::spawn(hythe_control::serve(
            listener,
            Arc::clone(&service),
            ended,
        )));
    }
    Ok(Daemon {
        service,
        stop,
        tasks,
        following,
    })
}

impl Daemon {
    /// What answers requests, for callers in this process.
    pub fn service(&self) -> Arc<impl hythe_control::Service> {
        Arc::clone(&self.service)
    }

    /// Returns when the daemon was asked to stop, by [`Self::stop`] or through its door.
    pub async fn ended(&self) {
        let mut stopped = self.stop.subscribe();
        // The sender is `self`'s own, so this cannot fail while it is waited for.
        let _ = stopped.wait_for(|stop| *stop).await;
    }

    /// Stops the daemon: what is under way is brought to an end and recorded. Another may use the
    /// home afterwards, unless a question to the server stays without answer.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        self.following.iter().for_each(JoinHandle::abort);
        for task in self.tasks.into_iter().chain(self.following) {
            // A task that was aborted or panicked has ended, which is all that is wanted.
            let _ = task.await;
        }
        // A job that had told its outcome, or an open connection of the door, has the home a moment
        // longer.
        let mut in_use = self.service.shared.in_use();
        let home = Home::clone(&self.service.shared.home);
        drop(self.service);
        let freed = async { while in_use.changed().await.is_ok() {} };
        if tokio::time::timeout(FREED, freed).await.is_err() {
            tracing::debug!("a job goes on after the daemon ended");
        } else if leave::is_begun(&home) {
            // To take it is to leave it. Whoever was faster does the same.
            drop(home.lock());
        }
    }
}
