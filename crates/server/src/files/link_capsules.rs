//! What links into sealed spaces show. The server has no key there: the device that gave a link out
//! makes it, and makes it anew when something changed.

use hythe_model::{LinkId, NodeId, SpaceId};
use hythe_wire::ByteVec;
use hythe_wire::link::{DirectoryCapsules, LinkCapsule, LinkNode, LinkPage};

use super::access::{self, Linked, Want};
use super::linked::shown;
use super::links::of_caller;
use super::{Denied, Files, FilesError, Principal};
use crate::metadata::link_capsules::{self, PartRow};
use crate::metadata::nodes;
use crate::metadata::{DbError, Tx};

/// Most that is stored for one link: some million nodes.
const MAX_BYTES: u64 = 256 << 20;

impl Files {
    /// Stores what a link into a sealed space shows of some directories, in place of what was stored
    /// before. Only for the device that gave the link out.
    ///
    /// # Errors
    /// [`Denied`], [`FilesError::NotFound`] for the link, [`FilesError::Invalid`].
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
            if log.open || row.revoked_ms.is_some() {
                return Err(FilesError::invalid(
                    "nothing is stored of what the link shows",
                ));
            }
            for one in &directories {
                let parts: Vec<PartRow> = one.parts.iter().map(stored).collect();
                link_capsules::replace(tx, link, log.no, one.directory, &parts)?;
            }
            if link_capsules::bytes(tx, link)? > MAX_BYTES {
                return Err(FilesError::invalid("the link shows too much"));
            }
            Ok(())
        };
        self.inner.database.write(work).await
    }
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
