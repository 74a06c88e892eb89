//! The rules under the doors, on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;
mod contract;
mod durability;
mod engine;
mod fold_property;
mod leaks;
mod limits;
mod passkeys;
mod person;
mod replicas;
mod restored;
mod tampering;
mod world;
