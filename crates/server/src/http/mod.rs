//! The HTTP door: connections, what every request goes through, and a file per resource. It
//! translates and limits; what may be done is decided in `files`.

pub(crate) mod accept;
mod activity;
pub(crate) mod app;
mod body;
pub(crate) mod connection;
pub(crate) mod error;
pub(crate) mod gate;
pub(crate) mod layers;
mod login_rate;
mod message;
pub(crate) mod rate;
mod stall;
pub(crate) mod stream;

pub(crate) mod account_log;
pub(crate) mod accounts;
pub(crate) mod admin;
pub(crate) mod app_passwords;
pub(crate) mod approvals;
pub(crate) mod changes;
pub(crate) mod checkpoint;
pub(crate) mod chunks;
pub(crate) mod deletion;
pub(crate) mod devices;
mod event_feed;
pub(crate) mod events;
pub(crate) mod exposition;
pub(crate) mod farewell;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod inbox;
pub(crate) mod joining;
pub(crate) mod link;
pub(crate) mod links;
pub(crate) mod login;
pub(crate) mod members;
pub(crate) mod openapi;
pub(crate) mod passkeys;
pub(crate) mod profile;
pub(crate) mod server;
pub(crate) mod sightings;
pub(crate) mod snapshot;
pub(crate) mod spaces;
