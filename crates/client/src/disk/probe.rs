//! What a file system can do, asked by doing it in `.hythe` (SC-145).

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crate::os;

/// How finely the file system tells two changes of a file apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// A change after a look at the file always has another change time.
    Exact,
    /// Changes within this time may look the same: a stamp that young proves nothing (SC-164).
    Tick(Duration),
}

impl Grain {
    /// The time within which two changes may look the same.
    pub fn tick(self) -> Duration {
        match self {
            Self::Exact => Duration::ZERO,
            Self::Tick(tick) => tick,
        }
    }
}

/// Kernels without fine times stamp with their tick, at most this long.
const KERNEL_TICK: Duration = Duration::from_millis(10);
/// FAT and its like count in two seconds.
const COARSE_TICK: Duration = Duration::from_secs(2);
/// A coarse clock may tick between two looks, hardly so often in a row.
const LOOKS: usize = 4;

const LEFT: &[u8] = b"probe.left";
const RIGHT: &[u8] = b"probe.right";

/// Whether two entries can be exchanged in one step, without which nothing can be replaced safely.
pub(super) fn can_exchange(staging: BorrowedFd<'_>) -> io::Result<bool> {
    clear(staging);
    os::create_file(staging, LEFT)?;
    os::create_file(staging, RIGHT)?;
    let result = os::exchange(staging, LEFT, staging, RIGHT);
    clear(staging);
    Ok(result.is_ok())
}

/// How finely the file system stamps.
pub(super) fn grain(staging: BorrowedFd<'_>) -> io::Result<Grain> {
    clear(staging);
    let mut file = os::create_file(staging, LEFT)?;
    let mut stamps = Vec::with_capacity(LOOKS);
    for _ in 0..LOOKS {
        file.write_all(b"x")?;
        stamps.push(os::info_of(file.as_fd())?.changed);
    }
    clear(staging);
    let whole_seconds = stamps.iter().all(|stamp| stamp.nanos == 0);
    let distinct = stamps.windows(2).all(|pair| pair[0] != pair[1]);
    Ok(match (whole_seconds, distinct) {
        (true, _) => Grain::Tick(COARSE_TICK),
        (false, true) => Grain::Exact,
        (false, false) => Grain::Tick(KERNEL_TICK),
    })
}

fn clear(staging: BorrowedFd<'_>) {
    for name in [LEFT, RIGHT] {
        let _ = os::remove_file(staging, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc145_the_probe_answers_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let handle = os::open_root(directory.path()).unwrap();
        assert!(can_exchange(handle.as_fd()).unwrap());
        assert!(grain(handle.as_fd()).unwrap().tick() <= KERNEL_TICK);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
