//! Deciding what to do: three trees and a dirty set go in, a plan comes out.
//!
//! Pure and deterministic: no I/O, no clock, no randomness (ids come from the caller), no async.
//! The rules are `docs/semantics.md`.

mod agree;
mod ancestry;
pub mod brake;
pub mod check;
pub mod conflict_name;
pub mod context;
mod draft;
mod fate;
pub mod ignore;
mod local_half;
pub mod memory;
mod merge;
mod names;
mod order;
pub mod plan;
pub mod planner;
pub mod record;
mod remote_half;
pub mod restore;
mod shape;
pub mod text;
pub mod tree;
mod view;

pub use brake::{Brake, Counts, Held, RootMark, RootTrouble};
pub use check::{CheckedPlan, Refused, check};
pub use context::{IdSource, PlanContext};
pub use memory::MapTrees;
pub use plan::{AttributesWrite, BodyWrite, Half, MoveReason, Plan, Problem, Replaces, Step};
pub use planner::plan;
pub use record::{Done, synced_after};
pub use restore::{Newer, after_restore};
pub use tree::{
    DiskStamp, LocalNode, Place, Quarantine, RemoteNode, SyncedNode, TreeError, Trees, Versions,
};
