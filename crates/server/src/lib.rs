//! The server: one router over rules, metadata and blobs.

mod blobs;
pub mod config;
mod metadata;
mod notify;
mod tls;
