//! The client's network half against a real server: enrolment, commits, replicas, content.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod checkpoints;
mod claimed;
mod connection;
mod content;
mod devices;
mod joining;
mod lies;
mod login;
mod members;
mod padding;
mod passkeys;
mod proxy;
mod renewal;
mod restored;
mod resume;
mod rig;
mod space;
mod thief;
