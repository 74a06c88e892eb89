//! A run: the server, the devices, what happens to them, and what must be true in the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hythe_control::Decision;
use hythe_server::{Running, Server, ServerConfig, Transport};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use super::device::{Broken, Device, Program};
use super::grounds::{Grounds, Tree, copy_all, tree};
use super::line::Line;
use super::moments::note;
use super::oracle;
use super::script::{Script, Step, Weather};
use crate::daemon::work::Scope;

/// After the last deed, all must be at rest within so many rounds (C2).
const ROUNDS: usize = 24;
/// So many rounds at rest show that nothing echoes (S8).
const QUIET_ROUNDS: usize = 2;
/// So many passes of one device in one round: none may keep itself busy.
const PASSES: usize = 30;

/// Where runs have their files: in memory where there is such a place, unless `HYTHE_SIM_DIR` says
/// otherwise.
pub fn new_place() -> TempDir {
    let memory = Path::new("/dev/shm");
    let place = match std::env::var_os("HYTHE_SIM_DIR") {
        Some(place) => PathBuf::from(place),
        None if memory.is_dir() => memory.to_owned(),
        None => std::env::temp_dir(),
    };
    tempfile::Builder::new()
        .prefix("hythe-sim")
        .tempdir_in(place)
        .unwrap()
}

/// Where files are: for one run, or for longer.
pub enum Place {
    Own(TempDir),
    Given(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Own(place) => place.path(),
            Self::Given(place) => place,
        }
    }
}

/// A server for many runs: each has an account of its own.
pub struct Host {
    running: Option<Running>,
    place: Place,
    /// What is traced in a process is heard by one simulation at a time.
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::const_new(());

impl Host {
    pub async fn start() -> Self {
        Self::start_in(Place::Own(new_place())).await
    }

    /// Starts a server on what is in a place.
    pub async fn start_in(place: Place) -> Self {
        let mut host = Self {
            running: None,
            place,
            _alone: ALONE.lock().await,
        };
        host.restart().await;
        host
    }

    fn data(&self) -> PathBuf {
        self.place.path().join("server")
    }

    fn copy(&self) -> PathBuf {
        self.place.path().join("copy")
    }

    /// Copies the server's data, or puts the copy back; true if it was put back.
    async fn rewind(&mut self) -> bool {
        self.stop().await;
        let put_back = self.copy().is_dir();
        if put_back {
            std::fs::remove_dir_all(self.data()).unwrap();
            std::fs::rename(self.copy(), self.data()).unwrap();
        } else {
            copy_all(&self.data(), &self.copy());
        }
        self.restart().await;
        put_back
    }

    /// Stops the server if it runs, and starts it.
    pub async fn restart(&mut self) {
        self.stop().await;
        let data = self.data();
        let mut config = ServerConfig::new(data, "127.0.0.1:0".parse().unwrap());
        config.transport = Transport::Plain;
        config.witness = Some(self.place.path().join("witness"));
        // Everything comes from one address here.
        config.limits.rates.address_per_second = u32::MAX;
        config.limits.rates.address_burst = u32::MAX;
        config.limits.rates.device_per_second = u32::MAX;
        config.limits.rates.device_burst = u32::MAX;
        self.running = Some(Server::start(config).await.unwrap());
    }

    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// A line to the server.
    pub async fn line(&self) -> Line {
        Line::new(self.running().addr()).await
    }
}

/// The devices of a run, and the server.
pub struct World<'h> {
    host: &'h mut Host,
    pub devices: Vec<Device>,
    pub grounds: Arc<Grounds>,
    login: String,
    place: Place,
}

/// Runs a script.
pub async fn run(host: &mut Host, script: &Script) -> Result<(), Broken> {
    let mut world = World::new(host, script.devices).await;
    let ended = world.play(script).await;
    world.end().await;
    ended
}

impl<'h> World<'h> {
    pub async fn end(mut self) {
        for device in &mut self.devices {
            device.crash().await;
        }
        let copy = self.host.copy();
        if copy.is_dir() {
            std::fs::remove_dir_all(copy).unwrap();
        }
    }

    /// New devices of a new user.
    pub async fn new(host: &'h mut Host, devices: usize) -> Self {
        Self::new_in(host, devices, Place::Own(new_place())).await
    }

    /// New devices of a new user, in a place.
    pub async fn new_in(host: &'h mut Host, devices: usize, place: Place) -> Self {
        static LOGINS: AtomicU32 = AtomicU32::new(0);
        let login = format!("user{}", LOGINS.fetch_add(1, Ordering::Relaxed));
        let folder = |number| place.path().join(format!("folder{number}"));
        // One more for the witness.
        let folders: Vec<PathBuf> = (0..=devices).map(folder).collect();
        for folder in &folders {
            std::fs::create_dir(folder).unwrap();
        }
        let mut world = Self {
            host,
            devices: Vec::new(),
            grounds: Arc::new(Grounds::new(folders)),
            login,
            place,
        };
        for _ in 0..devices {
            world.add_device().await;
        }
        world
    }

    /// Devices that are there already; none is to be added.
    pub fn of(host: &'h mut Host, devices: Vec<Device>, grounds: Arc<Grounds>) -> Self {
        let place = Place::Given(PathBuf::new());
        Self {
            host,
            devices,
            grounds,
            login: String::new(),
            place,
        }
    }

    async fn add_device(&mut self) {
        let url = match self.devices.first() {
            Some(first) => first.offer().await,
            None => {
                let lifetime = Duration::from_secs(600);
                let invite = self.host.running().invite(lifetime, false).await;
                invite.unwrap().to_string()
            }
        };
        let (line, grounds) = (self.host.line().await, Arc::clone(&self.grounds));
        let (number, place) = (self.devices.len(), self.place.path());
        let device = Device::new(number, &url, &self.login, place, line, grounds).await;
        self.devices.push(device);
    }

    async fn play(&mut self, script: &Script) -> Result<(), Broken> {
        for step in &script.steps {
            note(&step.to_string());
            self.step(step)
                .await
                .map_err(|why| format!("{step}: {why}"))?;
        }
        self.settle().await?;
        let trees = self.trees().await?;
        let kept = oracle::history(&self.witness().await.shared).await;
        let ledger = self.grounds.ledger();
        oracle::check(&trees, &kept, &ledger)?;
        match script.may_forget() {
            true => Ok(()),
            false => oracle::no_doubles(&trees, &ledger),
        }
    }

    pub async fn step(&mut self, step: &Step) -> Result<(), Broken> {
        match step {
            Step::User(device, deed) => self.grounds.deed(*device, deed),
            Step::Hear(device, weather) => self.devices[*device].hear(*weather).await?,
            Step::Told(device, mask) => {
                let places = self.grounds.take_touched(*device, *mask);
                self.devices[*device].told(Scope::Places(places)).await;
            }
            Step::Look(device) => self.devices[*device].told(Scope::Whole).await,
            Step::Pass(device, weather, events) => {
                self.devices[*device].pass(*weather, events).await?;
            }
            Step::Crash(device) => self.devices[*device].crash().await,
            Step::Stop(device) => self.devices[*device].stop().await,
            Step::Wait(device) => self.devices[*device].wait(),
            Step::Unplug(device) => self.grounds.unplug(*device),
            Step::Recopy(device) => self.grounds.recopy(*device),
            Step::Rewind(device) => self.devices[*device].rewind().await,
            Step::Undo(device) => {
                self.devices[*device].decide(Decision::Undo).await;
            }
            Step::Restart => {
                self.host.restart().await;
                self.find_server();
            }
            Step::Restore => {
                if self.host.rewind().await {
                    self.grounds.server_forgets();
                }
                self.find_server();
            }
        }
        Ok(())
    }

    /// The server is somewhere else after a start.
    fn find_server(&self) {
        let address = self.host.running().addr();
        self.devices
            .iter()
            .for_each(|device| device.line.lead_to(address));
    }

    /// The weather is fine, all devices are on, nobody touches anything: all come to rest, and stay
    /// there (C1, C2, S8).
    pub async fn settle(&mut self) -> Result<(), Broken> {
        note("settling");
        for device in 0..self.devices.len() {
            if !self.grounds.is_there(device) {
                self.grounds.unplug(device);
            }
        }
        let (mut quiet, mut why) = (0, String::new());
        for _ in 0..ROUNDS {
            match self.round().await? {
                None => quiet += 1,
                Some(unrest) => (quiet, why) = (0, unrest),
            }
            if quiet == QUIET_ROUNDS {
                return Ok(());
            }
        }
        Err(format!("C2, S8: no rest after {ROUNDS} rounds: {why}"))
    }

    /// Each device hears, looks and acts; says what happened, if anything did.
    async fn round(&mut self) -> Result<Option<String>, Broken> {
        let mut unrest = None;
        for (number, device) in self.devices.iter_mut().enumerate() {
            let mut moved = |what: String| unrest = Some(format!("device {number}: {what}"));
            device.wait();
            device.hear(Weather::default()).await?;
            device.told(Scope::Whole).await;
            let mut passes = 0;
            while let Some(passed) = device.pass(Weather::default(), &[]).await? {
                if passed.done > 0 || passed.trouble.is_some() {
                    moved(format!("{passed:?}"));
                }
                if device.decide(Decision::Approve).await {
                    moved("something was held".to_owned());
                }
                passes += 1;
                if passes > PASSES {
                    return Err(format!("C2: device {number} plans without end: {passed:?}"));
                }
            }
            if let Some(why) = device.program().await.unrest() {
                moved(why);
            }
        }
        Ok(unrest)
    }

    /// What all devices have, and somebody who was not there and sees what the server has.
    async fn trees(&mut self) -> Result<Vec<Tree>, Broken> {
        let number = self.devices.len();
        self.add_device().await;
        let witness = &mut self.devices[number];
        for _ in 0..PASSES {
            witness.hear(Weather::default()).await?;
            if witness.pass(Weather::default(), &[]).await?.is_none() {
                break;
            }
        }
        Ok((0..=number).map(|n| tree(self.grounds.folder(n))).collect())
    }

    /// The program of the last device.
    pub async fn witness(&mut self) -> &mut Program {
        self.devices.last_mut().unwrap().program().await
    }
}
