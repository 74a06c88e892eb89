//! The client: one loop, its state, the disk, the transfer of bytes, and what carries plans out.
//!
//! Everything with effects on a device lives here; what to do is decided in `hythe-sync`.

pub mod commit;
pub mod connect;
pub mod daemon;
pub(crate) mod direct;
pub mod disk;
pub mod enrol;
pub(crate) mod execute;
pub mod home;
pub mod inbox;
pub mod keys;
mod leave;
pub mod link;
pub mod net;
pub mod os;
pub(crate) mod pass;
pub mod pins;
pub mod pool;
pub mod replica;
pub mod scan;
pub mod state;
pub mod transfer;
pub mod watch;
