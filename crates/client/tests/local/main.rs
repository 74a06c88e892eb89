//! Disk, state, scan and watch on a real file system. Each test names what it shows.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod confinement;
mod crash;
mod disk;
mod durability;
mod folder;
mod ground;
mod parts;
mod removal;
mod replacement;
mod scan;
mod scan_identity;
mod scan_random;
mod scan_safety;
mod state;
mod state_log;
mod watch;
mod whereabouts;
