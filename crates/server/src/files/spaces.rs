//! The spaces of an account, and the accounts it meets there.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use hythe_model::{AccountId, Head, SpaceId};
use hythe_wire::limits::MAX_SPACES;
use hythe_wire::space::{EndedSpace, SpaceList, SpaceView, Usage};

use super::access::is_shown;
use super::access::role_of;
use super::apply::Committed;
use super::{Files, FilesError, Principal, endings, found, members, quota};
use crate::clock::now_ms;
use crate::metadata::logs::{self, Log};
use crate::metadata::{DbError, Tx, invitations, parcels, quotas, records};

/// Invitations that are told, the latest: nobody can fill another's list.
const MAX_OFFERED: u32 = 100;

/// An account whose log a device may follow, and where that log ends.
pub type Fellow = (AccountId, Head);

impl Files {
    /// The spaces that the caller's account is a member of, the personal one first, those last that
    /// it was invited to and has not answered.
    ///
    /// # Errors
    /// The database's.
    pub async fn spaces(&self, principal: &Principal) -> Result<Vec<SpaceView>, FilesError> {
        self.still_valid(principal).await?;
        let (account, principal) = (principal.account(), principal.clone());
        let read = move |tx: &mut dyn Tx| {
            let mut views = Vec::new();
            for (id, role) in records::spaces_of(tx, account)? {
                let log = logs::get(tx, &id)?.ok_or(DbError::Shape("a log"))?;
                if is_shown(&principal, &log) {
                    views.push(view(tx, &log, role, account)?);
                }
            }
            for (id, role) in records::spaces_offered(tx, account, MAX_OFFERED)? {
                let log = logs::get(tx, &id)?.ok_or(DbError::Shape("a log"))?;
                if is_shown(&principal, &log) {
                    views.push(view(tx, &log, role, account)?);
                }
            }
            views.sort_by_key(|view| (!view.personal, view.invitation.is_some()));
            Ok::<_, DbError>(views)
        };
        Ok(self.inner.database.read(read).await?)
    }

    /// As [`Files::spaces`], with what counts for the caller's account, and what ended.
    ///
    /// # Errors
    /// The database's.
    pub async fn space_list(&self, principal: &Principal) -> Result<SpaceList, FilesError> {
        let spaces = self.spaces(principal).await?;
        let (account, epoch) = (principal.account(), self.epoch());
        let read = move |tx: &mut dyn Tx| {
            let ended = endings::told(tx, account)?.into_iter();
            Ok::<_, DbError>(SpaceList {
                epoch,
                spaces,
                usage: Some(quota::usage_of(tx, account)?),
                ended: ended
                    .map(|(id, ended_ms)| EndedSpace { id, ended_ms })
                    .collect(),
            })
        };
        Ok(self.inner.database.read(read).await?)
    }

    /// The accounts whose logs concern the caller: its own, the server's, those of fellow members.
    ///
    /// # Errors
    /// The database's.
    pub async fn fellows(&self, principal: &Principal) -> Result<Vec<Fellow>, FilesError> {
        self.still_valid(principal).await?;
        let (own, server) = (principal.account(), self.account());
        let read = move |tx: &mut dyn Tx| {
            let mut accounts: BTreeSet<AccountId> = BTreeSet::from([own, server]);
            accounts.extend(records::fellow_members(tx, own)?);
            let mut fellows = Vec::with_capacity(accounts.len());
            for account in accounts {
                if let Some(head) = logs::head(tx, account.as_bytes())? {
                    fellows.push((account, head));
                }
            }
            Ok::<_, DbError>(fellows)
        };
        Ok(self.inner.database.read(read).await?)
    }

    /// Creates a space of the caller's account from its founding change sets, genesis first. A
    /// repetition with the same content gets the same answer.
    ///
    /// # Errors
    /// What is wrong with the change sets, or the database's.
    pub async fn create_space(
        &self,
        principal: &Principal,
        log: &[Bytes],
    ) -> Result<(SpaceId, Committed), FilesError> {
        self.still_valid(principal).await?;
        let log = found::decode_log(log).await?;
        if log
            .iter()
            .any(|change_set| change_set.header().author != principal.device())
        {
            return Err(FilesError::invalid(
                "the change set was not signed by this device",
            ));
        }
        let (inner, account) = (Arc::clone(&self.inner), principal.account());
        let entries = log.len() as u64;
        let work = move |tx: &mut dyn Tx| {
            let id = log
                .first()
                .map_or(SpaceId([0; 32]), |genesis| genesis.log());
            if let Some(committed) = founded(tx, id, &log)? {
                return Ok((id, committed));
            }
            if records::spaces_of(tx, account)?.len() >= MAX_SPACES {
                return Err(FilesError::invalid("the account is in too many spaces"));
            }
            let owner = inner.accounts.get(tx, account)?;
            let row = found::space(tx, &inner, &owner, &log, None, now_ms())?;
            let last = logs::entry(tx, row.no, row.head.cursor)?;
            let digest = last.ok_or(DbError::Shape("an entry"))?.digest;
            Ok::<_, FilesError>((
                id,
                Committed {
                    head: row.head,
                    digest,
                    repeated: false,
                },
            ))
        };
        let (space, committed) = self.inner.database.write(work).await?;
        self.inner
            .count(if committed.repeated { 0 } else { entries });
        Ok((space, committed))
    }
}

/// Where a space's founding ended, if it was founded with these very change sets before.
fn founded(
    tx: &mut dyn Tx,
    id: SpaceId,
    log: &[hythe_space::ChangeSet],
) -> Result<Option<Committed>, FilesError> {
    let Some(row) = logs::get(tx, id.as_bytes())? else {
        return Ok(None);
    };
    let last = log.last().map(hythe_space::ChangeSet::hash);
    let at = last
        .map(|last| logs::position_of(tx, row.no, last))
        .transpose()?
        .flatten();
    let entry = at
        .map(|at| logs::entry(tx, row.no, at))
        .transpose()?
        .flatten();
    match entry {
        Some(entry) => Ok(Some(Committed {
            head: entry.head,
            digest: entry.digest,
            repeated: true,
        })),
        None => Err(FilesError::invalid("there is such a space already")),
    }
}

fn view(tx: &mut dyn Tx, log: &Log, role: u8, account: AccountId) -> Result<SpaceView, DbError> {
    let entry = logs::entry(tx, log.no, log.head.cursor)?.ok_or(DbError::Shape("an entry"))?;
    let invitation = invitations::get(tx, log.no, account)?;
    let invitation = invitation.map(|asked| members::invitation_view(tx, log, &asked));
    let puts = match !log.open && role_of(role)?.may_write() {
        true => parcels::count(tx, log.no, None)?,
        false => parcels::Counts::default(),
    };
    Ok(SpaceView {
        id: SpaceId(log.id),
        role: role_of(role)?.into(),
        personal: log.owner == Some(account),
        open: log.open,
        invitation: invitation.transpose()?,
        cursor: log.head.cursor.0,
        chain: log.head.chain,
        digest: entry.digest,
        usage: Some(Usage {
            used_bytes: log.stored_bytes,
            limit_bytes: quotas::limits(tx, log.no)?.space,
        }),
        waiting: puts.waiting,
        refused: puts.refused,
    })
}
