//! Deciding what to do: three trees and a dirty set go in, a plan comes out.
//!
//! Pure and deterministic: no I/O, no clock, no randomness (ids come from the caller), no async.
//! The rules are `docs/semantics.md`.

pub mod context;
pub mod plan;
pub mod record;
pub mod tree;

pub use context::{IdSource, PlanContext};
pub use plan::{AttributesWrite, BodyWrite, Half, MoveReason, Plan, Problem, Replaces, Step};
pub use tree::{
    DiskStamp, LocalNode, Place, Quarantine, RemoteNode, SyncedNode, TreeError, Trees, Versions,
};
