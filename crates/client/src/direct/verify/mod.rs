//! `verify`: proves that log, trees, disk and stored chunks agree. It reads and reports; it mends
//! nothing and sends nothing (S9).

mod chunks;
mod disk;
mod log;
mod opened;
mod trees;

use std::sync::Arc;
use std::time::Instant;

use hythe_control::{
    Event as Told, Events, Failure, Finding, Octets, Progress as Shown, Reply, Verified,
};
use hythe_model::TreePath;

use super::current;
use super::read::TELL_EVERY;
use crate::daemon::{Door, Space};

/// Proves everything, space by space and folder by folder.
pub(super) async fn verify(door: &Door, events: &Events) -> Result<Reply, Failure> {
    door.shared.learn_spaces().await?;
    let mut report = Report::new(events);
    for space in door.shared.living_spaces() {
        current::catch_up(door, &space).await?;
        log::verify(door, &space, &mut report).await?;
    }
    let folders = opened::folders(door, &mut report).await?;
    for folder in &folders {
        trees::verify(door, folder, &mut report).await?;
        disk::verify(door, folder, &mut report).await?;
    }
    drop(folders);
    for space in door.shared.living_spaces() {
        chunks::verify(door, &space, &mut report).await?;
    }
    Ok(Reply::Verified(report.verified))
}

/// What was looked at and found so far.
struct Report<'e> {
    events: &'e Events,
    verified: Verified,
    told: Option<Instant>,
}

impl<'e> Report<'e> {
    fn new(events: &'e Events) -> Self {
        let verified = Verified {
            change_sets: 0,
            nodes: 0,
            files: 0,
            chunks: 0,
            bytes: 0,
            findings: 0,
        };
        Self {
            events,
            verified,
            told: None,
        }
    }

    /// Something is not as it should be.
    async fn found(&mut self, area: &str, item: Vec<u8>, problem: String, action: &str) {
        self.verified.findings += 1;
        let finding = Finding {
            area: area.to_owned(),
            item: Octets(item),
            problem,
            action: action.to_owned(),
        };
        self.events.send(Told::Finding(finding)).await;
    }

    /// Tells how far it is, not too often.
    fn progress(&mut self, doing: &str, done_items: u64, total_items: Option<u64>) {
        if self.told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        let done_bytes = self.verified.bytes;
        let shown = Shown {
            done_items,
            total_items,
            done_bytes,
            ..current::progress(doing)
        };
        self.events.offer(Told::Progress(shown));
    }
}

/// A path of a space, for findings.
fn item(space: &Arc<Space>, path: Option<&TreePath>) -> Vec<u8> {
    let mut item = format!("{}:/", space.name()).into_bytes();
    item.extend(path.map(TreePath::to_bytes).unwrap_or_default());
    item
}
