//! The control door: each request is a question to the loop or work of its own.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use hythe_control::{Event as Told, Events, Failure, FailureKind, Reply, Request, Service};
use tokio::sync::{mpsc, oneshot, watch};

use super::event::{Ask, Event, NOT_YET};
use super::shared::Shared;
use super::{devices, folders, links, plans, relocate, spaces};
use crate::direct;

/// What stands behind the door.
pub struct Door {
    pub shared: Arc<Shared>,
    pub events: mpsc::UnboundedSender<Event>,
    pub stop: watch::Sender<bool>,
}

impl Service for Door {
    async fn call(
        &self,
        request: Request,
        attachment: Option<OwnedFd>,
        events: Events,
    ) -> Result<Reply, Failure> {
        match request {
            Request::Status => self.status(&events).await,
            Request::Wait { timeout_ms } => {
                let limit = timeout_ms.map(Duration::from_millis);
                Ok(Reply::Waited(
                    self.ask(|reply| Ask::Wait(limit, reply)).await?,
                ))
            }
            Request::Pause => self.done(|reply| Ask::Pause(true, reply)).await,
            Request::Resume => self.done(|reply| Ask::Pause(false, reply)).await,
            Request::Held => Ok(Reply::Held(self.ask(Ask::Held).await?)),
            Request::HeldDecide { id, decision } => {
                self.done(|reply| Ask::Decide(id, decision, reply)).await
            }
            Request::FolderAdd { dir, place } => folders::add(self, &dir, &place).await,
            Request::FolderRemove { dir } => folders::remove(self, &dir).await,
            Request::FolderMove { old, new } => relocate::relocate(self, &old, &new).await,
            Request::Plan => plans::show(self, &events).await,
            Request::Devices => devices::list(&self.shared).await,
            Request::DevicesAdd => devices::offer(self).await,
            Request::DevicesRemove { device, wipe } => devices::remove(self, &device, wipe).await,
            Request::KeysRenew => Ok(devices::renew_keys(self).await),
            Request::Spaces(request) => spaces::call(self, request).await,
            Request::Links(request) => links::call(self, request).await,
            Request::Stop => {
                self.stop.send_replace(true);
                Ok(Reply::Done)
            }
            other => direct::call(self, other, attachment, events).await,
        }
    }
}

impl Door {
    /// Asks the loop.
    pub async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Failure> {
        let (sender, receiver) = oneshot::channel();
        let stopping = |_| Failure::new(FailureKind::Refused, "The daemon is stopping");
        self.events
            .send(Event::Ask(ask(sender)))
            .map_err(|_| stopping(()))?;
        receiver.await.map_err(|_| stopping(()))
    }

    async fn done(
        &self,
        ask: impl FnOnce(oneshot::Sender<Result<(), Failure>>) -> Ask,
    ) -> Result<Reply, Failure> {
        self.ask(ask).await?.map(|()| Reply::Done)
    }

    async fn status(&self, events: &Events) -> Result<Reply, Failure> {
        let (mut status, problems) = self.ask(Ask::Status).await?;
        // A command in the daemon's place is asked before it asked anybody.
        let untried = status.server.reason.as_deref() == Some(NOT_YET);
        if status.server.connected || untried {
            let told = self.shared.usage.ask(&self.shared).await;
            status.usage = told.usage;
            status.account.removal_ms = told.removal_ms;
            status.inboxes = told.inboxes;
        }
        for problem in problems {
            events.send(Told::Problem(problem)).await;
        }
        Ok(Reply::Status(status))
    }
}
