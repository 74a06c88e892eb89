//! `DATA/admin.sock`, and who may talk through it.
//!
//! The client's door (`hythe-control`) does the same for itself: of the crates that both sides may
//! know (`ARCHITECTURE.md`), none touches the system.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, chmodat, openat, renameat, unlinkat};
use rustix::io::Errno;
use tokio::net::{UnixListener, UnixStream};

/// Name of the socket in the data folder.
const NAME: &str = "admin.sock";

/// Name while the socket is being made.
const NEW_NAME: &str = "admin.sock.new";

/// The server's end. The file is removed when this is dropped.
pub(crate) struct Listener {
    listener: UnixListener,
    data: OwnedFd,
}

impl Listener {
    /// Binds the socket, for its own user only.
    ///
    /// What a killed server left is replaced, so the caller must hold the data folder's lock.
    pub(crate) fn bind(data: &Path) -> io::Result<Self> {
        let data = open_folder(data)?;
        remove(&data, NEW_NAME)?;
        let listener = UnixListener::bind(within(&data, NEW_NAME))?;
        chmodat(&data, NEW_NAME, Mode::RUSR | Mode::WUSR, AtFlags::empty())?;
        // Visible under its name only with its final rights.
        renameat(&data, NEW_NAME, &data, NAME)?;
        Ok(Self { listener, data })
    }

    /// The next caller of the same user; others are turned away unheard.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            if same_user(&stream)? {
                return Ok(stream);
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // What cannot be removed now is replaced by the next `bind`.
        let _ = remove(&self.data, NAME);
    }
}

/// Connects to the socket of a data folder; `PermissionDenied` when another user listens there.
pub(super) fn connect(data: &Path) -> io::Result<UnixStream> {
    let data = open_folder(data)?;
    let stream = std::os::unix::net::UnixStream::connect(within(&data, NAME))?;
    stream.set_nonblocking(true)?;
    let stream = UnixStream::from_std(stream)?;
    if same_user(&stream)? {
        return Ok(stream);
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "another user listens on the socket",
    ))
}

fn same_user(stream: &UnixStream) -> io::Result<bool> {
    Ok(stream.peer_cred()?.uid() == rustix::process::geteuid().as_raw())
}

fn open_folder(data: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, data, flags, Mode::empty())?)
}

/// A path to an entry of an open folder that fits into a socket address (108 bytes), however long
/// the folder's own path is.
fn within(folder: &OwnedFd, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()))
}

fn remove(folder: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
