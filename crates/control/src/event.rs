//! What is told while a request is under way.

use serde::{Deserialize, Serialize};

use crate::files::{Entry, Revision};
use crate::octets::Octets;
use crate::status::Problem;

/// Something told before the reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// How far it is. At most ten a second.
    Progress(Progress),
    /// An item that is not synced.
    Problem(Problem),
    /// Entries of a listing; at most 256 in one event, so that a line stays bounded.
    Entries(Vec<Entry>),
    /// Lines of a history; at most 256 in one event.
    Revisions(Vec<Revision>),
    /// A step that would be done.
    Step(PlannedStep),
    /// Something `verify` found wrong.
    Finding(Finding),
}

/// How far a request is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// What is being done now, in a few words.
    pub doing: String,
    /// Items done.
    pub done_items: u64,
    /// Items in all, as far as known.
    pub total_items: Option<u64>,
    /// Bytes done.
    pub done_bytes: u64,
    /// Bytes in all, as far as known.
    pub total_bytes: Option<u64>,
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// The sync folder.
    pub dir: Octets,
    /// The item, relative to the folder.
    pub path: Octets,
    /// Its kind, as `hythe_sync::Step` names it in snake case.
    pub step: String,
    /// The step in words.
    pub text: String,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Where: `disk`, `trees`, `log` or `chunks`.
    pub area: String,
    /// What it concerns: a path, a position, an object.
    pub item: Octets,
    /// What is wrong, as one sentence.
    pub problem: String,
    /// What to do, as one sentence.
    pub action: String,
}
