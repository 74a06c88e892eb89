//! What can go wrong with a request, by what the caller can do about it.

use std::time::Duration;

use hythe_control::size;
use hythe_wire::problem::QuotaOf;
use hythe_wire::{Code, Problem, There};

/// Any error underneath, kept for the log.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a request has no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The server cannot be reached, or the connection broke or fell silent.
    #[error("the server cannot be reached: {0}")]
    Offline(#[source] Cause),
    /// Somebody answers, but it is not the server whose identity is pinned.
    #[error("the server at this address is not the one this device knows: {0}")]
    WrongServer(#[source] Cause),
    /// The device's token, an invite or a one-time token is not accepted (any more).
    #[error("{0}")]
    Unauthorised(Box<Problem>),
    /// The server refuses this request; repeating it unchanged is of no use.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The server's data was restored from a copy.
    #[error("{0}")]
    EpochChanged(Box<Problem>),
    /// The request or its answer is over a size limit.
    #[error("the request or its answer is too large")]
    TooLarge,
    /// The server cannot do it at the moment.
    #[error("{0}")]
    Busy(Box<Problem>),
    /// The answer is not what the route answers.
    #[error("the server's answer cannot be understood: {0}")]
    Malformed(#[source] Cause),
}

/// A quota that has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverQuota {
    /// Whose.
    pub of: QuotaOf,
    /// What is used and the limit, in bytes, where this account may know.
    pub used: Option<(u64, u64)>,
    /// What was to be stored, in bytes.
    pub needed: u64,
}

impl OverQuota {
    /// What a person can do about it.
    pub const ACTION: &'static str =
        "Ask whoever runs the server for more room; Hythe goes on by itself when there is some.";

    /// What stands in the way, as a sentence without its full stop.
    pub fn sentence(self) -> String {
        let whose = match self.of {
            QuotaOf::Account => "your account",
            QuotaOf::Space => "the space",
            QuotaOf::Owner => {
                return "the quota of the space's owner has no room for it".to_owned();
            }
        };
        let used = match self.used {
            Some((used, limit)) => format!("{whose} uses {} of {}", size(used), size(limit)),
            None => format!("the quota of {whose} is used up"),
        };
        match self.needed {
            0 => format!("there is no room for it: {used}"),
            needed => format!("there is no room for {}: {used}", size(needed)),
        }
    }
}

/// Whether a request may succeed later without anybody doing anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It may; not before this long, where the server said so.
    Later(Option<Duration>),
    /// Something else has to change first.
    Never,
}

impl ApiError {
    /// Whether and when trying again makes sense.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Offline(_) | Self::Malformed(_) => Retry::Later(None),
            Self::Busy(problem) => Retry::Later(problem.retry_after_ms.map(Duration::from_millis)),
            _ => Retry::Never,
        }
    }

    /// The problem the server named, if it named one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Unauthorised(problem)
            | Self::Refused(problem)
            | Self::EpochChanged(problem)
            | Self::Busy(problem) => Some(problem),
            _ => None,
        }
    }

    /// The code of the problem the server named, if it named one.
    pub fn code(&self) -> Option<Code> {
        self.problem().map(|problem| problem.code)
    }

    /// Whether the account is suspended: it keeps everything, and is let in again when whoever
    /// runs the server says so.
    pub fn is_suspended(&self) -> bool {
        self.code() == Some(Code::AccountSuspended)
    }

    /// What the server says of the quota that has no room for what was to be stored.
    pub fn over_quota(&self) -> Option<OverQuota> {
        let problem = self.problem()?;
        if problem.code != Code::QuotaExceeded {
            return None;
        }
        Some(match problem.there {
            Some(There::Quota {
                of,
                used,
                limit,
                needed,
            }) => OverQuota {
                of,
                used: used.zip(limit),
                needed,
            },
            _ => OverQuota {
                of: QuotaOf::Account,
                used: None,
                needed: 0,
            },
        })
    }

    pub(super) fn of_problem(problem: Problem) -> Self {
        let problem = Box::new(problem);
        match (problem.code, problem.status) {
            (Code::EpochChanged, _) => Self::EpochChanged(problem),
            (Code::TooLarge, _) | (_, 413) => Self::TooLarge,
            (_, 401) => Self::Unauthorised(problem),
            // The server works; this one thing has no room.
            (Code::QuotaExceeded, _) => Self::Refused(problem),
            (_, 408 | 429 | 500..) => Self::Busy(problem),
            _ => Self::Refused(problem),
        }
    }

    pub(super) fn offline(cause: impl Into<Cause>) -> Self {
        Self::Offline(cause.into())
    }

    pub(crate) fn malformed(cause: impl Into<Cause>) -> Self {
        Self::Malformed(cause.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_leads_to_a_class_that_fits_its_status() {
        for code in Code::ALL {
            let error = ApiError::of_problem(Problem::new(*code));
            let fits = match (&error, code.status()) {
                (ApiError::EpochChanged(_), 409) => *code == Code::EpochChanged,
                (ApiError::Refused(_), 507) => *code == Code::QuotaExceeded,
                (ApiError::Refused(_), status) => (400..500).contains(&status),
                (ApiError::Unauthorised(_), status) => status == 401,
                (ApiError::TooLarge, status) => status == 413,
                (ApiError::Busy(_), status) => matches!(status, 408 | 429 | 500..),
                _ => false,
            };
            assert!(fits, "{code:?} became {error:?}");
        }
    }

    #[test]
    fn sc117_the_wait_the_server_asks_for_is_passed_on() {
        let problem = Problem::new(Code::RateLimited).retry_after_ms(2500);
        let retry = ApiError::of_problem(problem).retry();
        assert_eq!(retry, Retry::Later(Some(Duration::from_millis(2500))));
        assert_eq!(
            ApiError::of_problem(Problem::new(Code::Forbidden)).retry(),
            Retry::Never
        );
    }
}
