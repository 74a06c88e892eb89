//! The calls of system and C library that have no safe form elsewhere. The only `unsafe` code of Hythe.
#![allow(unsafe_code)] // Reason: these calls exist only in libc.

use std::fs::File;
use std::ops::Range;
use std::os::fd::AsRawFd;

use crate::os::Writers;

/// `F_SETSIG` of `fcntl(2)`, the same on every architecture that Rust runs on with Linux; libc does
/// not name it.
const F_SETSIG: libc::c_int = 10;

/// Asks whether anybody has `file` open for writing, by taking a read lease and giving it back at
/// once: the kernel grants one only while there is no writer. Mapped memory counts, because a
/// shared writable mapping keeps its file open.
///
/// `file` must be open for reading only.
pub fn writers(file: &File) -> Writers {
    match Lease::take(file) {
        Ok(_) => Writers::None,
        Err(writers) => writers,
    }
}

/// Holds writers of a file off: while it lives, whoever opens the file for writing waits.
/// Keep it for microseconds.
pub struct Lease<'f>(&'f File);

impl<'f> Lease<'f> {
    /// Takes a read lease on a file that is open for reading only.
    ///
    /// # Errors
    /// When there is a writer, or no answer.
    pub fn take(file: &'f File) -> Result<Self, Writers> {
        let fd = file.as_raw_fd();
        // A writer that comes while the lease is held makes the kernel signal the holder. SIGURG
        // is ignored unless somebody asks for it; the default, SIGIO, would end the process.
        // SAFETY: `fd` is open for the whole call; the command takes an integer and no pointer.
        if unsafe { libc::fcntl(fd, F_SETSIG, libc::SIGURG) } != 0 {
            return Err(Writers::Unknown);
        }
        // SAFETY: as above.
        if unsafe { libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK) } == 0 {
            return Ok(Self(file));
        }
        match std::io::Error::last_os_error().raw_os_error() {
            Some(libc::EAGAIN) => Err(Writers::Some),
            _ => Err(Writers::Unknown),
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        // SAFETY: the borrow keeps the file open; the command takes an integer and no pointer.
        unsafe { libc::fcntl(self.0.as_raw_fd(), libc::F_SETLEASE, libc::F_UNLCK) };
    }
}

/// Starts writing a range of `file` to the disk and does not wait, so that a later sync finds
/// little left to do. Only ever a hint: a failure changes nothing.
pub fn start_write_back(file: &File, range: Range<u64>) {
    let (Ok(start), Ok(length)) = (
        range.start.try_into(),
        range.end.saturating_sub(range.start).try_into(),
    ) else {
        return;
    };
    // SAFETY: the descriptor is open for the whole call; no pointer is passed.
    unsafe {
        libc::sync_file_range(file.as_raw_fd(), start, length, libc::SYNC_FILE_RANGE_WRITE);
    }
}

/// Gives memory that was freed, and that the C library keeps for later, back to the system. Takes
/// about a millisecond for each 10 MiB. Does nothing where the C library has no such call.
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes a number of bytes to keep and may be called from any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Sets up the C library's memory for programs that stream: buffers of packs and chunks, of up to
/// some 16 MiB, are used again, not unmapped and mapped anew for each (a page fault for every
/// 4 KiB: a seventh of the processor time of a 1 GiB transfer), and threads share two arenas, since
/// each arena keeps its own leftovers. To be called before there are threads. What piles up goes
/// back by [`give_memory_back`]. Does nothing where the C library has no such settings.
pub fn reuse_buffers() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `mallopt` takes two numbers; nobody else allocates yet. A refused setting changes
    // nothing.
    unsafe {
        // The largest threshold that every glibc accepts.
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 256 << 20);
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}
