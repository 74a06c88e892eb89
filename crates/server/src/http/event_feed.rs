//! What feeds an event stream: first what happened since the reader's positions, then what
//! happens, with the reader's rights looked at again and again.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use hythe_model::{AccountId, Cursor, Head, SpaceId};
use hythe_wire::event::{Event, EventsRequest, Goodbye};
use hythe_wire::frame;
use hythe_wire::limits::{MAX_EVENT_INLINE_BYTES, MAX_LOG_PAGE};
use hythe_wire::space::{RoleName, SpaceView};

use super::app::Shared;
use super::stream::PAGE_BYTES;
use crate::files::{Denied, FilesError, LogEntry, Principal};
use crate::notify::Notice;

/// One reader's stream.
pub(super) struct Feed {
    app: Shared,
    reader: Principal,
    notices: Receiver<Notice>,
    /// The position up to which each followed space was sent.
    spaces: BTreeMap<SpaceId, Cursor>,
    /// The position up to which the reader's own account was sent.
    account: Cursor,
    /// The spaces the reader is a member of, and when that was looked up.
    member_of: BTreeMap<SpaceId, Part>,
    /// Whether that was looked up before: what an account was invited to earlier is no news.
    has_looked: bool,
    looked_up: Instant,
    out: mpsc::Sender<Bytes>,
    sent: Instant,
}

/// Whether an account takes part in a space it is a member of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// It does.
    Taken,
    /// It was invited and has not said so.
    Offered,
}

/// A step goes on, or says why the stream ends.
type Step = Result<(), Goodbye>;

impl Feed {
    /// A feed that goes on from the positions of a request.
    pub(super) fn new(
        app: Shared,
        reader: Principal,
        notices: Receiver<Notice>,
        request: EventsRequest,
        out: mpsc::Sender<Bytes>,
    ) -> Self {
        let now = Instant::now();
        Self {
            app,
            reader,
            notices,
            spaces: request
                .spaces
                .iter()
                .map(|at| (at.space, at.head.cursor))
                .collect(),
            account: request.account.cursor,
            member_of: request
                .spaces
                .iter()
                .map(|at| (at.space, Part::Taken))
                .collect(),
            has_looked: false,
            looked_up: now,
            out,
            sent: now,
        }
    }

    /// Sends until the stream ends, and says why it does.
    pub(super) async fn run(mut self) -> Goodbye {
        match self.feed().await {
            Ok(never) => match never {},
            Err(why) => why,
        }
    }

    async fn feed(&mut self) -> Result<std::convert::Infallible, Goodbye> {
        let epoch = self.app.files.epoch();
        self.send(&Event::Welcome { epoch }).await?;
        self.catch_up().await?;
        self.send(&Event::Current).await?;
        let limits = self.app.limits.clone();
        let mut recheck = tokio::time::interval(limits.recheck);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let out = self.out.clone();
        let stop = self.app.stop.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Goodbye::Stopping),
                () = out.closed() => return Err(Goodbye::Stopping),
                _ = recheck.tick() => self.recheck().await?,
                notice = self.notices.recv() => self.notice(notice).await?,
                () = tokio::time::sleep_until(self.sent + limits.heartbeat) => {
                    self.send(&Event::Heartbeat).await?;
                }
            }
        }
    }

    /// Does what a notice asks for.
    async fn notice(&mut self, notice: Result<Notice, RecvError>) -> Step {
        match notice {
            Ok(Notice::Changed {
                space,
                head,
                change_set,
            }) => self.changed(space, head, change_set).await,
            Ok(Notice::Account { account, head, .. }) if account != self.reader.account() => {
                self.fellow_grew(account, head).await
            }
            Ok(Notice::Account { .. }) => self.catch_up_account().await,
            Ok(Notice::DeviceRemoved { device, .. }) if device == self.reader.device() => {
                Err(Goodbye::Unauthenticated)
            }
            Ok(Notice::Spaces { account }) if account == self.reader.account() => {
                self.look_up_spaces().await
            }
            Ok(Notice::Standing { account }) if account == self.reader.account() => {
                self.recheck().await
            }
            Ok(Notice::Parcel { space }) if self.spaces.contains_key(&space) => {
                self.send(&Event::Parcel { space }).await
            }
            Ok(Notice::Parcel { .. }) => Ok(()),
            Ok(Notice::DeviceRemoved { .. } | Notice::Spaces { .. } | Notice::Standing { .. }) => {
                Ok(())
            }
            Ok(Notice::Lost) | Err(RecvError::Lagged(_)) => self.catch_up().await,
            Err(RecvError::Closed) => Err(Goodbye::Stopping),
        }
    }

    /// Checks that the device still has its rights.
    async fn recheck(&self) -> Step {
        self.app
            .files
            .still_valid(&self.reader)
            .await
            .map_err(|error| ending(&error))
    }

    /// Sends whatever the logs hold after the reader's positions.
    async fn catch_up(&mut self) -> Step {
        self.look_up_spaces().await?;
        let followed: Vec<SpaceId> = self.spaces.keys().copied().collect();
        for space in followed {
            self.catch_up_space(space).await?;
        }
        self.catch_up_account().await
    }

    /// A space has a new change set.
    async fn changed(&mut self, space: SpaceId, head: Head, change_set: Option<Bytes>) -> Step {
        let Some(at) = self.spaces.get(&space).copied() else {
            return Ok(());
        };
        if head.cursor <= at {
            return Ok(());
        }
        if self.looked_up.elapsed() >= self.app.limits.recheck {
            self.look_up_spaces().await?;
        }
        match change_set {
            Some(bytes) if head.cursor == at.next() && self.spaces.contains_key(&space) => {
                self.send_change(space, head, bytes).await
            }
            // A gap, or too large for a notice: read it.
            _ => self.catch_up_space(space).await,
        }
    }

    /// Sends what a space's log holds after the reader's position.
    async fn catch_up_space(&mut self, space: SpaceId) -> Step {
        while let Some(from) = self.spaces.get(&space).copied() {
            let files = self.app.files.clone();
            let page = files
                .changes(&self.reader, space, from, MAX_LOG_PAGE, PAGE_BYTES)
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) if is_gone(&error) => return self.left(space).await,
                Err(error) => return Err(ending(&error)),
            };
            if page.entries.is_empty() {
                break;
            }
            for LogEntry {
                head, change_set, ..
            } in page.entries
            {
                self.send_change(space, head, change_set).await?;
            }
        }
        Ok(())
    }

    async fn send_change(&mut self, space: SpaceId, head: Head, change_set: Bytes) -> Step {
        let change_set = inline(change_set);
        self.send(&Event::Change {
            space,
            head,
            change_set,
        })
        .await?;
        self.spaces.insert(space, head.cursor);
        Ok(())
    }

    /// The log of another account grew. Whoever is in a space with it has to know.
    async fn fellow_grew(&mut self, account: AccountId, head: Head) -> Step {
        let fellows = self
            .app
            .files
            .fellows(&self.reader)
            .await
            .map_err(|error| ending(&error))?;
        if fellows.iter().any(|(fellow, _)| *fellow == account) {
            self.send(&Event::Account {
                account,
                head,
                change_set: None,
            })
            .await?;
        }
        Ok(())
    }

    /// Sends what the reader's own account holds after its position.
    async fn catch_up_account(&mut self) -> Step {
        let account = self.reader.account();
        loop {
            let (from, files) = (self.account, self.app.files.clone());
            let page = files
                .account_log(&self.reader, account, from, MAX_LOG_PAGE, PAGE_BYTES)
                .await;
            let page = page.map_err(|error| ending(&error))?;
            if page.entries.is_empty() {
                return Ok(());
            }
            for LogEntry {
                head, change_set, ..
            } in page.entries
            {
                let change_set = inline(change_set);
                self.send(&Event::Account {
                    account,
                    head,
                    change_set,
                })
                .await?;
                self.account = head.cursor;
            }
        }
    }

    /// Looks up what the reader is a member of, and tells what changed.
    async fn look_up_spaces(&mut self) -> Step {
        let views = self.app.files.spaces(&self.reader).await;
        let views = views.map_err(|error| ending(&error))?;
        self.looked_up = Instant::now();
        let part = |view: &SpaceView| match view.invitation {
            Some(_) => Part::Offered,
            None => Part::Taken,
        };
        // Nothing is told to who may only put files.
        let is_told = |view: &&SpaceView| view.invitation.is_some() || view.role != RoleName::Drop;
        let told = views.iter().filter(is_told);
        let now: BTreeMap<SpaceId, Part> = told.map(|v| (v.id, part(v))).collect();
        let before = std::mem::replace(&mut self.member_of, now.clone());
        for space in before.keys().filter(|space| !now.contains_key(space)) {
            self.left(*space).await?;
        }
        for (space, part) in now {
            let told = self.has_looked || part == Part::Taken;
            if told && before.get(&space) != Some(&part) {
                self.send(&Event::SpaceJoined { space }).await?;
            }
        }
        self.has_looked = true;
        Ok(())
    }

    async fn left(&mut self, space: SpaceId) -> Step {
        self.member_of.remove(&space);
        self.spaces.remove(&space);
        self.send(&Event::SpaceLeft { space }).await
    }

    /// Queues an event. A reader that does not take the one before for long is sent away: it
    /// resumes from its positions, so nothing has to be kept for it.
    async fn send(&mut self, event: &Event) -> Step {
        let sending = self.out.send(frame::frame(event));
        match tokio::time::timeout(self.app.limits.slow_reader, sending).await {
            Ok(Ok(())) => {
                self.sent = Instant::now();
                Ok(())
            }
            Ok(Err(_)) => Err(Goodbye::Stopping),
            Err(_) => Err(Goodbye::TooSlow),
        }
    }
}

/// The change set, unless it is too large for an event.
fn inline(change_set: Bytes) -> Option<hythe_wire::ByteVec> {
    (change_set.len() <= MAX_EVENT_INLINE_BYTES).then(|| change_set.to_vec().into())
}

/// Whether the reader may not know of it, be it there or not.
pub(super) fn is_gone(error: &FilesError) -> bool {
    matches!(
        error,
        FilesError::NotFound(_) | FilesError::Denied(Denied::NotAMember | Denied::Role)
    )
}

/// Why the stream ends after an error.
fn ending(error: &FilesError) -> Goodbye {
    match error {
        FilesError::Denied(_) => Goodbye::Unauthenticated,
        _ => Goodbye::Stopping,
    }
}
