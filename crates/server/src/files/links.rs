//! Links: giving them out, seeing how they were used, and ending them.

use hythe_model::{DeviceId, LinkId, LinkKind, NodeId, Role, Secret32, SpaceId};
use hythe_space::{LinkGrant, SignedGrant};
use hythe_wire::link::{LinkAction, LinkUse, LinkView};

use super::access::{self, Want, role_of};
use super::{Denied, Files, FilesError, Principal, link_capsules};
use crate::clock::now_ms;
use crate::metadata::links::{self, Action, LinkRow, UseRow};
use crate::metadata::logs::Log;
use crate::metadata::{DbError, Tx, nodes, parcels, records};

/// Links into one space that are not revoked.
const MAX_LINKS: u64 = 1000;

/// How long a revoked link is still shown.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// What somebody shows who has a link. No `Debug`.
#[derive(Clone)]
pub struct LinkPass {
    link: LinkId,
    verifier: Secret32,
}

impl LinkPass {
    /// A link, and the hash of the token that was shown with it.
    pub fn new(link: LinkId, verifier: Secret32) -> Self {
        Self { link, verifier }
    }

    /// The link.
    pub fn link(&self) -> LinkId {
        self.link
    }

    /// The hash of the token.
    pub(super) fn verifier(&self) -> &Secret32 {
        &self.verifier
    }
}

impl Files {
    /// Gives out a link that the calling device signed, and says which device makes what it shows.
    /// Doing it again changes nothing.
    ///
    /// # Errors
    /// [`Denied`], [`FilesError::NotFound`] for the node, [`FilesError::Invalid`].
    pub async fn create_link(
        &self,
        principal: &Principal,
        space: SpaceId,
        grant: Vec<u8>,
        verifier: Secret32,
    ) -> Result<DeviceId, FilesError> {
        self.still_valid(principal).await?;
        let signed = SignedGrant::decode(&grant)?;
        let named = signed.by(principal.device());
        let named =
            named.map_err(|_| FilesError::invalid("the link was not signed by this device"))?;
        if named.space != space {
            return Err(FilesError::invalid("the link belongs to another space"));
        }
        let (principal, named) = (principal.clone(), named.clone());
        let server = self.device();
        let work = move |tx: &mut dyn Tx| {
            let log = access::locked(tx, &principal, space, Want::Link)?;
            if named.kind == LinkKind::Upload && !log.open && named.uploads.is_none() {
                return Err(FilesError::invalid(
                    "uploads into a sealed space are signed, and the link has no key for that",
                ));
            }
            let row = new_row(&principal, &log, &named, grant.clone(), verifier.clone());
            add(tx, &log, &row)?;
            // Who has the keys makes what the link shows.
            Ok(if log.open { server } else { principal.device() })
        };
        self.inner.database.write(work).await
    }

    /// The links into a space that the caller may end: an owner all, an editor its account's own.
    ///
    /// # Errors
    /// [`Denied`], or the database's.
    pub async fn links(
        &self,
        principal: &Principal,
        space: SpaceId,
    ) -> Result<Vec<LinkView>, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Link)?;
            let all = is_owner(tx, &principal, &log)?;
            let rows = links::of_space(tx, log.no)?.into_iter();
            let own = rows.filter(|row| all || row.account == principal.account());
            let views = own.map(|row| view(tx, &log, row));
            Ok::<_, FilesError>(views.collect::<Result<_, _>>()?)
        };
        self.inner.database.read(read).await
    }

    /// How a link was used, for who may end it.
    ///
    /// # Errors
    /// [`Denied`], [`FilesError::NotFound`], or the database's.
    pub async fn link_uses(
        &self,
        principal: &Principal,
        space: SpaceId,
        link: LinkId,
    ) -> Result<Vec<LinkUse>, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Link)?;
            of_caller(tx, &principal, &log, link)?;
            let rows = links::uses(tx, link)?;
            Ok::<_, FilesError>(rows.into_iter().map(use_view).collect())
        };
        self.inner.database.read(read).await
    }

    /// Ends a link: nothing is answered to whoever has it from now on.
    ///
    /// # Errors
    /// [`Denied`], [`FilesError::NotFound`], or the database's.
    pub async fn revoke_link(
        &self,
        principal: &Principal,
        space: SpaceId,
        link: LinkId,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let work = move |tx: &mut dyn Tx| {
            let log = access::locked(tx, &principal, space, Want::Link)?;
            of_caller(tx, &principal, &log, link)?;
            link_capsules::forget(tx, log.no, link)?;
            Ok::<_, FilesError>(links::revoke(tx, link, now_ms())?)
        };
        self.inner.database.write(work).await
    }
}

fn new_row(
    principal: &Principal,
    log: &Log,
    grant: &LinkGrant,
    bytes: Vec<u8>,
    verifier: Secret32,
) -> LinkRow {
    LinkRow {
        link: grant.link,
        log: log.no,
        node: grant.node,
        account: principal.account(),
        device: principal.device(),
        verifier,
        grant: bytes,
        created_ms: now_ms(),
        expires_ms: grant.expires_ms,
        limit: grant.downloads,
        downloads: 0,
        revoked_ms: None,
    }
}

fn add(tx: &mut dyn Tx, log: &Log, row: &LinkRow) -> Result<(), FilesError> {
    if let Some(there) = links::get(tx, row.link)? {
        let same = there.grant == row.grant && there.verifier == row.verifier;
        let taken = || FilesError::invalid("there is such a link already");
        return same.then_some(()).ok_or_else(taken);
    }
    if row.node != NodeId::ROOT {
        let node = nodes::get(tx, log.no, row.node)?;
        node.filter(|node| node.deleted.is_none())
            .ok_or(FilesError::NotFound("node"))?;
    }
    links::sweep(tx, log.no, row.created_ms.saturating_sub(KEPT_MS))?;
    if links::count(tx, log.no)? >= MAX_LINKS {
        return Err(FilesError::invalid(
            "there are too many links into the space",
        ));
    }
    links::insert(tx, row)?;
    Ok(())
}

fn is_owner(tx: &mut dyn Tx, principal: &Principal, log: &Log) -> Result<bool, FilesError> {
    let role = records::role(tx, log.no, principal.account())?;
    Ok(role.map(role_of).transpose()? == Some(Role::Owner))
}

/// A link that the caller may end.
pub(super) fn of_caller(
    tx: &mut dyn Tx,
    principal: &Principal,
    log: &Log,
    link: LinkId,
) -> Result<LinkRow, FilesError> {
    let row = links::get(tx, link)?.filter(|row| row.log == log.no);
    let row = row.ok_or(FilesError::NotFound("link"))?;
    if row.account == principal.account() || is_owner(tx, principal, log)? {
        return Ok(row);
    }
    Err(Denied::Role.into())
}

fn view(tx: &mut dyn Tx, log: &Log, row: LinkRow) -> Result<LinkView, DbError> {
    let puts = match log.open {
        true => parcels::Counts::default(),
        false => parcels::count(tx, log.no, Some(row.link))?,
    };
    Ok(LinkView {
        link: row.link,
        account: row.account,
        device: row.device,
        grant: data_encoding::HEXLOWER.encode(&row.grant),
        downloads: row.downloads,
        revoked_ms: row.revoked_ms,
        waiting: puts.waiting,
        refused: puts.refused,
    })
}

fn use_view(row: UseRow) -> LinkUse {
    LinkUse {
        at_ms: row.at_ms,
        action: match row.action {
            Action::Looked => LinkAction::Looked,
            Action::Opened => LinkAction::Opened,
            Action::Put => LinkAction::Put,
        },
        node: row.opened.map(|opened| opened.node),
        network: row.network,
    }
}
