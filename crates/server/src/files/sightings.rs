//! How far devices were shown a space: kept for each other. The server only passes it on.

use hythe_model::{Cursor, Head, SpaceId};
use hythe_space::SignedSighting;
use hythe_wire::sighting::MAX_SIGHTINGS;

use super::access::{self, Want};
use super::{Files, FilesError, Principal};
use crate::clock::now_ms;
use crate::metadata::logs::{self, Log};
use crate::metadata::{DbError, Tx, sightings};

impl Files {
    /// Keeps what a member's device says that it was shown, if it was, and hands out what the other
    /// members' devices said.
    ///
    /// What is not true here is refused, so members cannot frighten each other with it.
    ///
    /// # Errors
    /// [`FilesError::Invalid`], [`FilesError::Diverged`], [`super::Denied`].
    pub async fn exchange_sightings(
        &self,
        principal: &Principal,
        space: SpaceId,
        sighting: &[u8],
    ) -> Result<Vec<Vec<u8>>, FilesError> {
        self.still_valid(principal).await?;
        let signed = SignedSighting::decode(sighting)?;
        let said = *signed.sighting();
        let is_own = said.device == principal.device() && said.account == principal.account();
        if said.space != space || !is_own {
            return Err(FilesError::invalid(
                "the sighting is not this device's, of this space",
            ));
        }
        let (principal, inner) = (principal.clone(), self.inner.clone());
        let work = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Read)?;
            let account = inner.accounts.get(tx, principal.account())?;
            let card = account.device(said.device).map(|device| &device.card);
            let card = card.ok_or(FilesError::invalid("the sighting's device is unknown"))?;
            signed
                .verify(&card.key)
                .map_err(|_| FilesError::invalid("the sighting's signature is wrong"))?;
            let epoch = inner.epoch();
            if said.epoch != epoch || !has(tx, &log, said.head)? {
                return Err(FilesError::Diverged {
                    epoch,
                    head: log.head,
                });
            }
            let most = u32::try_from(MAX_SIGHTINGS).unwrap_or(u32::MAX);
            sightings::put(tx, log.no, said.device, epoch, &signed.encode(), now_ms())?;
            Ok(sightings::of_others(tx, log.no, said.device, epoch, most)?)
        };
        self.inner.database.write(work).await
    }
}

/// Whether a log has, or had, this head.
fn has(tx: &mut dyn Tx, log: &Log, head: Head) -> Result<bool, DbError> {
    if head.cursor == Cursor::START {
        return Ok(head == Head::START);
    }
    let entry = logs::entry(tx, log.no, head.cursor)?;
    Ok(entry.is_some_and(|entry| entry.head == head))
}
