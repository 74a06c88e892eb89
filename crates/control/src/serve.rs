//! The answering side: callers in, requests to a [`Service`], answers back.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::codec::{self, Answer, AnswerLine, FrameError, Reader, RequestLine};
use crate::event::Event;
use crate::failure::{Failure, FailureKind};
use crate::files::{Entry, Revision};
use crate::reply::Reply;
use crate::request::Request;
use crate::socket::Listener;

/// How many callers are heard at once; more wait until one leaves.
pub const MAX_CALLERS: usize = 64;

/// Events that may wait for a slow caller before its request waits too.
const EVENTS_AHEAD: usize = 64;

/// How long answers under way may take once the daemon stops.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// After a failed `accept` (descriptors used up): how long until the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Items and bytes of paths in one event, so that a line stays far below its limit.
const BATCH_ITEMS: usize = 256;
const BATCH_BYTES: usize = 256 << 10;

/// What answers requests.
pub trait Service: Send + Sync + 'static {
    /// Does one request. `attachment` is the descriptor that came with it, for `read` and `write`.
    /// The future is dropped when the caller hangs up.
    fn call(
        &self,
        request: Request,
        attachment: Option<OwnedFd>,
        events: Events,
    ) -> impl Future<Output = Result<Reply, Failure>> + Send;
}

/// Where a request under way tells its events.
#[derive(Clone)]
pub struct Events(mpsc::Sender<Event>);

impl Events {
    /// Tells an event, waiting for a slow caller. One that hung up hears nothing more; its
    /// request is about to be dropped.
    pub async fn send(&self, event: Event) {
        // A closed channel means just that.
        let _ = self.0.send(event).await;
    }

    /// Tells an event if the caller keeps up; else it is lost. For progress.
    pub fn offer(&self, event: Event) {
        let _ = self.0.try_send(event);
    }

    /// Tells entries in events of bounded size.
    pub async fn entries(&self, entries: impl IntoIterator<Item = Entry>) {
        let weight = |entry: &Entry| {
            entry.path.0.len() + entry.target.as_ref().map_or(0, |target| target.0.len())
        };
        self.batches(entries, weight, Event::Entries).await;
    }

    /// Tells revisions in events of bounded size.
    pub async fn revisions(&self, revisions: impl IntoIterator<Item = Revision>) {
        self.batches(
            revisions,
            |revision| revision.path.0.len(),
            Event::Revisions,
        )
        .await;
    }

    async fn batches<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        weight: impl Fn(&T) -> usize,
        event: impl Fn(Vec<T>) -> Event,
    ) {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for item in items {
            let more = weight(&item);
            if batch.len() == BATCH_ITEMS || (!batch.is_empty() && bytes + more > BATCH_BYTES) {
                self.send(event(std::mem::take(&mut batch))).await;
                bytes = 0;
            }
            bytes += more;
            batch.push(item);
        }
        if !batch.is_empty() {
            self.send(event(batch)).await;
        }
    }
}

/// Hears callers until `stop` ends; then takes the socket away, lets answers under way end within
/// a few seconds, and returns.
pub async fn serve<S: Service>(
    listener: Listener,
    service: Arc<S>,
    stop: impl Future<Output = ()>,
) {
    let (stopping, stopped) = watch::channel(false);
    let slots = Arc::new(Semaphore::new(MAX_CALLERS));
    let mut callers = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            () = &mut stop => break,
            Some(_) = callers.join_next() => continue,
            stream = next_caller(&listener, &slots) => stream,
        };
        let (stream, slot) = match stream {
            Ok(found) => found,
            Err(_) => {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (service, stopped) = (service.clone(), stopped.clone());
        callers.spawn(async move {
            converse(stream, &*service, stopped).await;
            drop(slot);
        });
    }
    drop(listener);
    let _ = stopping.send(true);
    let finish = async { while callers.join_next().await.is_some() {} };
    // Dropping the set aborts what is left.
    let _ = tokio::time::timeout(STOP_GRACE, finish).await;
}

/// Hears one caller at the other end of a stream until it hangs up.
pub(crate) async fn hear<S: Service>(stream: UnixStream, service: &S) {
    // Nobody stops this conversation but its caller.
    let (_going, stopped) = watch::channel(false);
    converse(stream, service, stopped).await;
}

async fn next_caller(
    listener: &Listener,
    slots: &Arc<Semaphore>,
) -> io::Result<(UnixStream, tokio::sync::OwnedSemaphorePermit)> {
    let slot = slots
        .clone()
        .acquire_owned()
        .await
        .map_err(io::Error::other)?;
    Ok((listener.accept().await?, slot))
}

/// One caller: requests one after the other until it hangs up or breaks the protocol.
async fn converse<S: Service>(stream: UnixStream, service: &S, mut stopped: watch::Receiver<bool>) {
    let mut reader = Reader::default();
    loop {
        let next = tokio::select! {
            biased;
            next = reader.next::<RequestLine>(&stream) => next,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let answered = match next {
            Ok(Some((line, attachment))) => {
                answer(&stream, &mut reader, service, line.request, attachment).await
            }
            Ok(None) => return,
            Err(error) => {
                // The caller may be gone already; nothing is left to do for it either way.
                let _ = say(&stream, Answer::Failure(refusal(&error))).await;
                return;
            }
        };
        if answered.is_err() {
            return;
        }
    }
}

async fn answer<S: Service>(
    stream: &UnixStream,
    reader: &mut Reader,
    service: &S,
    request: Request,
    attachment: Option<OwnedFd>,
) -> Result<(), FrameError> {
    let (sender, mut events) = mpsc::channel(EVENTS_AHEAD);
    let mut call = pin!(service.call(request, attachment, Events(sender)));
    let outcome = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => say(stream, Answer::Event(event)).await?,
            outcome = &mut call => break outcome,
            error = reader.interrupted(stream) => return Err(error),
        }
    };
    while let Ok(event) = events.try_recv() {
        say(stream, Answer::Event(event)).await?;
    }
    match say(stream, outcome.map_or_else(Answer::Failure, Answer::Reply)).await {
        Err(FrameError::TooLong) => {
            say(stream, Answer::Failure(refusal(&FrameError::TooLong))).await
        }
        said => said,
    }
}

async fn say(stream: &UnixStream, answer: Answer) -> Result<(), FrameError> {
    codec::write(stream, &AnswerLine::from(answer), None).await
}

fn refusal(error: &FrameError) -> Failure {
    let cause = std::error::Error::source(error);
    let failure = Failure::new(FailureKind::Protocol, error.to_string())
        .next("Stop the daemon and start it again, so that both are of one version.");
    match cause {
        Some(cause) => failure.because(cause),
        None => failure,
    }
}
