//! What a space is called that this account was invited to and has not read.

use hythe_content::open_space_name;
use hythe_model::{SpaceId, SpaceName};
use hythe_space::{EpochRecord, Record};
use hythe_wire::member::InvitationView;

use super::{Keyring, ReplicaError, Session};

/// Records that an invitation holds at most.
const MAX_RECORDS: usize = 100;

/// The name of a space as its invitation has it; none where it does not open. Nothing vouches for
/// it: it is shown, and decides nothing.
///
/// # Errors
/// When this device cannot open the keys of its account.
pub(crate) async fn offered_name(
    session: &Session,
    space: SpaceId,
    invitation: &InvitationView,
) -> Result<Option<SpaceName>, ReplicaError> {
    let (mut name, mut wrap, mut epochs) = (None, None, Vec::<EpochRecord>::new());
    for text in invitation.records.iter().take(MAX_RECORDS) {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes());
        match bytes.ok().and_then(|bytes| Record::decode(&bytes).ok()) {
            Some(Record::Space(record)) => name = record.name,
            Some(Record::Member(record)) if record.account == session.device.account => {
                wrap = record.wrap;
            }
            Some(Record::Epoch(record)) => epochs.push(record),
            _ => {}
        }
    }
    let (Some(name), Some(wrap)) = (name, wrap) else {
        return Ok(None);
    };
    let keys = session.accounts.keys(&session.device).await?;
    // What does not open is as no name.
    let Ok(keyring) = Keyring::open(space, &wrap, epochs, &keys) else {
        return Ok(None);
    };
    let Some(secret) = keyring.secret(name.epoch) else {
        return Ok(None);
    };
    let opened = open_space_name(secret, space, name.epoch, name.sealed.as_bytes());
    Ok(opened.ok().flatten())
}
