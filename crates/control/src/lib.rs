//! The daemon's local protocol: what a command line, a desktop window or a script on the same
//! machine asks the daemon, and what it answers.
//!
//! JSON lines over the unix socket `daemon.sock` in the client's home directory; the byte-level
//! description is `docs/format/control.md`. This crate knows messages, framing and the socket. It
//! does not know what the daemon does: [`serve`] hands every request to a [`Service`].
//!
//! ```no_run
//! # async fn show() -> Result<(), hythe_control::CallError> {
//! use hythe_control::{Caller, Reply, Request};
//!
//! let mut caller = Caller::connect("/home/ada/.local/share/hythe".as_ref())?;
//! if let Reply::Status(status) = caller.call(&Request::Status, None, |_event| ()).await? {
//!     println!("{} folders", status.folders.len());
//! }
//! # Ok(()) }
//! ```

mod amount;
mod caller;
mod codec;
mod event;
mod failure;
mod files;
pub mod id_text;
mod links;
mod octets;
mod reply;
mod request;
mod serve;
mod socket;
mod spaces;
mod status;

pub use amount::size;
pub use caller::{CallError, Caller};
pub use codec::{FrameError, MAX_LINE_BYTES, VERSION};
pub use event::{Event, Finding, PlannedStep, Progress};
pub use failure::{Failure, FailureKind};
pub use files::{Change, Entry, EntryKind, Modified, Place, Revision, Through};
pub use links::{
    LinkAction, LinkFor, LinkInfo, LinkMade, LinkState, LinkTerms, LinkUse, LinksRequest,
};
pub use octets::Octets;
pub use reply::{
    DeviceInfo, HeldChange, Invite, MovedHere, Removed, Reply, Verified, WaitOutcome, Waited, Why,
};
pub use request::{Decision, Request};
pub use serve::{Events, MAX_CALLERS, Service, serve};
pub use socket::{Listener, SOCKET_NAME};
pub use spaces::{
    ConfirmedInfo, InvitationInfo, MemberInfo, MemberKind, OfferInfo, ShareOutcome, SharedInfo,
    SpaceInfo, SpaceRole, SpacesRequest,
};
pub use status::{
    AccountStatus, Direction, EndedFolder, EndingSpace, FolderState, FolderStatus, InboxStatus,
    MovedFolder, Pending, Problem, Proven, ServerStatus, Status, Transfer, UsageStatus,
};
