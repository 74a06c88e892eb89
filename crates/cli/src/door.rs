//! Whom a command asks: the daemon where one runs, and otherwise the same loop in this process,
//! under the home's lock, for as long as the command takes.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_client::daemon::{self, Daemon, Options};
use hythe_client::home::{Home, HomeError, LockedHome};
use hythe_client::link::Visit;
use hythe_control::{CallError, Caller, Event, Reply, Request};
use hythe_model::LinkKind;

use crate::error::Trouble;

/// A command in the daemon's place is short; who holds the lock longer without answering is not.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a lock that is taken.
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// What the loop does besides answering, where it runs in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Answer only: the sync folders stay as they are.
    Answer,
    /// Sync the folders as the daemon would.
    Sync,
}

/// Who uses the home.
pub enum Use {
    /// A daemon, which answers.
    Daemon(Caller),
    /// This process, from now on.
    Ours(LockedHome),
}

/// Somebody who answers requests.
pub struct Door {
    caller: Caller,
    own: Option<Daemon>,
    /// What is read is there to be looked at only.
    view: bool,
}

impl Door {
    /// Finds the daemon, or takes its place.
    pub async fn open(work: Work) -> Result<Self, Trouble> {
        match take(home()?).await? {
            Use::Daemon(caller) => Ok(Self {
                caller,
                own: None,
                view: false,
            }),
            Use::Ours(home) => {
                let options = Options {
                    folders: work == Work::Sync,
                    ..Options::default()
                };
                let own = daemon::start(home, options).await.map_err(start_trouble)?;
                let caller = Caller::within(own.service())?;
                Ok(Self {
                    caller,
                    own: Some(own),
                    view: false,
                })
            }
        }
    }

    /// A link, which answers for itself.
    pub fn of_link(visit: Visit) -> Result<Self, Trouble> {
        let view = visit.kind() == LinkKind::View;
        Ok(Self {
            caller: Caller::within(Arc::new(visit))?,
            own: None,
            view,
        })
    }

    /// Whether what is read is there to be looked at only.
    pub fn is_view(&self) -> bool {
        self.view
    }

    /// Whether a daemon answers, and not this process.
    pub fn is_daemon(&self) -> bool {
        self.own.is_none()
    }

    /// Asks for one reply.
    pub async fn ask(&mut self, request: Request) -> Result<Reply, Trouble> {
        self.follow(request, None, |_| ()).await
    }

    /// Asks, with a descriptor for content, and hands on what is told before the reply.
    pub async fn follow(
        &mut self,
        request: Request,
        attachment: Option<BorrowedFd<'_>>,
        on_event: impl FnMut(Event),
    ) -> Result<Reply, Trouble> {
        Ok(self.caller.call(&request, attachment, on_event).await?)
    }

    /// Ends what was started for the command.
    pub async fn close(self) {
        drop(self.caller);
        if let Some(own) = self.own {
            own.stop().await;
        }
    }
}

/// Opens a door, asks once, closes it.
pub async fn ask(work: Work, request: Request) -> Result<Reply, Trouble> {
    follow(work, request, |_| ()).await
}

/// The same, handing on what is told before the reply.
pub async fn follow(
    work: Work,
    request: Request,
    on_event: impl FnMut(Event),
) -> Result<Reply, Trouble> {
    let mut door = Door::open(work).await?;
    let reply = door.follow(request, None, on_event).await;
    door.close().await;
    reply
}

/// A reply that does not belong to its request: the daemon is of another mind than we are.
pub fn unexpected(reply: &Reply) -> Trouble {
    Trouble::failed("The daemon answered something else than was asked.")
        .cause(format!("{reply:?}"))
        .next("Stop it with `hythe daemon stop` and start it again.")
}

/// The client's home, made when missing.
pub fn home() -> Result<Home, Trouble> {
    Home::place_from_environment()
        .and_then(Home::open)
        .map_err(home_trouble)
}

/// Takes the home, or finds the daemon that has it. Waits for a command in the daemon's place.
pub async fn take(home: Home) -> Result<Use, Trouble> {
    let begin = Instant::now();
    loop {
        match Caller::connect(home.directory()) {
            Ok(caller) => return Ok(Use::Daemon(caller)),
            Err(CallError::NotRunning) => (),
            Err(error) => return Err(error.into()),
        }
        match home.clone().lock() {
            Ok(locked) => return Ok(Use::Ours(locked)),
            Err(HomeError::Taken { .. }) if begin.elapsed() < LOCK_PATIENCE => (),
            Err(error) => return Err(home_trouble(error)),
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

/// Takes the home for a daemon; another one that has it is named.
pub async fn take_for_daemon(home: Home) -> Result<LockedHome, Trouble> {
    match take(home).await? {
        Use::Ours(home) => Ok(home),
        Use::Daemon(mut caller) => {
            let holder = match caller.call(&Request::Status, None, |_| ()).await {
                Ok(Reply::Status(status)) => format!("process {}", status.pid),
                _ => "another process".to_owned(),
            };
            Err(Trouble::failed(format!("A daemon runs already: {holder}."))
                .next("Use it, or stop it with `hythe daemon stop`."))
        }
    }
}

/// A home that cannot be used.
pub fn home_trouble(error: HomeError) -> Trouble {
    let trouble = Trouble::failed("Hythe's home cannot be used.");
    match &error {
        HomeError::NoPlace => trouble
            .because(error)
            .next("Set HYTHE_HOME to a directory."),
        HomeError::Taken { .. } => trouble
            .because(error)
            .next("Wait until that process has ended, and try again."),
        HomeError::Io { .. } => trouble
            .because(error)
            .next("Make the directory writable, or set HYTHE_HOME."),
    }
}

/// A loop that did not start.
pub fn start_trouble(error: daemon::StartError) -> Trouble {
    match &error {
        daemon::StartError::NotEnrolled => {
            Trouble::failed("This device is not connected to a server.").next(
                "Run `hythe connect URL` with a URL from `hythe devices add` or `hythe admin \
                 invite`, or `hythe up` to have a server here.",
            )
        }
        daemon::StartError::Removed(_) => {
            Trouble::failed("This device was removed from its account and wiped.")
                .because(error)
                .next(
                    "To begin anew here: `hythe connect URL` with a URL from `hythe devices add`.",
                )
        }
        _ => Trouble::failed("Hythe could not start.").because(error),
    }
}
