//! Files and directories as one zip archive, written while it is sent: nothing of it is kept.
//!
//! Content is stored as it is: most of what is large does not compress, and a download is to begin at
//! once. Symlinks and attachments are left out (R18).

use async_zip::tokio::write::ZipFileWriter;
use async_zip::{
    Compression, StringEncoding, ZipDateTime, ZipDateTimeBuilder, ZipEntryBuilder, ZipString,
};
use bytes::Bytes;
use futures::{AsyncWriteExt, Stream, StreamExt, TryStreamExt};
use hythe_model::{NodeId, NodeKind, SpaceId, Timestamp};
use time::OffsetDateTime;
use tokio::io::DuplexStream;
use tokio_util::io::ReaderStream;

use super::super::{Files, FilesError, Principal};
use super::entry::Entry;

/// Bytes that wait to be sent.
const AHEAD: usize = 256 << 10;

/// Most nodes that are named for one archive.
pub const MAX_ARCHIVED: usize = 1000;

/// What goes into an archive, and who asked.
struct Archive {
    files: Files,
    principal: Principal,
    space: SpaceId,
    writer: ZipFileWriter<DuplexStream>,
}

impl Files {
    /// Nodes of an open space, directories with all that is below them, as a zip archive: its name, and
    /// its bytes. It breaks off where something cannot be read.
    ///
    /// # Errors
    /// As [`Self::plain_node`]; [`FilesError::Invalid`] for none or too many.
    pub async fn plain_archive(
        &self,
        principal: &Principal,
        space: SpaceId,
        nodes: &[NodeId],
    ) -> Result<
        (
            String,
            impl Stream<Item = std::io::Result<Bytes>> + Send + use<>,
        ),
        FilesError,
    > {
        if nodes.is_empty() || nodes.len() > MAX_ARCHIVED {
            let what = format!("an archive is of 1 to {MAX_ARCHIVED} files and directories");
            return Err(FilesError::invalid(what));
        }
        let mut top = Vec::with_capacity(nodes.len());
        for node in nodes {
            let page = self.plain_node(principal, space, *node).await?;
            top.extend(page.entry);
        }
        let name = match top.as_slice() {
            [one] => String::from_utf8_lossy(one.name.as_bytes()).into_owned(),
            _ => "files".to_owned(),
        };
        let (near, far) = tokio::io::duplex(AHEAD);
        let archive = Archive {
            files: self.clone(),
            principal: principal.clone(),
            space,
            writer: ZipFileWriter::with_tokio(near),
        };
        // Ends when it is written, or nobody reads it any more.
        let writing = tokio::spawn(archive.write(top, nodes.contains(&NodeId::ROOT)));
        let written = futures::stream::once(async move {
            match writing.await {
                Ok(Ok(())) => Ok(Bytes::new()),
                Ok(Err(error)) => Err(std::io::Error::other(error)),
                Err(_) => Err(std::io::Error::other("the archive was not written")),
            }
        });
        Ok((name, ReaderStream::new(far).chain(written)))
    }
}

impl Archive {
    async fn write(mut self, top: Vec<Entry>, whole: bool) -> Result<(), FilesError> {
        let mut open: Vec<(Vec<u8>, Entry)> = Vec::new();
        if whole {
            self.push_children(NodeId::ROOT, &[], &mut open).await?;
        }
        open.extend(top.into_iter().map(|entry| (Vec::new(), entry)));
        while let Some((above, entry)) = open.pop() {
            let mut path = above;
            path.extend_from_slice(entry.name.as_bytes());
            match entry.kind {
                NodeKind::Directory => {
                    path.push(b'/');
                    self.add_directory(&path).await?;
                    self.push_children(entry.node, &path, &mut open).await?;
                }
                NodeKind::File => self.add_file(path, &entry).await?,
                NodeKind::Symlink | NodeKind::Attachment => {}
            }
        }
        self.writer.close().await.map_err(unwritten)?;
        Ok(())
    }

    async fn push_children(
        &self,
        directory: NodeId,
        path: &[u8],
        open: &mut Vec<(Vec<u8>, Entry)>,
    ) -> Result<(), FilesError> {
        let listing = self
            .files
            .plain_children(&self.principal, self.space, directory);
        let mut pages = std::pin::pin!(listing.await?.pages);
        while let Some(page) = pages.try_next().await? {
            open.extend(page.into_iter().map(|entry| (path.to_vec(), entry)));
        }
        Ok(())
    }

    async fn add_directory(&mut self, path: &[u8]) -> Result<(), FilesError> {
        let entry =
            ZipEntryBuilder::new(named(path.to_vec()), Compression::Stored).unix_permissions(0o755);
        let added = self.writer.write_entry_whole(entry, &[]).await;
        added.map_err(unwritten)
    }

    async fn add_file(&mut self, path: Vec<u8>, entry: &Entry) -> Result<(), FilesError> {
        let content = self
            .files
            .plain_content(&self.principal, self.space, entry.node, None);
        let content = content.await?;
        let mode = if entry.executable { 0o755 } else { 0o644 };
        let head = ZipEntryBuilder::new(named(path), Compression::Stored)
            .unix_permissions(mode)
            .last_modification_date(moment(content.modified));
        let size = content.size;
        let mut pieces = content.stream(0..size);
        let written = self.writer.write_entry_stream(head).await;
        let mut written = written.map_err(unwritten)?;
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            let sent = written.write_all(&piece).await;
            sent.map_err(|error| FilesError::Storage(Box::new(error)))?;
        }
        written.close().await.map_err(unwritten)
    }
}

fn unwritten(error: async_zip::error::ZipError) -> FilesError {
    FilesError::Storage(Box::new(error))
}

/// A path in the archive: said to be UTF-8 where it is.
fn named(path: Vec<u8>) -> ZipString {
    let encoding = match std::str::from_utf8(&path) {
        Ok(_) => StringEncoding::Utf8,
        Err(_) => StringEncoding::Raw,
    };
    ZipString::new(path, encoding)
}

/// A time as archives say it, in UTC, between 1980 and 2107.
fn moment(at: Timestamp) -> ZipDateTime {
    let time = OffsetDateTime::from_unix_timestamp(at.seconds);
    let time = time.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    ZipDateTimeBuilder::new()
        .year(time.year().clamp(1980, 2107))
        .month(u8::from(time.month()).into())
        .day(time.day().into())
        .hour(time.hour().into())
        .minute(time.minute().into())
        .second(time.second().into())
        .build()
}
