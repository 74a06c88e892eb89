//! The socket file, and who may talk through it.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, chmodat, openat, renameat, unlinkat};
use rustix::io::Errno;
use tokio::net::{UnixListener, UnixStream};

/// Name of the socket in the client's home directory.
pub const SOCKET_NAME: &str = "daemon.sock";

/// Name while the socket is being made.
const NEW_NAME: &str = "daemon.sock.new";

/// The daemon's end of the socket. The file is removed when this is dropped.
pub struct Listener {
    listener: UnixListener,
    home: OwnedFd,
}

impl Listener {
    /// Binds the socket of a home directory, readable and writable by its user only.
    ///
    /// A file left by a daemon that was killed is replaced, so the caller must hold the home's
    /// lock. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the directory is not there or cannot be written.
    pub fn bind(home: &Path) -> io::Result<Self> {
        let home = open_directory(home)?;
        remove(&home, NEW_NAME)?;
        let listener = UnixListener::bind(within(&home, NEW_NAME))?;
        chmodat(&home, NEW_NAME, Mode::RUSR | Mode::WUSR, AtFlags::empty())?;
        // Visible under its name only with its final rights.
        renameat(&home, NEW_NAME, &home, SOCKET_NAME)?;
        Ok(Self { listener, home })
    }

    /// The next caller of the same user; others are turned away unheard.
    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
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
        let _ = remove(&self.home, SOCKET_NAME);
    }
}

/// Connects to the socket of a home directory; `PermissionDenied` when another user listens there.
pub(crate) fn connect(home: &Path) -> io::Result<UnixStream> {
    let home = open_directory(home)?;
    let stream = std::os::unix::net::UnixStream::connect(within(&home, SOCKET_NAME))?;
    stream.set_nonblocking(true)?;
    let stream = UnixStream::from_std(stream)?;
    if same_user(&stream)? {
        Ok(stream)
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "another user listens on the socket",
        ))
    }
}

fn same_user(stream: &UnixStream) -> io::Result<bool> {
    Ok(stream.peer_cred()?.uid() == rustix::process::geteuid().as_raw())
}

fn open_directory(home: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(CWD, home, flags, Mode::empty())?)
}

/// A path to an entry of an open directory that fits into a socket address (108 bytes), however
/// long the directory's own path is.
fn within(directory: &OwnedFd, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()))
}

fn remove(directory: &OwnedFd, name: &str) -> io::Result<()> {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
