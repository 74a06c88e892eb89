//! Inboxes: putting files into a space without reading it, and taking them in.

pub(crate) mod card;
pub(crate) mod dropping;
pub(crate) mod leaving;
pub(crate) mod put;
pub(crate) mod take;

pub use dropping::{DropError, Introduction, send};
pub use put::PutError;
pub use take::{TakeError, Unfit};
