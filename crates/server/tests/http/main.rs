//! A real server over loopback TLS, and clients that mean well or not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, and what they are made of"
)]

mod accounts;
mod admin;
mod documents;
mod events;
mod hostile;
mod limits;
mod links;
mod owners;
mod person;
mod power_cut;
mod quota;
mod rights;
mod tls;
mod transfer;
mod web;
mod world;
