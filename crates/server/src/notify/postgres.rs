//! Notices between replicas: PostgreSQL's LISTEN, on a connection of its own.
//!
//! Sending is part of the transaction (`pg_notify` just before its commit), so there is nothing to
//! publish here: a replica hears its own notices the same way as those of the others.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::oneshot;
use tokio_postgres::{AsyncMessage, Config, NoTls};

use super::{Local, Notice, Notifier, PG_CHANNEL};

/// Wait between two attempts to connect, in which removed devices may still be served: it and the
/// detection of a dead connection stay below the five seconds of D6.
const RETRY: Duration = Duration::from_secs(1);

/// A task that listens for as long as this value lives.
pub struct Listener {
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    /// Listens on the database of `config`, and hands what it hears to `local`. Returns once it
    /// listens, or has failed to connect for the first time (it goes on trying).
    pub async fn start(mut config: Config, local: Arc<Local>) -> Self {
        config.keepalives_idle(Duration::from_secs(1));
        config.keepalives_interval(Duration::from_secs(1));
        config.keepalives_retries(2);
        config.connect_timeout(Duration::from_secs(3));
        let (ready, listening) = oneshot::channel();
        let task = tokio::spawn(listen_for_ever(config, local, ready));
        let _failed_once = listening.await;
        Self { task }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen_for_ever(config: Config, local: Arc<Local>, ready: oneshot::Sender<()>) {
    let mut ready = Some(ready);
    loop {
        if let Err(error) = listen_once(&config, &local, &mut ready).await {
            tracing::warn!(%error, "the connection that listens for changes broke");
        }
        ready = None;
        tokio::time::sleep(RETRY).await;
    }
}

async fn listen_once(
    config: &Config,
    local: &Local,
    ready: &mut Option<oneshot::Sender<()>>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(NoTls).await?;
    let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
    let command = format!("LISTEN {PG_CHANNEL}");
    let listen = client.batch_execute(&command);
    tokio::pin!(listen);
    let mut listens = false;
    loop {
        tokio::select! {
            result = &mut listen, if !listens => {
                result?;
                listens = true;
                local.publish(vec![Notice::Lost]);
                if let Some(ready) = ready.take() {
                    let _gone = ready.send(());
                }
            }
            message = messages.next() => match message {
                Some(Ok(AsyncMessage::Notification(heard))) => {
                    local.publish(vec![Notice::from_payload(heard.payload())]);
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
        }
    }
}
