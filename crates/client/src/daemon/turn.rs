//! The daemon's one loop: everything that changes its state, one event at a time.
//!
//! Nothing here waits for disk, network or processor: what does is started and tells its end as
//! another event.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_control::{Decision, Failure, FailureKind, WaitOutcome, Waited};
use hythe_model::{Cursor, NodeId, TreePath};
use tokio::sync::{mpsc, oneshot};

use super::event::{Ask, Event, NOT_YET, Passing, Trouble};
use super::fence::{Fence, Standing};
use super::folder::{Folder, REOPEN};
use super::memory::Leftovers;
use super::open::{OpenFailure, OpenFolder};
use super::seek::Seek;
use super::shared::{Shared, now_ms};
use super::work::Scope;
use super::{jobs, status};
use crate::disk::Moved;
use crate::state::{FolderNumber, SpaceNumber};

/// A `wait` under way, with the pass of each folder that counts as a look at its disk.
struct Waiting {
    number: u64,
    fence: Fence,
    from_pass: BTreeMap<FolderNumber, u64>,
    asking: bool,
    ask_again: Option<Instant>,
    reply: oneshot::Sender<Waited>,
}

/// How long until the server is asked again where its logs stand, when it could not be.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The state of the daemon.
pub struct Turn {
    shared: Arc<Shared>,
    events: mpsc::UnboundedSender<Event>,
    pub folders: BTreeMap<FolderNumber, Folder>,
    pub paused: bool,
    /// Whether folders are synced at all, or requests answered only.
    syncing: bool,
    pub server: Result<(), Trouble>,
    pub server_since_ms: i64,
    pub keys_pending: Option<String>,
    waiting: Vec<Waiting>,
    releasing: Vec<(FolderNumber, oneshot::Sender<()>)>,
    fences: u64,
    leftovers: Leftovers,
}

impl Turn {
    pub fn new(
        shared: Arc<Shared>,
        events: mpsc::UnboundedSender<Event>,
        folders: BTreeMap<FolderNumber, Folder>,
        paused: bool,
        syncing: bool,
    ) -> Self {
        let server = Err(Trouble::Away(NOT_YET.to_owned()));
        Self {
            shared,
            events,
            folders,
            paused,
            syncing,
            server,
            server_since_ms: now_ms(),
            keys_pending: None,
            waiting: Vec::new(),
            releasing: Vec::new(),
            fences: 0,
            leftovers: Leftovers::default(),
        }
    }

    /// Runs until nobody can tell it anything more, or `stop` says so.
    pub async fn run(
        mut self,
        mut told: mpsc::UnboundedReceiver<Event>,
        mut stop: tokio::sync::watch::Receiver<bool>,
    ) {
        loop {
            self.start_what_is_due(Instant::now());
            self.answer_waiting(Instant::now());
            let wake = tokio::time::sleep_until(self.next_wakeup().into());
            tokio::select! {
                event = told.recv() => match event {
                    Some(event) => self.handle(event),
                    None => return,
                },
                () = wake => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        self.end(&mut told).await;
    }

    /// Ends in order: what is under way is finished, and noted what the next start may rely on.
    pub async fn end(&mut self, told: &mut mpsc::UnboundedReceiver<Event>) {
        self.let_passes_end(told).await;
        self.close_folders().await;
        // Last: beginning a period forgets what was noted.
        self.note_settled().await;
    }

    /// A folder that is closed begins another period of use, so that a copy of the state that was
    /// made while it was open is known for one (SC-142).
    async fn close_folders(&self) {
        for folder in self.folders.values() {
            if let Some(open) = &folder.open {
                jobs::close(&self.shared, folder.number, Arc::clone(open)).await;
            }
        }
    }

    /// A pass that runs is let come to its end: what it does is worth recording. Whoever asks for
    /// something meanwhile is hung up on.
    async fn let_passes_end(&mut self, told: &mut mpsc::UnboundedReceiver<Event>) {
        while self.is_running() {
            match told.recv().await {
                Some(Event::Ask(_)) => {}
                Some(event) => self.handle(event),
                None => return,
            }
        }
        while let Ok(event) = told.try_recv() {
            if !matches!(event, Event::Ask(_)) {
                self.handle(event);
            }
        }
    }

    /// Notes the folders of which nothing is open, so that the next start need not compare all their
    /// rows. A change set that is folded after this moves the log on from the noted position.
    async fn note_settled(&self) {
        let told = |space| {
            let space = self.shared.space(space);
            space.is_some_and(|space| space.replica.has_told_all())
        };
        let settled: Vec<(FolderNumber, Cursor)> = self
            .folders
            .values()
            .filter(|folder| folder.is_equal() && told(folder.row.space))
            .map(|folder| (folder.number, folder.cursor))
            .collect();
        let noted = self.shared.state.write(move |tx| {
            settled
                .iter()
                .try_for_each(|(folder, cursor)| tx.note_settled(*folder, *cursor))
        });
        if let Err(error) = noted.await {
            tracing::debug!("the next start compares everything: {error}");
        }
    }

    /// Takes note of one event.
    pub fn handle(&mut self, event: Event) {
        match event {
            Event::Ask(ask) => self.answer(ask),
            Event::Opened(number, result) => self.opened(number, *result),
            Event::Sought(number, found) => self.sought(number, found),
            Event::Disk(number, scope, writing) => self.disk(number, scope, writing),
            Event::Transferred(number, nodes) => {
                self.leftovers.transferred(Instant::now());
                if let Some(folder) = self.folders.get_mut(&number) {
                    folder.work.saw_log(nodes);
                }
            }
            Event::Folded(space, nodes, head) => self.folded(space, &nodes, head),
            Event::Rebased(space) => self.rebased(space),
            Event::Server(server) => self.server(server),
            Event::Keys(pending) => self.keys_pending = pending,
            Event::Heads(fence, heads) => self.heads(fence, heads),
            Event::Passed(number, passing) => self.passed(number, *passing),
        }
    }

    /// Opens folders and begins passes that are due.
    pub fn start_what_is_due(&mut self, now: Instant) {
        for folder in self.folders.values_mut().filter(|_| self.syncing) {
            let away = folder
                .away
                .as_ref()
                .is_some_and(|away| away.again.is_none_or(|at| at > now));
            if let Some(hint) = folder.seek().and_then(|seek| seek.begin(now)) {
                jobs::seek(&self.shared, &self.events, folder.number, hint);
            }
            if folder.open.is_none() && !folder.opening && !away {
                folder.opening = true;
                jobs::open(&self.shared, &self.events, folder);
            }
            let Some(open) = &folder.open else { continue };
            let open = Arc::clone(open);
            if self.paused || folder.row.paused || self.shared.over(folder.row.space).is_some() {
                continue;
            }
            if let Some(mut order) = folder.work.begin(now) {
                // What is held is planned along every time: only a plan says what still has to wait.
                order
                    .nodes
                    .extend(folder.held.iter().flat_map(|held| &held.plan.nodes));
                folder.passes += 1;
                jobs::pass(&self.shared, &self.events, folder, &open, now, order);
            }
        }
        if !self.is_running() && self.leftovers.is_due(now) {
            jobs::give_memory_back(&self.shared);
        }
        for waiting in &mut self.waiting {
            let due = waiting.ask_again.is_none_or(|at| at <= now);
            if waiting.fence.wants_heads() && !waiting.asking && due {
                waiting.asking = true;
                jobs::heads(&self.shared, &self.events, waiting.number);
            }
        }
    }

    fn is_running(&self) -> bool {
        self.folders.values().any(|folder| folder.work.is_running())
    }

    fn next_wakeup(&self) -> Instant {
        let folders = self.folders.values().flat_map(|folder| {
            let away = folder.away.as_ref();
            let seek = away.and_then(|away| away.seek.as_ref());
            [
                folder.work.next_wakeup().filter(|_| folder.open.is_some()),
                away.and_then(|away| away.again),
                seek.and_then(Seek::next_wakeup),
            ]
        });
        let waits = self
            .waiting
            .iter()
            .flat_map(|w| [w.fence.deadline(), w.ask_again]);
        // Far enough to cost nothing, near enough not to overflow.
        let never = Instant::now() + Duration::from_secs(24 * 3600);
        // While a pass runs its end wakes the loop.
        let leftovers = self.leftovers.next_wakeup().filter(|_| !self.is_running());
        folders
            .chain(waits)
            .chain([leftovers])
            .flatten()
            .min()
            .unwrap_or(never)
    }

    fn opened(&mut self, number: FolderNumber, result: Result<OpenFolder, OpenFailure>) {
        let Some(folder) = self.folders.get_mut(&number) else {
            return;
        };
        folder.opening = false;
        match result {
            Ok(open) => {
                let open = Arc::new(open);
                jobs::watch(&self.events, number, &open);
                folder.away = None;
                if open.settled {
                    folder.work.saw_disk(Scope::Whole);
                    folder.work.hurry();
                } else {
                    folder.work.start_over();
                }
                folder.open = Some(open);
            }
            Err(error) => {
                let again = error.may_pass().then(|| Instant::now() + REOPEN);
                let seek = error.may_be_elsewhere().then(|| Seek::new(None));
                folder.close(error.to_string(), again, seek);
            }
        }
    }

    fn sought(&mut self, number: FolderNumber, found: Option<Moved>) {
        if let Some(seek) = self.folders.get_mut(&number).and_then(Folder::seek) {
            seek.end(Instant::now(), found);
        }
    }

    fn disk(&mut self, number: FolderNumber, scope: Scope, writing: BTreeSet<TreePath>) {
        if let Some(folder) = self.folders.get_mut(&number) {
            folder.work.saw_disk(scope);
            folder.work.saw_writing(Instant::now(), writing);
        }
    }

    fn folded(&mut self, space: SpaceNumber, nodes: &BTreeSet<NodeId>, head: Cursor) {
        if self.syncing && !nodes.is_empty() {
            self.shared.capsules.note(space, nodes.iter().copied());
        }
        for folder in self
            .folders
            .values_mut()
            .filter(|folder| folder.row.space == space)
        {
            if nodes.is_empty() && folder.work.is_idle() {
                folder.cursor = folder.cursor.max(head);
            }
            folder.work.saw_log(nodes.iter().copied());
        }
    }

    fn rebased(&mut self, space: SpaceNumber) {
        if self.syncing {
            self.shared.capsules.note_all(space);
        }
        for folder in self
            .folders
            .values_mut()
            .filter(|folder| folder.row.space == space)
        {
            folder.cursor = Cursor::START;
            folder.work.start_over();
        }
    }

    fn server(&mut self, server: Result<(), Trouble>) {
        if server.is_ok() && self.server.is_err() {
            self.folders
                .values_mut()
                .for_each(|folder| folder.work.hurry());
        }
        if server.is_ok() != self.server.is_ok() {
            self.server_since_ms = now_ms();
        }
        self.server = server;
    }

    fn heads(&mut self, fence: u64, heads: Result<BTreeMap<SpaceNumber, Cursor>, String>) {
        let Some(waiting) = self.waiting.iter_mut().find(|w| w.number == fence) else {
            return;
        };
        waiting.asking = false;
        match heads {
            Ok(heads) => waiting.fence.heads(heads),
            Err(reason) => {
                waiting.fence.unreachable(reason);
                waiting.ask_again = Some(Instant::now() + ASK_AGAIN);
            }
        }
    }

    fn passed(&mut self, number: FolderNumber, passing: Passing) {
        let Passing {
            number: pass,
            order,
            result,
            led,
        } = passing;
        let Some(folder) = self.folders.get_mut(&number) else {
            return;
        };
        let now = Instant::now();
        let whole = order.scope == Scope::Whole;
        let mut folded = BTreeSet::new();
        let space = folder.row.space;
        match result {
            Ok(mut report) => {
                folded = std::mem::take(&mut report.run.folded);
                self.leftovers.passed(now, report.run.done);
                folder.passed(now, now_ms(), &order, report);
                let seen =
                    |w: &&mut Waiting| w.from_pass.get(&number).is_some_and(|at| pass >= *at);
                if whole {
                    self.waiting
                        .iter_mut()
                        .filter(seen)
                        .for_each(|w| w.fence.looked(number));
                }
            }
            Err(error) => folder.failed(now, order, &error, led),
        }
        if !folded.is_empty() {
            self.folded(space, &folded, Cursor::START);
        }
        self.release();
    }

    /// Lets go the folders that were asked for and on which nothing runs.
    fn release(&mut self) {
        let asked = std::mem::take(&mut self.releasing);
        for (number, reply) in asked {
            let busy = self
                .folders
                .get(&number)
                .is_some_and(|f| f.work.is_running() || f.opening);
            if busy {
                self.releasing.push((number, reply));
            } else {
                self.folders.remove(&number);
                // Whoever asked may have hung up; the folder is let go all the same.
                let _ = reply.send(());
            }
        }
    }

    fn answer_waiting(&mut self, now: Instant) {
        if self.waiting.is_empty() {
            return;
        }
        let trouble = self.server.as_ref().err().map(Trouble::reason);
        let refused = matches!(self.server, Err(Trouble::Refused(_)));
        let standing = |folder: &Folder| match (trouble, self.shared.over(folder.row.space)) {
            (_, Some(over)) => Standing::Stopped(over),
            (Some(reason), None) if refused => Standing::Stopped(reason.to_owned()),
            _ => folder.standing(self.paused, trouble),
        };
        let standings: BTreeMap<FolderNumber, (SpaceNumber, Standing)> = self
            .folders
            .iter()
            .map(|(number, folder)| (*number, (folder.row.space, standing(folder))))
            .collect();
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting.fence.answer(now, &standings) {
                // Whoever asked may have hung up.
                Some(waited) => drop(waiting.reply.send(self.with_left_out(waited))),
                None if waiting.reply.is_closed() => {}
                None => self.waiting.push(waiting),
            }
        }
    }

    /// All that can be synced is. What cannot (a pipe, a name that no other device could hold) is
    /// settled as well, and somebody has to know of it.
    fn with_left_out(&self, waited: Waited) -> Waited {
        let count = |number: &FolderNumber| {
            let count = self.shared.state.read(|rows| rows.count_lasting(*number));
            // For people only: the state's own trouble shows wherever it is written.
            count.unwrap_or_default()
        };
        let left_out: u64 = self.folders.keys().map(count).sum();
        if waited.outcome != WaitOutcome::Synced || left_out == 0 {
            return waited;
        }
        let items = if left_out == 1 {
            "item is"
        } else {
            "items are"
        };
        Waited {
            outcome: WaitOutcome::Attention,
            reason: Some(format!("all else is synced; {left_out} {items} not")),
        }
    }

    fn answer(&mut self, ask: Ask) {
        // A reply that nobody receives any more needs no care: whoever asked has hung up.
        match ask {
            Ask::Status(reply) => drop(reply.send(status::of(self, &self.shared))),
            Ask::Wait(limit, reply) => self.wait(limit, reply),
            Ask::Pause(paused, reply) => self.pause(paused, reply),
            Ask::Held(reply) => {
                let held = self
                    .folders
                    .values()
                    .filter_map(Folder::held_change)
                    .collect();
                drop(reply.send(held));
            }
            Ask::Decide(id, decision, reply) => drop(reply.send(self.decide(id, decision))),
            Ask::Added(number, reply) => self.added(number, reply),
            Ask::Release(number, reply) => {
                self.releasing.push((number, reply));
                self.release();
            }
            Ask::Passes(reply) => drop(reply.send(self.passes())),
            Ask::Folder(number, reply) => drop(reply.send(self.setting(number))),
        }
    }

    fn wait(&mut self, limit: Option<Duration>, reply: oneshot::Sender<Waited>) {
        self.fences += 1;
        let mut from_pass = BTreeMap::new();
        for (number, folder) in &mut self.folders {
            folder.work.saw_disk(Scope::Whole);
            folder.work.hurry();
            from_pass.insert(*number, folder.passes + 1);
        }
        self.waiting.push(Waiting {
            number: self.fences,
            fence: Fence::new(
                limit.map(|limit| Instant::now() + limit),
                self.folders.keys().copied(),
            ),
            from_pass,
            asking: false,
            ask_again: None,
            reply,
        });
    }

    fn pause(&mut self, paused: bool, reply: oneshot::Sender<Result<(), Failure>>) {
        self.paused = paused;
        if !paused {
            for folder in self.folders.values_mut() {
                folder.away = None;
                folder.work.start_over();
            }
        }
        jobs::remember_pause(&self.shared, paused, reply);
    }

    fn decide(&mut self, id: Option<u64>, decision: Decision) -> Result<(), Failure> {
        let mut any = false;
        for folder in self.folders.values_mut() {
            let Some(held) = folder
                .held
                .take_if(|held| id.is_none_or(|id| held.id == id))
            else {
                continue;
            };
            any = true;
            match decision {
                Decision::Approve => {
                    folder.approved = true;
                    folder.work.saw_log(held.plan.nodes.iter().copied());
                    folder.work.start_over();
                }
                Decision::Undo => jobs::undo(&self.shared, &self.events, folder, held.plan.nodes),
            }
        }
        if any {
            return Ok(());
        }
        Err(Failure::new(
            FailureKind::NotFound,
            "Nothing is held under that number",
        ))
    }

    fn added(
        &mut self,
        number: FolderNumber,
        reply: oneshot::Sender<Option<hythe_control::FolderStatus>>,
    ) {
        if let Ok(Some(row)) = self.shared.state.read(|rows| rows.folder(number)) {
            self.folders
                .insert(number, Folder::new(number, row, self.shared.seed()));
            // Its first pass looks at everything.
            for waiting in &mut self.waiting {
                waiting.from_pass.insert(number, 1);
                waiting.fence.add(number);
            }
        }
        let status = self
            .folders
            .get(&number)
            .map(|folder| status::folder(self, folder, &self.shared));
        drop(reply.send(status));
    }

    fn passes(&mut self) -> Vec<(std::path::PathBuf, crate::pass::Pass)> {
        let now = Instant::now();
        let mut passes = Vec::new();
        for folder in self.folders.values_mut() {
            if let Some(open) = folder.open.clone() {
                let path = folder.row.path.clone();
                passes.extend(jobs::pass_over(&self.shared, folder, &open, now).map(|p| (path, p)));
            }
        }
        passes
    }

    fn setting(&self, number: FolderNumber) -> Option<crate::execute::Setting> {
        let folder = self.folders.get(&number)?;
        jobs::setting(&self.shared, folder, folder.open.as_ref()?)
    }
}

impl Trouble {
    /// What is wrong, as one sentence.
    pub fn reason(&self) -> &str {
        match self {
            Self::Away(reason) | Self::Refused(reason) => reason,
        }
    }
}
