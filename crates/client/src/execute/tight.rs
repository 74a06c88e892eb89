//! Sending where a quota is nearly used up: what fits is sent, what does not waits, by itself (C3).
//!
//! A batch that does not fit is halved until the one file that does not is found. What is at least
//! as large as that is not tried in the same run, so that a full account costs a few requests and
//! not one for each file.

use hythe_sync::Step;

use super::places::Places;
use super::remote::stamp_of;
use super::report::Report;
use super::{Context, RunError};
use crate::net::OverQuota;
use crate::replica::ReplicaError;

/// How tight it is.
#[derive(Default)]
pub(super) struct Tight {
    /// Steps to be tried at once; none is as many as go.
    steps: Option<usize>,
    /// The size of the smallest content that was refused, and why.
    refused: Option<(u64, OverQuota)>,
}

impl Tight {
    /// How many steps to try of so many.
    pub(super) fn at_most(&self, length: usize) -> usize {
        self.steps.map_or(length, |most| length.min(most).max(1))
    }

    /// A batch was taken: the next may be larger.
    pub(super) fn fitted(&mut self) {
        self.steps = self.steps.map(|most| most.saturating_mul(2));
    }

    /// A batch of so many steps was refused: the next try is with half of it.
    pub(super) fn did_not_fit(&mut self, steps: usize) {
        self.steps = Some(steps / 2);
    }

    /// A single step was refused.
    pub(super) fn refused(
        &mut self,
        cx: &Context,
        batch: &[&Step],
        over: OverQuota,
        report: &mut Report,
    ) -> Result<(), RunError> {
        for step in batch {
            let size = size_of(step).unwrap_or(0);
            let smallest = self.refused.map_or(size, |(before, _)| before.min(size));
            self.refused = Some((smallest, over));
            fail(cx, step, over, report)?;
        }
        Ok(())
    }

    /// Leaves out of a batch what is known not to fit.
    pub(super) fn without_what_is_too_large<'p>(
        &self,
        cx: &Context,
        batch: &[&'p Step],
        report: &mut Report,
    ) -> Result<Vec<&'p Step>, RunError> {
        let Some((refused, over)) = self.refused else {
            return Ok(batch.to_vec());
        };
        // What these need was not found out.
        let over = OverQuota { needed: 0, ..over };
        let mut left = Vec::with_capacity(batch.len());
        for step in batch {
            match size_of(step) {
                Some(size) if size >= refused => fail(cx, step, over, report)?,
                _ => left.push(*step),
            }
        }
        Ok(left)
    }
}

/// The quota that refused a run, if that is what stopped it.
pub(super) fn over_quota(error: &RunError) -> Option<OverQuota> {
    match error {
        RunError::Server(error) | RunError::Replica(ReplicaError::Api(error)) => error.over_quota(),
        _ => None,
    }
}

/// The length of a step's content; none where it has none.
fn size_of(step: &Step) -> Option<u64> {
    stamp_of(step).map(|stamp| stamp.size)
}

fn fail(cx: &Context, step: &Step, over: OverQuota, report: &mut Report) -> Result<(), RunError> {
    let trees = cx.state.folder_trees(cx.folder)?;
    let path = Places::new(&trees).path_of(step.node())?;
    report.fail(step.node(), path, over.sentence(), OverQuota::ACTION);
    Ok(())
}
