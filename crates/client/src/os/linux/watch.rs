//! inotify.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// A watched directory, as the kernel counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WatchId(pub i32);

/// What the kernel says happened. Names are borrowed from its buffer.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// The name is new in the directory.
    Created {
        at: WatchId,
        name: &'a [u8],
        directory: bool,
    },
    /// The name is gone from the directory.
    Removed {
        at: WatchId,
        name: &'a [u8],
        directory: bool,
    },
    /// The name left the directory; `cookie` is shared with where it arrived, if that is watched.
    MovedFrom {
        at: WatchId,
        name: &'a [u8],
        directory: bool,
        cookie: u32,
    },
    /// The name arrived in the directory.
    MovedTo {
        at: WatchId,
        name: &'a [u8],
        directory: bool,
        cookie: u32,
    },
    /// Bytes were written and the writer has not closed the file.
    Written { at: WatchId, name: &'a [u8] },
    /// A writer closed the file.
    Closed { at: WatchId, name: &'a [u8] },
    /// Permissions, times or the like changed.
    Attributes {
        at: WatchId,
        name: &'a [u8],
        directory: bool,
    },
    /// The watched directory itself was removed, moved, or its file system unmounted.
    SelfGone { at: WatchId },
    /// The kernel has forgotten this watch.
    Forgotten { at: WatchId },
    /// The kernel's queue was full: anything may have happened.
    Overflow,
}

const MASK: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVE)
    .union(WatchFlags::MODIFY)
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::EXCL_UNLINK);

/// Large enough for some hundred events at a time.
const BUFFER: usize = 64 << 10;

/// Ends another thread's [`Watches::wait`].
pub struct Waker(OwnedFd);

impl Waker {
    /// A waker that was not used yet.
    ///
    /// # Errors
    /// The system's.
    pub fn new() -> io::Result<Self> {
        Ok(Self(rustix::event::eventfd(
            0,
            EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
        )?))
    }

    /// Wakes, now and for ever.
    pub fn wake(&self) {
        // It can only fail when it was woken 2^64 times.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Watches on directories.
pub struct Watches {
    queue: OwnedFd,
}

impl Watches {
    /// An empty set.
    ///
    /// # Errors
    /// The system's, notably when the user has too many such sets (SC-106).
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            queue: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
        })
    }

    /// Watches an open directory; the same directory gives the same id again. Goes by the handle,
    /// so that no rename meanwhile can make it another directory.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::StorageFull`] when the limit of watches is reached.
    pub fn add(&self, directory: BorrowedFd<'_>) -> io::Result<WatchId> {
        let handle = format!("/proc/self/fd/{}", directory.as_raw_fd());
        Ok(WatchId(inotify::add_watch(&self.queue, handle, MASK)?))
    }

    /// Ends a watch; one that has ended already is no error.
    pub fn remove(&self, id: WatchId) {
        let _ = inotify::remove_watch(&self.queue, id.0);
    }

    /// Waits until something happened, `other` is readable, or the time is over. Says whether
    /// something happened.
    ///
    /// # Errors
    /// The system's.
    pub fn wait(&self, other: BorrowedFd<'_>, limit: Option<Duration>) -> io::Result<bool> {
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut both = [
            PollFd::new(&self.queue, PollFlags::IN),
            PollFd::from_borrowed_fd(other, PollFlags::IN),
        ];
        match poll(&mut both, limit.as_ref()) {
            Ok(_) => Ok(both.iter().any(|fd| !fd.revents().is_empty())),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Hands over everything that has happened, in order, without waiting.
    ///
    /// # Errors
    /// The system's.
    pub fn drain(&self, mut each: impl FnMut(Seen<'_>)) -> io::Result<()> {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut events = inotify::Reader::new(self.queue.as_fd(), &mut buffer);
        loop {
            match events.next() {
                Ok(event) => {
                    if let Some(seen) = translate(&event) {
                        each(seen);
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn translate<'a>(event: &'a inotify::Event<'a>) -> Option<Seen<'a>> {
    let what = event.events();
    let at = WatchId(event.wd());
    if what.contains(ReadFlags::QUEUE_OVERFLOW) {
        return Some(Seen::Overflow);
    }
    if what.contains(ReadFlags::IGNORED) {
        return Some(Seen::Forgotten { at });
    }
    if what.intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF | ReadFlags::UNMOUNT) {
        return Some(Seen::SelfGone { at });
    }
    let name = event.file_name()?.to_bytes();
    let directory = what.contains(ReadFlags::ISDIR);
    let cookie = event.cookie();
    if what.contains(ReadFlags::CREATE) {
        Some(Seen::Created {
            at,
            name,
            directory,
        })
    } else if what.contains(ReadFlags::DELETE) {
        Some(Seen::Removed {
            at,
            name,
            directory,
        })
    } else if what.contains(ReadFlags::MOVED_FROM) {
        Some(Seen::MovedFrom {
            at,
            name,
            directory,
            cookie,
        })
    } else if what.contains(ReadFlags::MOVED_TO) {
        Some(Seen::MovedTo {
            at,
            name,
            directory,
            cookie,
        })
    } else if what.contains(ReadFlags::CLOSE_WRITE) {
        Some(Seen::Closed { at, name })
    } else if what.contains(ReadFlags::MODIFY) {
        Some(Seen::Written { at, name })
    } else if what.contains(ReadFlags::ATTRIB) {
        Some(Seen::Attributes {
            at,
            name,
            directory,
        })
    } else {
        None
    }
}
