//! The crash explorer: what a power cut may leave of what a program asked the system to do.
//!
//! A program runs under `strace` ([`Trace`]); its calls become a [`Log`] of changes to names, bytes and
//! attributes below a few directories, each a file system of its own; a [`Cut`] goes through the log
//! and says at each point which states a power cut there may leave on a [`FileSystem`]; a [`State`]
//! is put on a real disk, where the program starts again.
//!
//! After Pillai et al., "All File Systems Are Not Created Equal" (OSDI 2014), and Mohan et al., "Finding
//! Crash-Consistency Bugs with Bounded Black-Box Crash Testing" (OSDI 2018).

mod chance;
mod content;
mod cut;
mod disk;
mod log;
mod names;
mod reader;
mod state;
mod system;
mod trace;

pub use chance::Chance;
pub use cut::Cut;
pub use disk::{Placed, place};
pub use log::{Change, Inode, Log, Look, Node, Slot, Time};
pub use state::{Held, Item, State};
pub use system::{Bytes, Choice, FileSystem, Names};
pub use trace::{Call, Trace};

#[cfg(test)]
mod tests;
