//! Tests of the crate through its public door. One binary: each test file that is linked alone
//! costs as much as all of them together.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

mod account;
mod canonical;
mod chain;
mod checkpoint;
mod ending;
mod golden;
mod governance;
mod joining;
mod keyholder;
mod moving;
mod mutation;
mod nodes;
mod properties;
mod sighting;
mod tamper;
mod told;
mod world;
