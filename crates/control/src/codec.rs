//! Lines on the socket: framing, limits, versions and the one descriptor that may ride along.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::net::UnixStream;

use crate::event::Event;
use crate::failure::Failure;
use crate::reply::Reply;
use crate::request::Request;

/// Version of the protocol. Every line carries it; another one is refused with a sentence.
pub const VERSION: u16 = 1;

/// Longest line, its newline included. Listings come in many lines, so only one path must fit.
pub const MAX_LINE_BYTES: usize = 4 << 20;

/// How much is asked of the socket at once.
const READ_BYTES: usize = 16 << 10;

/// What the caller sends.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestLine {
    version: u16,
    pub(crate) request: Request,
}

impl From<Request> for RequestLine {
    fn from(request: Request) -> Self {
        Self {
            version: VERSION,
            request,
        }
    }
}

/// What the daemon sends.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerLine {
    version: u16,
    pub(crate) answer: Answer,
}

impl From<Answer> for AnswerLine {
    fn from(answer: Answer) -> Self {
        Self {
            version: VERSION,
            answer,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Event(Event),
    Reply(Reply),
    Failure(Failure),
}

/// Why the other side cannot be understood. Nothing more can be read from it.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The socket failed.
    #[error("the socket failed")]
    Io(#[from] io::Error),
    /// A line has more than [`MAX_LINE_BYTES`] bytes.
    #[error("a message is longer than {MAX_LINE_BYTES} bytes")]
    TooLong,
    /// A line is not a message of this version.
    #[error("a message is malformed")]
    Malformed(#[from] serde_json::Error),
    /// A line is of another version of the protocol.
    #[error("a message has version {theirs} of the protocol, this program speaks {VERSION}")]
    Version {
        /// The version it carries.
        theirs: u64,
    },
    /// The socket was closed in the middle of a line.
    #[error("the connection ended in the middle of a message")]
    Cut,
    /// Bytes or a descriptor came when none were due.
    #[error("the other side spoke out of turn")]
    OutOfTurn,
}

/// The reading half: bytes that came after the last line, and the descriptor that came with them.
#[derive(Default)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
    attachment: Option<OwnedFd>,
}

impl Reader {
    /// The next message and its descriptor; none when the other side closed between lines.
    pub(crate) async fn next<T: DeserializeOwned>(
        &mut self,
        stream: &UnixStream,
    ) -> Result<Option<(T, Option<OwnedFd>)>, FrameError> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|b| *b == b'\n') {
                let rest = self.buffer.split_off(searched + end + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                return Ok(Some((decode(&line)?, self.attachment.take())));
            }
            searched = self.buffer.len();
            if searched >= MAX_LINE_BYTES {
                return Err(FrameError::TooLong);
            }
            if self.fill(stream).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(FrameError::Cut)
                };
            }
        }
    }

    /// Returns when the other side hung up, or spoke although it is not its turn.
    pub(crate) async fn interrupted(&mut self, stream: &UnixStream) -> FrameError {
        match self.fill(stream).await {
            Ok(0) => FrameError::Cut,
            Ok(_) => FrameError::OutOfTurn,
            Err(error) => error,
        }
    }

    /// Appends what the socket has, waiting for at least one byte. 0 is the end.
    async fn fill(&mut self, stream: &UnixStream) -> Result<usize, FrameError> {
        let room = READ_BYTES.min(MAX_LINE_BYTES + 1 - self.buffer.len().min(MAX_LINE_BYTES));
        let mut bytes = [0; READ_BYTES];
        let (count, mut descriptors) = stream
            .async_io(Interest::READABLE, || receive(stream, &mut bytes[..room]))
            .await?;
        self.buffer.extend_from_slice(&bytes[..count]);
        if let Some(descriptor) = descriptors.pop() {
            if self.attachment.is_some() || !descriptors.is_empty() {
                return Err(FrameError::OutOfTurn);
            }
            self.attachment = Some(descriptor);
        }
        Ok(count)
    }
}

fn receive(stream: &UnixStream, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(
        stream,
        &mut [IoSliceMut::new(bytes)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    Ok((got.bytes, descriptors))
}

fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, FrameError> {
    #[derive(Deserialize)]
    struct VersionOnly {
        version: u64,
    }
    let VersionOnly { version } = serde_json::from_slice(line)?;
    if version != u64::from(VERSION) {
        return Err(FrameError::Version { theirs: version });
    }
    Ok(serde_json::from_slice(line)?)
}

/// Writes one message; a descriptor travels with its first byte.
pub(crate) async fn write<T: Serialize>(
    stream: &UnixStream,
    message: &T,
    attachment: Option<BorrowedFd<'_>>,
) -> Result<(), FrameError> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    if line.len() > MAX_LINE_BYTES {
        return Err(FrameError::TooLong);
    }
    let mut written = 0;
    while written < line.len() {
        let descriptor = attachment.filter(|_| written == 0);
        let rest = &line[written..];
        written += stream
            .async_io(Interest::WRITABLE, || send(stream, rest, descriptor))
            .await?;
    }
    Ok(())
}

fn send(
    stream: &UnixStream,
    bytes: &[u8],
    attachment: Option<BorrowedFd<'_>>,
) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = attachment.as_slice();
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("no room for a descriptor"));
    }
    Ok(sendmsg(
        stream,
        &[IoSlice::new(bytes)],
        &mut control,
        SendFlags::NOSIGNAL,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    async fn read_after(
        bytes: &[u8],
    ) -> Result<Option<(RequestLine, Option<OwnedFd>)>, FrameError> {
        let (mut there, here) = UnixStream::pair().unwrap();
        let bytes = bytes.to_vec();
        let writer = tokio::spawn(async move {
            // The reader may stop early and close: that is what some cases are about.
            let _ = there.write_all(&bytes).await;
        });
        let result = Reader::default().next(&here).await;
        drop(here);
        writer.await.unwrap();
        result
    }

    #[tokio::test]
    async fn a_line_in_pieces_is_one_message() {
        let (mut there, here) = UnixStream::pair().unwrap();
        let mut reader = Reader::default();
        let read = tokio::spawn(async move { reader.next::<RequestLine>(&here).await });
        for byte in br#"{"version":1,"request":"status"}"#.iter().chain(b"\n") {
            there.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let (line, attachment) = read.await.unwrap().unwrap().unwrap();
        assert_eq!(line.request, Request::Status);
        assert!(attachment.is_none());
    }

    #[tokio::test]
    async fn the_end_between_lines_is_no_error_and_within_a_line_is_one() {
        assert!(read_after(b"").await.unwrap().is_none());
        assert!(matches!(
            read_after(br#"{"version":1,"#).await,
            Err(FrameError::Cut)
        ));
    }

    #[tokio::test]
    async fn other_versions_and_unknown_fields_are_refused_by_name() {
        let other = read_after(b"{\"version\":7,\"request\":\"dance\",\"x\":1}\n").await;
        assert!(matches!(other, Err(FrameError::Version { theirs: 7 })));
        for line in [
            "{\"version\":1,\"request\":\"dance\"}\n",
            "{\"version\":1,\"request\":\"status\",\"extra\":1}\n",
            "{\"version\":1,\"request\":{\"wait\":{\"timeout_ms\":1,\"extra\":1}}}\n",
            "{\"request\":\"status\"}\n",
            "\n",
            "[]\n",
            "\u{0}\u{1}\n",
        ] {
            let refused = read_after(line.as_bytes()).await;
            assert!(matches!(refused, Err(FrameError::Malformed(_))), "{line}");
        }
    }

    #[tokio::test]
    async fn a_line_without_end_is_refused_at_the_limit() {
        let endless = vec![b' '; MAX_LINE_BYTES + READ_BYTES];
        assert!(matches!(
            read_after(&endless).await,
            Err(FrameError::TooLong)
        ));
    }
}
