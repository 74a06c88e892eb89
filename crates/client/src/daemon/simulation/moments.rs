//! The moments between the steps of a plan: the client traces each step, and here somebody listens.
//!
//! So the product needs no hook: what is traced for people is where the simulation has users act
//! and programs end. A crash is an unwinding of the thread that runs the plan; nothing that comes
//! after it in the plan is done.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event as Traced, Level, Metadata, Subscriber};

use super::grounds::Grounds;
use super::script::Event;

/// The pass that is being listened to; one at a time in this process.
static LISTENING: Mutex<Option<Listening>> = Mutex::new(None);

struct Listening {
    device: usize,
    grounds: Arc<Grounds>,
    passed: usize,
    events: VecDeque<(usize, Event)>,
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
            events: events.iter().copied().collect(),
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

/// Lets happen what is due at this moment.
fn reached() {
    let mut crashed = None;
    if let Some(listening) = lock().as_mut() {
        let now = listening.passed;
        listening.passed += 1;
        while let Some((_, event)) = listening.events.pop_front_if(|(at, _)| *at <= now) {
            match event {
                Event::User(deed) => {
                    note(&format!("{}: in the pass: {deed}", listening.device));
                    listening.grounds.deed(listening.device, &deed);
                }
                Event::Crash => {
                    listening.events.clear();
                    crashed = Some(Arc::clone(&listening.crashed));
                }
            }
        }
    }
    if let Some(crashed) = crashed {
        note("crash");
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

const STEPS: &str = "hythe_client::execute";

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
        target.starts_with(STEPS) || (is_told() && target.starts_with("hythe"))
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Traced<'_>) {
        let about = event.metadata();
        if is_told() {
            let mut words = Words(String::new());
            event.record(&mut words);
            eprintln!("    {} {}", about.target(), words.0);
        }
        if about.target().starts_with(STEPS) && *about.level() == Level::TRACE {
            reached();
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}
