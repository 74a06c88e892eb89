//! The moments in a pass: the client traces what it is about to do, and here somebody listens.
//!
//! So the product needs no hook: what is traced for people is where the simulation has users act
//! and programs end. A crash is an unwinding of the thread that runs the plan; nothing that comes
//! after it is done.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event as Traced, Level, Metadata, Subscriber};

use super::grounds::Grounds;
use super::script::{At, Deed, Event};

/// The pass that is being listened to; one at a time in this process.
static LISTENING: Mutex<Option<Listening>> = Mutex::new(None);

struct Listening {
    device: usize,
    grounds: Arc<Grounds>,
    passed: usize,
    events: Vec<(usize, Event)>,
    crashed: Arc<Notify>,
}

/// Listens to a pass until it is dropped.
pub struct Listener {
    crashed: Arc<Notify>,
}

impl Listener {
    pub fn new(device: usize, grounds: Arc<Grounds>, events: &[(usize, Event)]) -> Self {
        let crashed = Arc::new(Notify::new());
        let listening = Listening {
            device,
            grounds,
            passed: 0,
            events: events.to_vec(),
            crashed: Arc::clone(&crashed),
        };
        *lock() = Some(listening);
        Self { crashed }
    }

    /// Returns when the pass crashed.
    pub async fn crashed(&self) {
        self.crashed.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        *lock() = None;
    }
}

fn lock() -> std::sync::MutexGuard<'static, Option<Listening>> {
    LISTENING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listening {
    /// Lets happen what is due now that the client is about to touch these names; true for a crash.
    fn reached(&mut self, names: &[String]) -> bool {
        let now = self.passed;
        self.passed += 1;
        let touched = names.iter().find_map(|name| self.place(name));
        let is_due = |(at, event): &(usize, Event)| {
            *at <= now && (touched.is_some() || !matches!(event, Event::Chase(_)))
        };
        let (due, later) = std::mem::take(&mut self.events)
            .into_iter()
            .partition(is_due);
        self.events = later;
        for (_, event) in due {
            match event {
                Event::User(deed) => self.deed(deed),
                Event::Chase(deed) => self.deed(touched.map_or(deed, |place| deed.aimed(place))),
                Event::Crash => {
                    note("crash");
                    self.events.clear();
                    return true;
                }
            }
        }
        false
    }

    fn deed(&self, deed: Deed) {
        note(&format!("{}: in the pass: {deed}", self.device));
        self.grounds.deed(self.device, &deed);
    }

    /// The place a name may belong to: one where there is something, if there is one.
    fn place(&self, name: &str) -> Option<At> {
        let folder = self.grounds.folder(self.device);
        let is_there = |at: &At| {
            let path = folder.join(OsStr::from_bytes(at.bytes()));
            path.symlink_metadata().is_ok()
        };
        let there = At::with_last_name(name).find(is_there);
        there.or_else(|| At::with_last_name(name).next())
    }
}

/// The client is about to touch these names.
fn reached(names: &[String]) {
    if std::thread::panicking() {
        // The program has ended already.
        return;
    }
    let crashed = lock().as_mut().and_then(|listening| {
        listening
            .reached(names)
            .then(|| Arc::clone(&listening.crashed))
    });
    if let Some(crashed) = crashed {
        crashed.notify_one();
        // Quietly: the panic hook is for those that nobody ordered.
        resume_unwind(Box::new("a crash that was ordered"));
    }
}

/// Whether everything is told on stderr.
static TOLD: AtomicBool = AtomicBool::new(false);

/// From now on everything is told on stderr.
pub fn tell_all() {
    TOLD.store(true, Ordering::Relaxed);
}

fn is_told() -> bool {
    TOLD.load(Ordering::Relaxed)
}

pub fn note(text: &str) {
    if is_told() {
        eprintln!("{text}");
    }
}

/// Hears what the client traces.
pub struct Ears;

impl Ears {
    /// From now on everything that this process traces is heard.
    pub fn open() {
        // Set once; a second simulation in one process hears through the first's.
        let _ = tracing::subscriber::set_global_default(Self);
    }
}

/// The parts of the client that run in the thread of a pass and trace what they are about to do.
const STEPS: [&str; 3] = [
    "hythe_client::execute",
    "hythe_client::scan",
    "hythe_client::os",
];

fn is_step(about: &Metadata<'_>) -> bool {
    *about.level() == Level::TRACE && STEPS.iter().any(|part| about.target().starts_with(part))
}

impl Subscriber for Ears {
    fn register_callsite(&self, about: &'static Metadata<'static>) -> Interest {
        // What is told may change; what nobody wants ever is never asked about again.
        match about.target().starts_with("hythe") {
            true => Interest::sometimes(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, about: &Metadata<'_>) -> bool {
        let target = about.target();
        is_step(about) || (is_told() && target.starts_with("hythe"))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Traced<'_>) {
        let about = event.metadata();
        let mut words = Words::default();
        event.record(&mut words);
        note(&format!("    {} {}", about.target(), words.text));
        if is_step(about) {
            reached(&words.names);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Words {
    text: String,
    names: Vec<String>,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{}={value:?} ", field.name());
        if matches!(field.name(), "name" | "from" | "to" | "one" | "other") {
            self.names.push(format!("{value:?}"));
        }
    }
}
