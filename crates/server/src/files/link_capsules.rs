//! What links into sealed spaces show. The server has no key there: the device that gave a link out
//! makes it, and makes it anew when something changed. What is stored counts for the space, until the
//! link ends.

use hythe_model::{LinkId, NodeId, SpaceId};
use hythe_wire::ByteVec;
use hythe_wire::link::{DirectoryCapsules, LinkCapsule, LinkNode, LinkPage};

use super::access::{self, Linked, Want};
use super::linked::shown;
use super::links::of_caller;
use super::quota::{self, Payer};
use super::{Denied, Files, FilesError, Principal};
use crate::clock::now_ms;
use crate::metadata::link_capsules::{self, PartRow};
use crate::metadata::logs::{self, LogNo};
use crate::metadata::nodes;
use crate::metadata::{DbError, Tx};

/// Most that is stored for one link: some million nodes.
const MAX_BYTES: u64 = 256 << 20;

impl Files {
    /// Stores what a link into a sealed space shows of some directories, in place of what was stored
    /// before. Only for the device that gave the link out.
    ///
    /// # Errors
    /// [`Denied`], [`FilesError::NotFound`] for the link, [`FilesError::Invalid`],
    /// [`Refused::Quota`](super::Refused::Quota): then what was stored before stays.
    pub async fn put_link_capsules(
        &self,
        principal: &Principal,
        space: SpaceId,
        link: LinkId,
        directories: Vec<DirectoryCapsules>,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let work = move |tx: &mut dyn Tx| {
            let log = access::locked(tx, &principal, space, Want::Link)?;
            let row = of_caller(tx, &principal, &log, link)?;
            if row.device != principal.device() {
                return Err(Denied::Role.into());
            }
            let now_ms = now_ms();
            let ended = row.revoked_ms.is_some() || row.expires_ms.is_some_and(|at| at <= now_ms);
            if log.open || ended {
                return Err(FilesError::invalid(
                    "nothing is stored of what the link shows",
                ));
            }
            let before = link_capsules::bytes(tx, link)?;
            for one in &directories {
                let parts: Vec<PartRow> = one.parts.iter().map(stored).collect();
                link_capsules::replace(tx, link, log.no, one.directory, &parts)?;
            }
            let after = link_capsules::bytes(tx, link)?;
            if after > MAX_BYTES {
                return Err(FilesError::invalid("the link shows too much"));
            }
            if after > before {
                let payer = Payer::of(&principal, None);
                quota::take(tx, log.no, payer, after - before, now_ms)?;
            }
            count(tx, log.no, before, after)
        };
        self.inner.database.write(work).await
    }
}

/// Forgets what a link into a space, which the caller holds locked, shows: it counts no more.
///
/// # Errors
/// The database's.
pub(super) fn forget(tx: &mut dyn Tx, log: LogNo, link: LinkId) -> Result<(), FilesError> {
    let bytes = link_capsules::bytes(tx, link)?;
    link_capsules::forget(tx, link)?;
    count(tx, log, bytes, 0)
}

/// Counts what was stored before and is stored now.
fn count(tx: &mut dyn Tx, log: LogNo, before: u64, after: u64) -> Result<(), FilesError> {
    let change = i128::from(after) - i128::from(before);
    let change = i64::try_from(change).map_err(|_| DbError::Shape("a count of bytes"))?;
    Ok(logs::add_stored(tx, log, change)?)
}

fn stored(part: &hythe_wire::link::CapsulePart) -> PartRow {
    PartRow {
        nodes: part.nodes.clone(),
        seal: part.capsule.seal.to_vec(),
        sealed: part.capsule.sealed.to_vec(),
    }
}

fn capsule(part: PartRow) -> (Vec<NodeId>, LinkCapsule) {
    let capsule = LinkCapsule {
        seal: part.seal.into(),
        sealed: part.sealed.into(),
    };
    (part.nodes, capsule)
}

/// The keys of the linked node, as far as its giver has made them.
///
/// # Errors
/// The database's.
pub(super) fn of_top(tx: &mut dyn Tx, linked: &Linked) -> Result<Option<LinkCapsule>, DbError> {
    let part = link_capsules::part(tx, linked.row.link, None, 0)?;
    Ok(part.map(|part| capsule(part).1))
}

/// A page of a directory: what of a part is still there.
///
/// # Errors
/// The database's; [`FilesError::Invalid`] for a place that is none.
pub(super) fn page(
    tx: &mut dyn Tx,
    linked: &Linked,
    directory: NodeId,
    after: Option<&[u8]>,
) -> Result<LinkPage, FilesError> {
    let number = match after {
        None => 0,
        Some(bytes) => {
            let bytes = <[u8; 4]>::try_from(bytes);
            u32::from_be_bytes(bytes.map_err(|_| FilesError::invalid("no place in a listing"))?)
        }
    };
    let link = linked.row.link;
    let Some(part) = link_capsules::part(tx, link, Some(directory), number)? else {
        return Ok(LinkPage {
            nodes: Vec::new(),
            capsule: None,
            next: None,
        });
    };
    let following = number.saturating_add(1);
    let more = link_capsules::part(tx, link, Some(directory), following)?.is_some();
    let (ids, capsule) = capsule(part);
    let mut there: Vec<LinkNode> = Vec::new();
    for id in ids {
        let row = nodes::get(tx, linked.log.no, id)?;
        let row = row.filter(|row| row.deleted.is_none() && row.parent == directory);
        there.extend(row.map(shown).transpose()?.flatten());
    }
    Ok(LinkPage {
        nodes: there,
        capsule: Some(capsule),
        next: more.then(|| ByteVec::from(following.to_be_bytes().to_vec())),
    })
}
