//! The door errors leave by: exit code, one sentence, a cause, a next step.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use hythe_control::{CallError, Failure, FailureKind};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done = 0,
    /// It could not be done.
    Failed = 1,
    /// It was asked for in a wrong way.
    Usage = 2,
    /// Done, or not, but a person must look: a conflict, a pause, a held change.
    Attention = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a user is told when something did not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How the program ends.
    pub exit: Exit,
    message: String,
    cause: Option<String>,
    next: Option<String>,
}

impl Trouble {
    /// It could not be done.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// It was asked for in a wrong way.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A person must look.
    pub fn attention(message: impl Into<String>) -> Self {
        Self::new(Exit::Attention, message)
    }

    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            cause: None,
            next: None,
        }
    }

    /// Adds why: the error and what it was caused by.
    #[must_use]
    pub fn because(mut self, error: impl Error) -> Self {
        self.cause = Some(chain(&error));
        self
    }

    /// Adds why, in words.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the next step.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Says it on standard error. An empty message says nothing: the reader of our output left.
    pub fn tell(&self) {
        if !self.message.is_empty() {
            eprint!("{}", self.text());
        }
    }

    fn text(&self) -> String {
        let mut text = format!("hythe: {}\n", self.message);
        // Writing to a string cannot fail.
        if let Some(cause) = &self.cause {
            let _ = writeln!(text, "  cause: {cause}");
        }
        if let Some(next) = &self.next {
            let _ = writeln!(text, "  next:  {next}");
        }
        text
    }
}

/// An error and its sources, outermost first, without saying anything twice.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        source = inner.source();
    }
    text
}

/// Output that could not be written.
impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::failed(""),
            _ => Self::failed("The output could not be written.").because(error),
        }
    }
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Failed(failure) => failure.into(),
            CallError::NotRunning => Self::failed("No daemon is running.")
                .next("Start it with `hythe daemon start`."),
            CallError::Ended => Self::failed("The daemon ended before it answered.")
                .next("See its log, `daemon.log` in Hythe's home, and ask again."),
            other => Self::failed("The daemon could not be asked.").because(other).next(
                "Stop it with `hythe daemon stop`, start it again, so that both are of one version.",
            ),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let exit = match failure.kind {
            FailureKind::Usage => Exit::Usage,
            FailureKind::Attention => Exit::Attention,
            _ => Exit::Failed,
        };
        let next = failure
            .next
            .or_else(|| usual_next(failure.kind).map(str::to_owned));
        Self {
            exit,
            message: failure.message,
            cause: failure.cause,
            next,
        }
    }
}

/// The next step where whoever failed knew none for the case at hand.
fn usual_next(kind: FailureKind) -> Option<&'static str> {
    match kind {
        FailureKind::Usage => Some("See the command's --help."),
        FailureKind::NotFound => Some("See what is there with `hythe ls`."),
        FailureKind::Attention => Some("See `hythe status`."),
        FailureKind::Unreachable => {
            Some("Check that the server runs and that this device is online; then try again.")
        }
        FailureKind::Protocol => {
            Some("Stop the daemon and start it again, so that both are of one version.")
        }
        FailureKind::Internal => Some("Try again; if it stays so, see the daemon's log."),
        // What stands in the way is in the message, and only the user knows what is wanted.
        FailureKind::Refused => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_words_and_gets_its_exit_code() {
        for (kind, exit) in [
            (FailureKind::Usage, Exit::Usage),
            (FailureKind::Attention, Exit::Attention),
            (FailureKind::NotFound, Exit::Failed),
            (FailureKind::Unreachable, Exit::Failed),
        ] {
            let failure = Failure::new(kind, "It is not there.")
                .because("why")
                .next("Look.");
            let trouble = Trouble::from(failure);
            assert_eq!(trouble.exit, exit);
            assert_eq!(
                trouble.text(),
                "hythe: It is not there.\n  cause: why\n  next:  Look.\n"
            );
        }
    }

    #[test]
    fn a_reader_that_left_is_told_nothing() {
        let trouble = Trouble::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(trouble.message.is_empty());
        let full = Trouble::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(!full.message.is_empty());
    }

    #[test]
    fn causes_are_told_once() {
        let inner = io::Error::other("disk full");
        let outer = CallError::Socket(inner);
        assert_eq!(
            chain(&outer),
            "the daemon's socket cannot be used: disk full"
        );
    }
}
