//! The network vocabulary of Hythe: every HTTP message, event, problem code, route and limit.
//!
//! Server and clients share this crate, so neither can drift from the other. It knows no rules and
//! does no I/O. Control messages are JSON; log, chunks, packs and events are deterministic CBOR
//! (RFC 8949 §4.2), each message one [`Message`] with a size limit of its own. What streams is a
//! CBOR sequence of frames ([`frame`]). The formats are told field by field in
//! `docs/format/wire.md`.

pub mod account;
pub mod admin;
pub mod app_password;
pub mod approval;
mod bounded;
pub mod chunk;
mod crockford;
pub mod deletion;
pub mod device;
pub mod event;
pub mod factor;
pub mod farewell;
pub mod frame;
pub mod headers;
pub mod history;
pub mod identity;
pub mod inbox;
pub mod invite;
pub mod join;
pub mod limits;
pub mod link;
pub mod link_url;
pub mod log;
pub mod login;
pub mod member;
pub mod message;
pub mod opaque;
pub mod problem;
pub mod profile;
pub mod recovery;
pub mod routes;
pub mod server;
pub mod sighting;
pub mod space;
mod text;
pub mod token;
pub mod web;

pub use frame::{FrameDecoder, FrameError};
pub use identity::IdentityKey;
pub use message::{DecodeError, Message};
pub use minicbor::bytes::ByteVec;
pub use problem::{Code, Problem, There};
pub use token::Token;
