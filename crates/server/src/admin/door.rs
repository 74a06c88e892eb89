//! Requests and replies over the socket: one line of JSON each.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::socket::{Listener, connect};
use super::{AdminReply, AdminRequest, Office};

/// Longest request line, in bytes: an account with the devices that it is said to have.
const MAX_REQUEST_BYTES: u64 = 1 << 20;

/// Longest reply line, in bytes.
const MAX_REPLY_BYTES: u64 = 64 << 20;

/// For the request to come once a caller is there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers callers until told to stop, one after the other: who administers is one person.
pub(crate) async fn serve(listener: Listener, office: Office, stop: CancellationToken) {
    loop {
        let caller = tokio::select! {
            caller = listener.accept() => caller,
            () = stop.cancelled() => return,
        };
        let answered = match caller {
            Ok(stream) => tokio::select! {
                answered = answer(stream, &office) => answered,
                () = stop.cancelled() => return,
            },
            Err(error) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(error)
            }
        };
        if let Err(error) = answered {
            tracing::warn!(%error, "an administrator's request was not answered");
        }
    }
}

/// Reads one request and writes its reply.
async fn answer(stream: UnixStream, office: &Office) -> io::Result<()> {
    let (from, mut to) = stream.into_split();
    let mut line = String::new();
    let mut from = BufReader::new(from.take(MAX_REQUEST_BYTES));
    tokio::time::timeout(PATIENCE, from.read_line(&mut line)).await??;
    let reply = match serde_json::from_str::<AdminRequest>(&line) {
        Ok(request) => office.perform(request).await,
        Err(error) => AdminReply::Failed {
            message: format!("not a request: {error}"),
        },
    };
    let mut text = serde_json::to_string(&reply)?;
    text.push('\n');
    to.write_all(text.as_bytes()).await
}

/// Asks the server of a data folder.
pub(super) async fn ask(data: &Path, request: &AdminRequest) -> io::Result<AdminReply> {
    let (from, mut to) = connect(data)?.into_split();
    let mut text = serde_json::to_string(request)?;
    text.push('\n');
    to.write_all(text.as_bytes()).await?;
    let mut line = String::new();
    // A check of much data takes its time: there is no deadline here.
    BufReader::new(from.take(MAX_REPLY_BYTES))
        .read_line(&mut line)
        .await?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&line)?)
}
