//! Every message: there and back, golden files, and what is no message.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, and what they are made of"
)]

mod damage;
mod frames;
mod golden;
mod identity;
mod json;
mod messages;
mod opaque;
mod recovery;
mod samples;
mod urls;
