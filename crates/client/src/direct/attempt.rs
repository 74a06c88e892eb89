//! Edits into the log. What is planned is planned again while others write at the same time.

use std::time::Duration;

use hythe_control::{Failure, FailureKind};
use hythe_model::{NodeId, VersionId};
use hythe_space::Operation;
use hythe_space::moving::{MoveOut, MovedOut, StayHere};
use hythe_sync::Versions;

use super::current::tell;
use super::words::refused;
use crate::commit::{CommitError, Edit};
use crate::daemon::{Door, Space};
use crate::net::{ApiError, Retry};
use crate::state::{Rows, SpaceNumber, StateError};
use crate::transfer::SealedObject;

/// How often others may be faster before a command gives up.
const TRIES: u32 = 5;

/// How long a server that has too much to do is left alone, where it does not say.
const BUSY_PAUSE: Duration = Duration::from_millis(300);

/// What a command wants of the log as it is now.
pub(super) struct Planned<T> {
    /// The edits, in order; none when all is as it should be already.
    pub edits: Vec<Edit>,
    /// What travels with them.
    pub attached: Vec<SealedObject>,
    /// What the command makes of it.
    pub then: T,
}

impl<T> Planned<T> {
    /// Edits that nothing travels with.
    pub fn new(edits: Vec<Edit>, then: T) -> Self {
        Self {
            edits,
            attached: Vec::new(),
            then,
        }
    }
}

/// What a command led to.
pub(super) struct Carried<T> {
    /// What the last plan was about.
    pub then: T,
    /// How many edits were committed, over all tries.
    pub edits: u64,
}

/// Why a command led to nothing.
pub(super) enum NotCarried {
    /// What it is about is not as it should be.
    Failed(Failure),
    /// The server lacks chunks that were taken for granted.
    ChunksMissing(Failure),
}

impl From<NotCarried> for Failure {
    fn from(error: NotCarried) -> Self {
        match error {
            NotCarried::Failed(failure) | NotCarried::ChunksMissing(failure) => failure,
        }
    }
}

impl From<Failure> for NotCarried {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Plans and commits, planning again when others were faster. `plan` must give no edits, or fail,
/// once what it wants is there.
pub(super) async fn carry_out<T>(
    door: &Door,
    space: &Space,
    mut plan: impl FnMut(&Rows<'_>) -> Result<Planned<T>, Failure>,
) -> Result<Carried<T>, NotCarried> {
    let mut done = 0;
    let mut last = None;
    for _ in 0..TRIES {
        let Planned {
            edits,
            attached,
            then,
        } = door.shared.state.read(&mut plan)?;
        match commit(door, space, edits, attached, &mut done).await {
            Ok(()) => return Ok(Carried { then, edits: done }),
            Err(Ended::Again(failure)) => last = Some(failure),
            Err(Ended::Stop(error)) => return Err(error),
        }
    }
    let failure = last.unwrap_or_else(|| refused("The change was not made"));
    Err(failure.into())
}

/// How committing ended before all was committed.
enum Ended {
    Again(Failure),
    Stop(NotCarried),
}

async fn commit(
    door: &Door,
    space: &Space,
    mut edits: Vec<Edit>,
    mut attached: Vec<SealedObject>,
    done: &mut u64,
) -> Result<(), Ended> {
    while !edits.is_empty() {
        let (before, trace) = (edits.len(), edits.first().map(Trace::of));
        let (now, objects) = (std::mem::take(&mut edits), std::mem::take(&mut attached));
        match space.replica.commit(now, objects).await {
            Ok(committed) => {
                tell(door, space, committed.applied);
                edits = committed.rest;
                *done += (before - edits.len()) as u64;
            }
            Err(CommitError::Unknown(error)) => {
                let known = settle(door, space, trace.as_ref(), &error).await;
                match known {
                    Some(true) if before == 1 => {
                        *done += 1;
                        return Ok(());
                    }
                    // What is left shows when it is planned again.
                    Some(_) => return Err(Ended::Again(CommitError::Unknown(error).into())),
                    None => {
                        let failure = Failure::from(CommitError::Unknown(error));
                        return Err(Ended::Stop(failure.into()));
                    }
                }
            }
            Err(CommitError::Refused { there, applied }) => {
                tell(door, space, applied.clone());
                return Err(Ended::Again(CommitError::Refused { there, applied }.into()));
            }
            Err(error @ CommitError::ChunksMissing { .. }) => {
                return Err(Ended::Stop(NotCarried::ChunksMissing(error.into())));
            }
            Err(error) => return Err(Ended::Stop(Failure::from(error).into())),
        }
    }
    Ok(())
}

/// Finds out what became of a change set whose answer was not seen: whether it is in the log. None
/// when the log cannot be read.
async fn settle(
    door: &Door,
    space: &Space,
    trace: Option<&Trace>,
    error: &ApiError,
) -> Option<bool> {
    if let (ApiError::Busy(_), Retry::Later(asked)) = (error, error.retry()) {
        tokio::time::sleep(asked.unwrap_or(BUSY_PAUSE)).await;
    }
    let applied = space.replica.settle_underway().await.ok()?;
    tell(door, space, applied);
    let trace = trace?;
    door.shared
        .state
        .read(|rows| trace.is_there(rows, space.number))
        .ok()
}

/// What shows that an edit is in the log.
struct Trace {
    node: NodeId,
    version: Option<VersionId>,
}

impl Trace {
    fn of(edit: &Edit) -> Self {
        let (node, version) = match edit {
            Edit::Create { node, new, .. } => (node, Some(new.place)),
            Edit::Restore { node, new, .. } | Edit::Move { node, new, .. } => (node, Some(*new)),
            Edit::Update {
                node,
                attributes,
                body,
            } => {
                let body = body.as_ref().map(|body| body.new);
                (node, body.or(attributes.map(|attributes| attributes.new)))
            }
            Edit::Copy(copied) => (&copied.node, Some(copied.place_version)),
            Edit::Clear(
                Operation::MoveOut(MoveOut { node, .. })
                | Operation::MovedOut(MovedOut { node, .. })
                | Operation::StayHere(StayHere { node }),
            )
            | Edit::Delete { node, .. } => (node, None),
            // Nothing else is committed so.
            Edit::Clear(_) => (&NodeId::ROOT, None),
        };
        Self {
            node: *node,
            version,
        }
    }

    fn is_there(&self, rows: &Rows<'_>, space: SpaceNumber) -> Result<bool, StateError> {
        let Some(node) = rows.remote_node(space, self.node)? else {
            return Ok(false);
        };
        let Versions {
            place,
            attributes,
            body,
        } = node.versions;
        Ok(match self.version {
            Some(version) => [Some(place), Some(attributes), body].contains(&Some(version)),
            None => node.deleted,
        })
    }
}

/// A fresh id.
pub(super) fn fresh() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(FailureKind::Internal, "The system gives no random numbers").because(error)
    })?;
    Ok(bytes)
}

/// A fresh version.
pub(super) fn fresh_version() -> Result<VersionId, Failure> {
    fresh().map(VersionId)
}

/// Fresh versions of a node that is to be made.
pub(super) fn fresh_versions(with_body: bool) -> Result<Versions, Failure> {
    Ok(Versions {
        place: fresh_version()?,
        attributes: fresh_version()?,
        body: if with_body {
            Some(fresh_version()?)
        } else {
            None
        },
    })
}
