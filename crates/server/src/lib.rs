//! The server: one router over rules, metadata and blobs.
//!
//! Doors (`http`, [`admin`]) translate and limit, [`files`] decides, `metadata` speaks SQL,
//! `blobs` keeps packs. [`Server::start`] puts them together.

mod address;
pub mod admin;
mod auth;
mod blobs;
mod clock;
pub mod config;
pub mod files;
mod http;
mod jobs;
mod metadata;
pub mod notify;
pub mod roster;
mod router;
mod serve;
mod state;
mod tls;

pub use config::{ServerConfig, Transport};
pub use router::document;
pub use serve::{Running, Server, StartError};
pub use tls::TlsError;
