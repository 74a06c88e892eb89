//! `wait`: a fence. What was on this disk when it was asked is committed, and what the server had
//! acknowledged then is on this disk.
//!
//! Pure: the loop tells a fence what happened and asks whether it is passed. It needs, after it was
//! set: one look at everything on each folder's disk, one answer of the server about its heads, and
//! then a moment in which every folder is settled at or beyond those heads.

use std::collections::BTreeMap;
use std::time::Instant;

use hythe_control::{WaitOutcome, Waited};
use hythe_model::Cursor;

use crate::state::{FolderNumber, SpaceNumber};

/// How one folder stands, as far as a fence wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is due and nothing waits; disk and log agree at this position.
    Settled(Cursor),
    /// Nothing is due now, but something waits for its next try or for a person.
    Stuck {
        /// The position up to which the log was planned.
        at: Cursor,
        /// What is the matter, as one sentence.
        reason: String,
    },
    /// Nothing will happen before a person acts: paused, held, unavailable.
    Stopped(String),
    /// Something is under way.
    Busy,
}

/// One `wait` that is not answered yet.
#[derive(Debug)]
pub struct Fence {
    deadline: Option<Instant>,
    looked: BTreeMap<FolderNumber, bool>,
    heads: Option<BTreeMap<SpaceNumber, Cursor>>,
    unreachable: Option<String>,
}

impl Fence {
    /// Sets a fence over these folders.
    pub fn new(deadline: Option<Instant>, folders: impl Iterator<Item = FolderNumber>) -> Self {
        let looked = folders.map(|folder| (folder, false)).collect();
        Self {
            deadline,
            looked,
            heads: None,
            unreachable: None,
        }
    }

    /// A folder came, or came back, while the fence was set: it has to be looked at too.
    pub fn add(&mut self, folder: FolderNumber) {
        self.looked.insert(folder, false);
    }

    /// A pass that began after the fence was set has looked at everything on a folder's disk.
    pub fn looked(&mut self, folder: FolderNumber) {
        if let Some(looked) = self.looked.get_mut(&folder) {
            *looked = true;
        }
    }

    /// The server said where its logs stood after the fence was set.
    pub fn heads(&mut self, heads: BTreeMap<SpaceNumber, Cursor>) {
        self.heads = Some(heads);
        self.unreachable = None;
    }

    /// The server was not reached. It is asked again; this is what a timeout will say.
    pub fn unreachable(&mut self, reason: String) {
        self.unreachable = Some(reason);
    }

    /// Whether the server has still to be asked.
    pub fn wants_heads(&self) -> bool {
        self.heads.is_none()
    }

    /// When the fence gives up.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The answer, once there is one.
    pub fn answer(
        &self,
        now: Instant,
        folders: &BTreeMap<FolderNumber, (SpaceNumber, Standing)>,
    ) -> Option<Waited> {
        let mut stopped = None;
        let mut open = self.heads.is_none();
        for (folder, looked) in &self.looked {
            // A folder that was removed meanwhile is not waited for.
            let Some((space, standing)) = folders.get(folder) else {
                continue;
            };
            let wanted = self
                .heads
                .as_ref()
                .and_then(|heads| heads.get(space))
                .copied();
            match standing {
                Standing::Stopped(reason) => stopped = stopped.or(Some(reason.clone())),
                Standing::Stuck { at, reason }
                    if *looked && wanted.is_none_or(|head| *at >= head) =>
                {
                    stopped = stopped.or(Some(reason.clone()));
                }
                Standing::Settled(at) if *looked && wanted.is_none_or(|head| *at >= head) => {}
                _ => open = true,
            }
        }
        if !open {
            let outcome = if stopped.is_some() {
                WaitOutcome::Attention
            } else {
                WaitOutcome::Synced
            };
            return Some(Waited {
                outcome,
                reason: stopped,
            });
        }
        if self.deadline.is_none_or(|at| now < at) {
            return None;
        }
        Some(match &self.unreachable {
            Some(reason) => Waited {
                outcome: WaitOutcome::Unreachable,
                reason: Some(reason.clone()),
            },
            None => Waited {
                outcome: WaitOutcome::TimedOut,
                reason: stopped.or(Some("changes are still on their way".to_owned())),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FOLDER: FolderNumber = FolderNumber(1);
    const SPACE: SpaceNumber = SpaceNumber(7);

    fn standing(standing: Standing) -> BTreeMap<FolderNumber, (SpaceNumber, Standing)> {
        BTreeMap::from([(FOLDER, (SPACE, standing))])
    }

    fn ready(fence: &mut Fence) {
        fence.looked(FOLDER);
        fence.heads(BTreeMap::from([(SPACE, Cursor(5))]));
    }

    #[test]
    fn passed_only_after_a_look_at_the_disk_and_at_the_head_of_then() {
        let now = Instant::now();
        let mut fence = Fence::new(None, [FOLDER].into_iter());
        let settled = standing(Standing::Settled(Cursor(5)));
        assert_eq!(fence.answer(now, &settled), None);
        fence.heads(BTreeMap::from([(SPACE, Cursor(5))]));
        assert_eq!(
            fence.answer(now, &settled),
            None,
            "nobody looked at the disk"
        );
        fence.looked(FOLDER);
        assert_eq!(
            fence.answer(now, &standing(Standing::Settled(Cursor(4)))),
            None
        );
        assert_eq!(fence.answer(now, &standing(Standing::Busy)), None);
        let outcome = fence.answer(now, &settled).map(|waited| waited.outcome);
        assert_eq!(outcome, Some(WaitOutcome::Synced));
    }

    #[test]
    fn a_folder_that_comes_meanwhile_is_waited_for() {
        let (now, inner) = (Instant::now(), FolderNumber(2));
        let mut fence = Fence::new(None, [FOLDER].into_iter());
        ready(&mut fence);
        fence.add(inner);
        let mut standings = standing(Standing::Settled(Cursor(5)));
        standings.insert(inner, (SPACE, Standing::Settled(Cursor(5))));
        assert_eq!(fence.answer(now, &standings), None);
        fence.looked(inner);
        assert!(fence.answer(now, &standings).is_some());
    }

    #[test]
    fn what_needs_a_person_is_said_and_not_waited_for() {
        let now = Instant::now();
        let mut fence = Fence::new(None, [FOLDER].into_iter());
        ready(&mut fence);
        let held = standing(Standing::Stopped("held".into()));
        let waited = fence.answer(now, &held).unwrap();
        assert_eq!(
            (waited.outcome, waited.reason.as_deref()),
            (WaitOutcome::Attention, Some("held"))
        );
        let stuck = Standing::Stuck {
            at: Cursor(4),
            reason: "unreadable".into(),
        };
        assert_eq!(
            fence.answer(now, &standing(stuck)),
            None,
            "the log is not yet planned that far"
        );
    }

    #[test]
    fn a_timeout_says_whether_the_server_was_the_matter() {
        let now = Instant::now();
        let deadline = now + Duration::from_secs(1);
        let mut fence = Fence::new(Some(deadline), [FOLDER].into_iter());
        fence.unreachable("connection refused".into());
        assert_eq!(fence.answer(now, &standing(Standing::Busy)), None);
        let waited = fence.answer(deadline, &standing(Standing::Busy)).unwrap();
        assert_eq!(waited.outcome, WaitOutcome::Unreachable);
        ready(&mut fence);
        let waited = fence.answer(deadline, &standing(Standing::Busy)).unwrap();
        assert_eq!(waited.outcome, WaitOutcome::TimedOut);
    }
}
