//! Keys for what was written before this account became a member.
//!
//! The log gives an account its keys where it lets it in, and those open everything before as well:
//! so whoever begins to read needs them first. The server is asked for them. They open what was
//! sealed under them and nothing else, so a server that gives others only shows less (D1: what does
//! not open has no effect on the fold).

use hythe_space::{EpochRecord, MemberRecord, Record, RecordKey};
use hythe_wire::log::SnapshotFrame;

use super::{Keyring, Placed, Position, Replica, ReplicaError};

/// Records in front of the nodes that are looked at.
const MAX_RECORDS: usize = 100_000;

impl Position {
    /// The keys to open what is folded next with.
    pub(super) fn opening(&self) -> Keyring {
        self.keyring.joined(&self.foretold)
    }

    /// Whether there are keys of every epoch that change sets are sealed under.
    pub(super) fn can_open(&self, run: &[Placed]) -> bool {
        let has = |epoch| {
            self.keyring
                .epoch(epoch)
                .or(self.foretold.epoch(epoch))
                .is_some()
        };
        run.iter().all(|entry| {
            let header = entry.change_set.header();
            header.sealed.is_empty() || has(header.key_epoch)
        })
    }
}

impl Replica {
    /// Asks for the keys to come, where the log has given none so far.
    pub(super) async fn foretell(&self, position: &mut Position) -> Result<(), ReplicaError> {
        let (wrap, epochs) = self.records_ahead().await?;
        let Some(wrap) = wrap.and_then(|member| member.wrap) else {
            return Ok(());
        };
        let keys = self.session.accounts.keys(&self.session.device).await?;
        match Keyring::open(self.space, &wrap, epochs, &keys) {
            Ok(keyring) => position.foretold = keyring,
            // The log itself decides; until then names stay closed.
            Err(error) => tracing::debug!(%error, "the keys to come do not open"),
        }
        Ok(())
    }

    /// This account's record and those of the key epochs, as they are at the server's head.
    async fn records_ahead(
        &self,
    ) -> Result<(Option<MemberRecord>, Vec<EpochRecord>), ReplicaError> {
        let mut reader = self.session.api.snapshot(self.space).await?;
        let (mut own, mut epochs) = (None, Vec::new());
        for _ in 0..MAX_RECORDS {
            let record = match reader.next().await? {
                SnapshotFrame::Start { .. } => continue,
                SnapshotFrame::Record(record) => Record::decode(&record.record).ok(),
                SnapshotFrame::End { .. } => None,
            };
            match record {
                Some(Record::Epoch(record)) => epochs.push(record),
                Some(Record::Member(record)) if record.account == self.session.device.account => {
                    own = Some(record);
                }
                Some(record)
                    if record.key() < RecordKey::Author(hythe_model::DeviceId([0; 32])) => {}
                // What comes now is neither.
                _ => break,
            }
        }
        Ok((own, epochs))
    }
}
