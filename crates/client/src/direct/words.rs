//! Failures as people read them: what, why, and what next.

use hythe_content::BodyError;
use hythe_control::{Failure, FailureKind};
use hythe_wire::There;

use crate::commit::CommitError;
use crate::daemon::unreachable;
use crate::replica::{AS_NEW_DEVICE, Alarm, ReplicaError};
use crate::state::StateError;
use crate::transfer::TransferError;

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        Self::new(FailureKind::Internal, "The state database failed").because(error)
    }
}

impl From<ReplicaError> for Failure {
    fn from(error: ReplicaError) -> Self {
        match error {
            ReplicaError::Api(error) => unreachable(&error),
            ReplicaError::State(error) => error.into(),
            ReplicaError::EpochChanged => {
                Self::new(FailureKind::Refused, "The server was restored from a copy")
                    .next("This device is comparing everything anew: try again in a minute.")
            }
            ReplicaError::Unconfirmed => Self::new(
                FailureKind::Attention,
                "The server says that it was restored from a copy, which nobody has confirmed",
            )
            .because("a server can say so to hide what was written")
            .next("Ask who runs it whether that is so; then `hythe spaces confirm SPACE`."),
            ReplicaError::Alarm(Alarm::Contradicted(what)) => Self::new(
                FailureKind::Attention,
                "The server shows the space otherwise than another device saw it",
            )
            .because(what)
            .next(
                "Ask whose device that is and who runs the server; `hythe spaces confirm SPACE` goes \
                 on with what the server shows.",
            ),
            ReplicaError::Alarm(alarm) => Self::new(
                FailureKind::Attention,
                "The server's log does not verify; nothing of it was used",
            )
            .because(alarm)
            .next("Do not go on before whoever runs the server knows why."),
            ReplicaError::Twin => Self::new(
                FailureKind::Attention,
                "This device was copied and the other copy is in use",
            )
            .next(format!("To go on, {AS_NEW_DEVICE}")),
            other => {
                Self::new(FailureKind::Internal, "The space's log cannot be read").because(other)
            }
        }
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused { there, .. } => {
                let failure =
                    refused("Others were faster: the change does not fit what is there now");
                match there {
                    Some(there) => failure.because(instead(&there)),
                    None => failure,
                }
                .next("Look what is there now, and try again.")
            }
            CommitError::ChunksMissing { .. } => {
                refused("The server lacks parts of the content").next("Try again.")
            }
            CommitError::Unknown(error) => Self::new(
                FailureKind::Unreachable,
                "It is not known whether the change was made",
            )
            .because(error)
            .next("`hythe history` shows it once the server answers again."),
            CommitError::Replica(error) => error.into(),
            other => refused("The change cannot be written").because(other),
        }
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        match error {
            TransferError::Api(error) => unreachable(&error),
            TransferError::Missing { .. } | TransferError::Damaged { .. } => {
                refused("The content on the server is damaged")
                    .because(error)
                    .next("`hythe verify` names what is damaged and what mends it.")
            }
            TransferError::Local(error) => {
                refused("The content cannot be read or written").because(error)
            }
            TransferError::Body(error) => unlaid(error),
            other => refused("The content cannot be transferred").because(other),
        }
    }
}

/// A layout that cannot be written or read.
pub(super) fn unlaid(error: BodyError) -> Failure {
    refused("The content's layout cannot be used").because(error)
}

/// A failure as things stand.
pub(super) fn refused(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Refused, message)
}

/// Work of ours that broke off.
pub(super) fn broke_off(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Internal, "The work broke off").because(error)
}

fn instead(there: &There) -> &'static str {
    match there {
        There::NotAllowed => "your account may not write here",
        There::NoNode { .. } => "an item it concerns was deleted",
        There::Mismatch { .. } => "an item it concerns was changed",
        There::NameTaken { .. } => "the name is taken",
        There::NotEmpty { .. } => "the directory is not empty",
        There::Cycle { .. } => "the directory would lie below itself",
        _ => "the space was changed meanwhile",
    }
}
