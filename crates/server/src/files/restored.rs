//! Telling the logs that the server was restored from a copy.

use hythe_model::{DeviceId, Head, KeyEpoch, OperationId, ServerEpoch, SpaceId};
use hythe_space::governance::Restored;
use hythe_space::{AccountState, ChangeSet, Draft, Moment, Operation, Record, SigningKey, Stamp};

use super::commit::judge;
use super::open::random;
use super::{FilesError, Refused, apply, view};
use crate::clock::now_ms;
use crate::metadata::logs::{self, Log, LogKind};
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx};

/// Appends `Restored` to every open space. From then on a change set that names what came after
/// the copy names a history that this server does not have, and is refused.
///
/// A space that does not take it, because the server is no member any more, is left alone: its
/// clients find out by comparing positions.
///
/// # Errors
/// The database's.
pub(super) fn announce(
    tx: &mut dyn Tx,
    epoch: ServerEpoch,
    server: &AccountState,
    key: &SigningKey,
) -> Result<(), FilesError> {
    for id in logs::ids(tx, LogKind::Space)? {
        let Some(mut log) = logs::lock(tx, &id)?.filter(|log| log.open) else {
            continue;
        };
        let change_set = sign(tx, &log, epoch, server, key)?;
        let moment = Moment::Accepting { now_ms: now_ms() };
        match judge(tx, epoch, &log, server, moment, &change_set) {
            Ok(effects) => {
                apply::write_space(tx, &mut log, &change_set, &effects, now_ms())?;
            }
            Err(FilesError::Refused(Refused::Space(refusal))) => {
                let space = SpaceId(id);
                tracing::warn!(%space, %refusal, "a space was not told that it was restored");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn sign(
    tx: &mut dyn Tx,
    log: &Log,
    epoch: ServerEpoch,
    server: &AccountState,
    key: &SigningKey,
) -> Result<ChangeSet, FilesError> {
    let operation = random().map_err(|error| FilesError::Storage(Box::new(error)))?;
    let stamp = stamp(
        tx,
        log,
        server.head(),
        key.device_id(),
        OperationId(operation),
    )?;
    let mut draft = Draft::new();
    draft.push(Operation::Restored(Restored {
        at: log.head,
        epoch,
    }));
    Ok(draft.sign(stamp, key)?)
}

/// The key epoch of a space.
///
/// # Errors
/// The database's.
pub(super) fn key_epoch(tx: &mut dyn Tx, log: &Log) -> Result<KeyEpoch, DbError> {
    let space = records::get(tx, log.no, RecordKind::Space, &[])?;
    match space.as_deref().map(view::record).transpose()? {
        Some(Record::Space(space)) => Ok(space.key_epoch),
        _ => Err(DbError::Shape("the record of a space")),
    }
}

/// What the server's device signs its next change set of an open space with.
///
/// # Errors
/// The database's.
pub(super) fn stamp(
    tx: &mut dyn Tx,
    log: &Log,
    account_seen: Head,
    device: DeviceId,
    operation: OperationId,
) -> Result<Stamp, DbError> {
    let author = records::get(tx, log.no, RecordKind::Author, device.as_bytes())?;
    let author = match author.as_deref().map(view::record).transpose()? {
        Some(Record::Author(author)) => Some(author),
        _ => None,
    };
    let key_epoch = key_epoch(tx, log)?;
    Ok(Stamp::next(
        SpaceId(log.id),
        author.as_ref(),
        log.head,
        account_seen,
        key_epoch,
        operation,
        now_ms(),
    ))
}
