//! The secret of a key epoch, sealed under that of the next.

use hythe_model::{KeyEpoch, Secret32, SpaceId};
use zeroize::Zeroizing;

use crate::seal::OpenError;
use crate::wrap::{Purpose, open_under, seal_under};

const PREVIOUS: Purpose = Purpose::new("hythe 2026-11-22 space v1: secret of the epoch before");

/// Seals the secret of the epoch before `epoch` under the secret of `epoch`.
pub fn seal_previous(
    space: SpaceId,
    epoch: KeyEpoch,
    secret: &Secret32,
    previous: &Secret32,
) -> Vec<u8> {
    seal_under(secret, PREVIOUS, &place(space, epoch), previous.expose())
}

/// Opens what [`seal_previous`] sealed for the same space and epoch.
///
/// # Errors
/// When it is anything else, or was changed.
pub fn open_previous(
    space: SpaceId,
    epoch: KeyEpoch,
    secret: &Secret32,
    sealed: &[u8],
) -> Result<Secret32, OpenError> {
    let opened = open_under(secret, PREVIOUS, &place(space, epoch), sealed)?;
    let opened = Zeroizing::new(opened);
    let bytes = <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| OpenError::Length)?;
    Ok(Secret32::new(bytes))
}

/// Which epoch's predecessor it is.
fn place(space: SpaceId, epoch: KeyEpoch) -> Vec<u8> {
    [space.as_bytes().as_slice(), &epoch.0.to_be_bytes()].concat()
}
