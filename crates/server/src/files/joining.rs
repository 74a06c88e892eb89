//! Becoming a member by a link: what whoever holds one needs to take it up, and how often accounts
//! may invite.

use std::time::Duration;

use hythe_model::{AccountId, DeviceId, SpaceId};
use hythe_space::{JoinOfferRecord, Record};
use hythe_wire::join::JoinTermsReply;

use super::{Denied, Files, FilesError, Principal, Refused, access, view};
use crate::clock::now_ms;
use crate::metadata::records::{self, RecordKind};
use crate::metadata::{DbError, Tx, invitations};

/// Invitations, by name and by link, of one account in an hour. Nobody invites more by hand.
pub const INVITATIONS_AN_HOUR: u64 = 100;

/// An hour, in milliseconds.
const HOUR_MS: i64 = 60 * 60 * 1000;

impl Files {
    /// What whoever can name an offer to join needs to take it up. Nobody guesses the id of its
    /// key; where there is no such offer (any more), or no such space, the answer is the same.
    ///
    /// # Errors
    /// [`super::Denied::NotAMember`], or the database's.
    pub async fn join_terms(
        &self,
        principal: &Principal,
        space: SpaceId,
        key: DeviceId,
    ) -> Result<JoinTermsReply, FilesError> {
        self.still_valid(principal).await?;
        let device = principal.device();
        let read = move |tx: &mut dyn Tx| {
            let (log, offer) = access::shown_offer(tx, space, key)?;
            let record = records::get(tx, log.no, RecordKind::Space, &[])?;
            let record = record.ok_or(DbError::Shape("the record of a space"))?;
            if !is_open(&offer, &view::record(&record)?, now_ms()) {
                return Err(Denied::NotAMember.into());
            }
            let author = records::get(tx, log.no, RecordKind::Author, device.as_bytes())?;
            Ok::<_, FilesError>(JoinTermsReply {
                head: log.head,
                space: record.into(),
                offer: Record::JoinOffer(offer).encode().into(),
                author: author.map(Into::into),
            })
        };
        self.inner.database.read(read).await
    }
}

/// Whether an offer can still be taken up, as the fold will judge it.
fn is_open(offer: &JoinOfferRecord, space: &Record, now_ms: i64) -> bool {
    let Record::Space(space) = space else {
        return false;
    };
    let unused = offer.taken.is_none() && offer.withdrawn.is_none();
    unused && offer.epoch == space.key_epoch && now_ms <= offer.expires_ms
}

/// Counts an invitation.
///
/// # Errors
/// [`Refused::TooOften`], or the database's.
pub(super) fn count_invitation(
    tx: &mut dyn Tx,
    by: AccountId,
    now_ms: i64,
) -> Result<(), FilesError> {
    let since_ms = now_ms.saturating_sub(HOUR_MS);
    let (made, oldest_ms) = invitations::count(tx, by, since_ms, now_ms)?;
    if made <= INVITATIONS_AN_HOUR {
        return Ok(());
    }
    let wait_ms = oldest_ms.saturating_add(HOUR_MS).saturating_sub(now_ms);
    let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
    Err(Refused::TooOften(wait.max(Duration::from_secs(1))).into())
}
