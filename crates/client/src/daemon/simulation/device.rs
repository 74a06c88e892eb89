//! One device: a home, a folder, and the real loop of the daemon, which is told here what happens
//! and when, one thing at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_control::Decision;
use hythe_model::NodeId;
use hythe_wire::account::DeviceInfo;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::grounds::Grounds;
use super::line::Line;
use super::moments::Listener;
use super::script::{self, Weather};
use crate::daemon::event::{Ask, Event, Passing, Trouble};
use crate::daemon::folder::Folder;
use crate::daemon::jobs::Teller;
use crate::daemon::shared::{Shared, now_ms};
use crate::daemon::turn::Turn;
use crate::daemon::work::Scope;
use crate::daemon::{Options, open_home, sightings, stream};
use crate::disk::{FolderId, Generation, Marker, Root};
use crate::home::{Home, LockedHome};
use crate::keys::KeyStore;
use crate::net::Api;
use crate::pass::{PassError, PassReport};
use crate::replica::ReplicaError;
use crate::state::{FolderNumber, FolderRow};
use crate::{connect, enrol};

/// Only stops a hang: nothing here takes long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How far a wait moves a device's clock: past every pause between tries.
const WAIT: Duration = Duration::from_secs(600);

/// What is broken, as far as one step shows it.
pub type Broken = String;

/// A device.
pub struct Device {
    number: usize,
    pub line: Line,
    home: PathBuf,
    grounds: Arc<Grounds>,
    program: Option<Program>,
    /// How far its clock is ahead of this machine's.
    ahead: Duration,
}

/// The program of a device, while it runs.
pub struct Program {
    pub shared: Arc<Shared>,
    pub folder: FolderNumber,
    turn: Turn,
    events: Teller,
    told: mpsc::UnboundedReceiver<Event>,
}

/// What a pass came to.
#[derive(Debug, Default)]
pub struct Passed {
    /// How many steps were done.
    pub done: usize,
    /// Why it is not the end, as far as known.
    pub trouble: Option<String>,
}

impl Device {
    /// Enrols a device by a URL and gives it a folder.
    pub async fn new(
        number: usize,
        url: &str,
        login: &str,
        place: &Path,
        line: Line,
        grounds: Arc<Grounds>,
    ) -> Self {
        let directory = place.join(format!("home{number}"));
        let home = Home::open(&directory).unwrap().lock().unwrap();
        let store = KeyStore::open(home.keys_path()).unwrap();
        let name = format!("d{number}");
        let info = DeviceInfo {
            name: name.clone(),
            platform: "test".into(),
            version: "0".into(),
        };
        enrol::connect(&store, url, info, login, now_ms())
            .await
            .unwrap();
        connect::remember_names(&home, login, &name).await.unwrap();
        let device = Self {
            number,
            line,
            home: directory,
            grounds,
            program: None,
            ahead: Duration::ZERO,
        };
        device.add_folder(home).await;
        device
    }

    /// A device that was enrolled and has a folder.
    pub fn at(number: usize, home: PathBuf, line: Line, grounds: Arc<Grounds>) -> Self {
        Self {
            number,
            line,
            home,
            grounds,
            program: None,
            ahead: Duration::ZERO,
        }
    }

    /// What belongs to a sync folder: a row, a directory, a marker.
    async fn add_folder(&self, home: LockedHome) {
        let shared = open_home(home, self.options()).await.unwrap();
        shared.learn_spaces().await.unwrap();
        let space = Arc::clone(shared.spaces().first().unwrap());
        let path = self.grounds.folder(self.number).to_owned();
        std::fs::create_dir_all(&path).unwrap();
        let mut id = [0; 16];
        getrandom::fill(&mut id).unwrap();
        let generation = Generation::first().unwrap();
        let marker = Marker {
            device: shared.device.device,
            folder: FolderId(id),
            space: space.id,
            node: NodeId::ROOT,
            file_system: 0,
            inode: 0,
            generation,
        };
        drop(Root::create(&path, marker).unwrap());
        let row = FolderRow {
            id: FolderId(id),
            space: space.number,
            root: NodeId::ROOT,
            path,
            paused: false,
            generation: Some(generation),
            next_generation: None,
            within: None,
        };
        let added = shared.state.write(move |tx| tx.add_folder(&row));
        added.await.unwrap();
        drop(space);
        gone(shared).await;
    }

    fn options(&self) -> Options {
        Options {
            folders: true,
            server_url: Some(self.line.url().to_owned()),
            // Whatever is done at once must come to the same when it is done in parts.
            plan_nodes: [None, Some(1), Some(4)][self.number % 3],
            ..Options::default()
        }
    }

    /// A URL by which one more device gets in.
    pub async fn offer(&self) -> String {
        let store = KeyStore::open(self.home.join("keys")).unwrap();
        let mut keys = store.device().unwrap().unwrap();
        self.line.url().clone_into(&mut keys.server.url);
        self.line.set(Weather::default());
        let api = Api::new(&keys.server, &keys.token).unwrap();
        let offer = enrol::offer_device(&api, &keys, None, now_ms()).await;
        offer.unwrap().url.to_string()
    }

    /// The device's program, started if it does not run.
    pub async fn program(&mut self) -> &mut Program {
        if self.program.is_none() {
            let home = Home::open(&self.home).unwrap().lock().unwrap();
            let shared = open_home(home, self.options()).await.unwrap();
            self.program = Some(Program::new(shared));
        }
        self.program.as_mut().unwrap()
    }

    /// Stops the program in order.
    pub async fn stop(&mut self) {
        if let Some(program) = &mut self.program {
            program.turn.end(&mut program.told).await;
        }
        self.crash().await;
    }

    /// Ends the program; copies the state database, or puts the copy back.
    pub async fn rewind(&mut self) {
        self.crash().await;
        let files = |directory: &Path| {
            let files = std::fs::read_dir(directory).unwrap();
            let paths = files.map(|file| file.unwrap().path());
            let is_state = |path: &PathBuf| path.to_string_lossy().contains("state.db");
            paths.filter(is_state).collect::<Vec<PathBuf>>()
        };
        let kept = self.home.join("kept");
        let put = |from: Vec<PathBuf>, to: &Path| {
            for file in from {
                std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
            }
        };
        if kept.is_dir() {
            for file in files(&self.home) {
                std::fs::remove_file(file).unwrap();
            }
            put(files(&kept), &self.home);
            std::fs::remove_dir_all(kept).unwrap();
        } else {
            std::fs::create_dir(&kept).unwrap();
            put(files(&self.home), &kept);
        }
    }

    /// Ends the program: whatever it had in memory is gone.
    pub async fn crash(&mut self) {
        if let Some(Program { shared, turn, .. }) = self.program.take() {
            drop(turn);
            gone(shared).await;
        }
    }

    fn now(&self) -> Instant {
        Instant::now() + self.ahead
    }

    /// Time goes by.
    pub fn wait(&mut self) {
        self.ahead += WAIT;
    }

    /// Reads the logs on.
    pub async fn hear(&mut self, weather: Weather) -> Result<(), Broken> {
        self.line.set(weather);
        let program = self.program().await;
        let mut heard = stream::read_all(&program.shared, &program.events)
            .await
            .map(drop);
        if heard.is_ok() {
            heard = program.meet().await;
        }
        program.take_in();
        if let Some(what) = program.contradicted() {
            return Err(format!("an alarm without a liar: {what}"));
        }
        let server = match heard {
            Ok(()) => Ok(()),
            Err(ReplicaError::Alarm(alarm)) => {
                return Err(format!("an alarm without a liar: {alarm}"));
            }
            Err(ReplicaError::Twin) => return Err("a twin where there is none".to_owned()),
            Err(error) => Err(Trouble::Away(error.to_string())),
        };
        program.turn.handle(Event::Server(server));
        Ok(())
    }

    /// The program is told of changes on the disk.
    pub async fn told(&mut self, scope: Scope) {
        let program = self.program().await;
        let event = Event::Disk(program.folder, scope, Default::default());
        program.turn.handle(event);
    }

    /// Does one pass if one is due; none if none is.
    pub async fn pass(
        &mut self,
        weather: Weather,
        events: &[(usize, script::Event)],
    ) -> Result<Option<Passed>, Broken> {
        self.line.set(weather);
        let listener = Listener::new(self.number, Arc::clone(&self.grounds), events);
        let now = self.now();
        let program = self.program().await;
        program.turn.start_what_is_due(now);
        while program.folder().opening || program.folder().work.is_running() {
            let event = tokio::select! {
                () = listener.crashed() => {
                    self.crash().await;
                    return Ok(Some(Passed::default()));
                }
                event = timeout(PATIENCE, program.told.recv()) => event,
            };
            match event
                .map_err(|_| "the pass never ended".to_owned())?
                .unwrap()
            {
                // What really was told depends on the moment; what is told is in the script.
                Event::Disk(..) => {}
                Event::Passed(folder, passing) => {
                    let passed = judge(&passing);
                    program.turn.handle(Event::Passed(folder, passing));
                    return passed.map(Some);
                }
                event => {
                    program.turn.handle(event);
                    if program.folder().open.is_some() {
                        program.turn.start_what_is_due(now);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Decides what is held; true if anything was.
    pub async fn decide(&mut self, decision: Decision) -> bool {
        let program = self.program().await;
        if program.folder().held.is_none() {
            return false;
        }
        let (reply, _) = oneshot::channel();
        let mut waiting = decision == Decision::Undo;
        let decided = Ask::Decide(None, decision, reply);
        program.turn.handle(Event::Ask(decided));
        while waiting {
            let event = timeout(PATIENCE, program.told.recv()).await;
            let event = event.expect("what is held is forgotten").unwrap();
            waiting = !matches!(event, Event::Folded(..));
            program.turn.handle(event);
        }
        true
    }
}

/// Fails a run for what no weather excuses.
fn judge(passing: &Passing) -> Result<Passed, Broken> {
    match &passing.result {
        Ok(report) => Ok(Passed {
            done: report.run.done,
            trouble: trouble(report),
        }),
        Err(error @ (PassError::Refused(_) | PassError::Trees(_) | PassError::State(_))) => {
            Err(format!("a pass broke: {error}"))
        }
        Err(error) => Ok(Passed {
            done: 0,
            trouble: Some(error.to_string()),
        }),
    }
}

fn trouble(report: &PassReport) -> Option<String> {
    let failed = report.run.failed.values().next();
    failed.map(|failure| format!("{:?}: {}", failure.path, failure.reason))
}

impl Program {
    fn new(shared: Arc<Shared>) -> Self {
        let (events, told) = mpsc::unbounded_channel();
        let rows = shared.state.read(|rows| rows.numbered_folders()).unwrap();
        let (folder, row) = rows.into_iter().next().unwrap();
        let folders = [(folder, Folder::new(folder, row, 1))].into();
        let turn = Turn::new(Arc::clone(&shared), events.clone(), folders, false, true);
        Self {
            shared,
            folder,
            turn,
            events,
            told,
        }
    }

    pub fn folder(&self) -> &Folder {
        &self.turn.folders[&self.folder]
    }

    /// Handles what was told and not handled yet.
    fn take_in(&mut self) {
        while let Ok(event) = self.told.try_recv() {
            if !matches!(event, Event::Disk(..)) {
                self.turn.handle(event);
            }
        }
    }

    /// Tells the other devices what this one was shown, and hears what they were.
    async fn meet(&self) -> Result<(), ReplicaError> {
        for space in self.shared.living_spaces() {
            sightings::meet(&self.shared, &self.events, &space).await?;
        }
        Ok(())
    }

    /// What another device saw that the server does not show this one.
    fn contradicted(&self) -> Option<String> {
        let spaces = self.shared.spaces();
        spaces.iter().find_map(|space| space.contradicted())
    }

    /// Why the folder is not at rest; none if it is.
    pub fn unrest(&self) -> Option<String> {
        let folder = self.folder();
        if let Some(problem) = folder.first_problem() {
            return Some(problem);
        }
        let different = |rows: &crate::state::Rows<'_>| rows.different(self.folder);
        let different = self.shared.state.read(different).unwrap();
        if !different.is_empty() {
            return Some(format!("the trees differ: {different:?}"));
        }
        (!folder.work.is_idle()).then(|| "there is work left".to_owned())
    }
}

/// Waits until nothing uses a home any more.
async fn gone(shared: Arc<Shared>) {
    let (state, shared) = (shared.state.alive(), {
        let weak = Arc::downgrade(&shared);
        drop(shared);
        weak
    });
    let gone = async {
        while state.strong_count() + shared.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the program ends");
}
