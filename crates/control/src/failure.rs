//! How a request ends badly.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The end of a request that could not be done: what, why, and what next, each a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What callers may act on.
    pub kind: FailureKind,
    /// What could not be done.
    pub message: String,
    /// Why.
    pub cause: Option<String>,
    /// The next step.
    pub next: Option<String>,
}

/// What callers may act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The request itself is wrong: an ambiguous name, a path outside every folder.
    Usage,
    /// What it names is not there.
    NotFound,
    /// It is refused as things stand: name taken, directory not empty, no right.
    Refused,
    /// A person must decide first: paused, held, a conflict.
    Attention,
    /// The server cannot be reached, or is not the one this device knows.
    Unreachable,
    /// The message is of another version, malformed or over a limit.
    Protocol,
    /// Something that should not happen did.
    Internal,
}

impl Failure {
    /// A failure with its sentence only.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            cause: None,
            next: None,
        }
    }

    /// Adds why.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Adds the next step.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.cause {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}
