//! What a file system can do, asked by doing it in `.hythe` (SC-145).

use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use hythe_model::Timestamp;

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
/// No kernel ticks faster.
const FINEST_TICK: Duration = Duration::from_millis(1);
/// FAT and its like count in two seconds.
const COARSE_TICK: Duration = Duration::from_secs(2);
/// Enough that a busy machine does not stretch all of them over a tick.
const LOOKS: usize = 8;

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
    Ok(judge(&stamps))
}

/// What a few change times in a row say. They were asked for in between; so where stamps are exact
/// all differ, and some by less than any kernel's tick.
fn judge(stamps: &[Timestamp]) -> Grain {
    let nanos =
        |time: &Timestamp| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    let apart = || {
        stamps
            .windows(2)
            .map(|pair| nanos(&pair[1]) - nanos(&pair[0]))
    };
    let finest = i128::try_from(FINEST_TICK.as_nanos()).unwrap_or(0);
    if stamps.iter().all(|stamp| stamp.nanos == 0) {
        Grain::Tick(COARSE_TICK)
    } else if apart().all(|step| step > 0) && apart().any(|step| step < finest) {
        Grain::Exact
    } else {
        Grain::Tick(KERNEL_TICK)
    }
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
    fn sc145_sc164_only_steps_finer_than_a_tick_are_taken_for_exact() {
        let at = |micros: &[u32]| -> Vec<Timestamp> {
            micros
                .iter()
                .map(|n| Timestamp {
                    seconds: 1,
                    nanos: n * 1000,
                })
                .collect()
        };
        assert_eq!(judge(&at(&[10, 15, 30])), Grain::Exact);
        assert_eq!(judge(&at(&[10, 15, 9_000])), Grain::Exact);
        assert_eq!(judge(&at(&[10, 10, 30])), Grain::Tick(KERNEL_TICK));
        assert_eq!(
            judge(&at(&[4_000, 8_000, 12_000])),
            Grain::Tick(KERNEL_TICK)
        );
        let seconds = [1, 1, 2].map(|seconds| Timestamp { seconds, nanos: 0 });
        assert_eq!(judge(&seconds), Grain::Tick(COARSE_TICK));
    }

    #[test]
    fn sc145_the_probe_answers_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let handle = os::open_root(directory.path()).unwrap();
        assert!(can_exchange(handle.as_fd()).unwrap());
        assert!(grain(handle.as_fd()).unwrap().tick() <= KERNEL_TICK);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
