//! Inboxes of sealed spaces: files wait there until a member takes them in, for the server can open
//! none of them. And what members say of inboxes, to those who put.

use std::collections::HashSet;
use std::sync::Arc;

use hythe_content::is_filled_up;
use hythe_model::{ChunkId, NodeId, Role, SpaceId, UploadId};
use hythe_space::limits::MAX_SEALED_BYTES;
use hythe_space::{
    ChangeSet, Operation, ParcelSignature, Purpose, SignedCard, SignedGrant, Via, Wrapped,
};
use hythe_wire::inbox::{
    InboxCardReply, InboxPage, MAX_CARDS, MAX_INBOX_PAGE, OfferedCard, ParcelLink, WaitingParcel,
};
use hythe_wire::link::MAX_PARCEL_REFS;

use super::access::{self, Want, role_of};
use super::commit;
use super::linked::is_directory;
use super::objects::Objects;
use super::parcel::{Door, Entered, Parcel, session};
use super::{Files, FilesError, Principal, Refused, tree};
use crate::clock::now_ms;
use crate::metadata::inbox_cards::{self, CardRow};
use crate::metadata::logs::{Log, LogNo};
use crate::metadata::parcels::{self, ParcelRow};
use crate::metadata::{DbError, Tx, links, nodes, records};
use crate::notify::Notice;

/// Files that wait in one space at a time.
const MAX_WAITING: u64 = 1000;

/// And that came through one link.
const MAX_WAITING_OF_LINK: u64 = 500;

/// Bytes of fields that wait in one space at a time; their chunks count as all chunks do.
const MAX_WAITING_BYTES: u64 = 64 << 20;

/// Bytes of fields in one answer, about.
const PAGE_BYTES: usize = 3 << 20;

/// How long it is told that a file was refused.
const REFUSED_MS: i64 = 30 * 24 * 60 * 60 * 1000;

impl Files {
    /// Keeps what the calling device says of the inbox of a space.
    ///
    /// # Errors
    /// [`super::Denied`], [`FilesError::Invalid`], or the database's.
    pub async fn put_inbox_card(
        &self,
        principal: &Principal,
        space: SpaceId,
        card: Vec<u8>,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let signed = SignedCard::decode(&card)?;
        signed.by(principal.device(), space).map_err(|_| {
            FilesError::invalid("the card was not signed by this device for this space")
        })?;
        let row = CardRow {
            device: principal.device(),
            account: principal.account(),
            card,
        };
        let principal = principal.clone();
        let work = move |tx: &mut dyn Tx| {
            let log = access::locked(tx, &principal, space, Want::Link)?;
            Ok::<_, FilesError>(inbox_cards::put(tx, log.no, &row, now_ms())?)
        };
        self.inner.database.write(work).await
    }

    /// What members that may write say of the inbox of a space, for one that may put.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn inbox_cards(
        &self,
        principal: &Principal,
        space: SpaceId,
    ) -> Result<InboxCardReply, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::Put)?;
            let mut cards = Vec::new();
            for row in inbox_cards::of_space(tx, log.no)? {
                let role = records::role(tx, log.no, row.account)?;
                if role.map(role_of).transpose()?.is_some_and(Role::may_write) {
                    cards.push(OfferedCard {
                        account: row.account,
                        card: row.card.into(),
                    });
                }
            }
            cards.truncate(MAX_CARDS);
            Ok::<_, FilesError>(InboxCardReply { cards })
        };
        self.inner.database.read(read).await
    }

    /// Takes in what a member puts that may do nothing else; in a sealed space it waits until
    /// another member does that. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`super::Denied`], [`FilesError::Invalid`], [`FilesError::ChunksMissing`],
    /// [`super::Refused::Quota`].
    pub async fn put_into_inbox(
        &self,
        principal: &Principal,
        space: SpaceId,
        parcel: Parcel,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let who = principal.clone();
        let find = move |tx: &mut dyn Tx| access::space(tx, &who, space, Want::Put);
        let log = self.inner.database.read(find).await?;
        if !parcel.attached.is_empty() {
            // What has no room is not written to the disk first.
            self.may_upload(principal, space).await?;
        }
        let door = Door::Member {
            principal: principal.clone(),
            space,
        };
        if !log.open {
            return self.keep_parcel(door, log.no, parcel).await;
        }
        let purpose = Purpose::Parcel {
            space,
            number: parcel.generation,
            via: door.via(),
            upload: parcel.upload,
        };
        let opened = self.inner.open_parcel(space, &purpose, &parcel)?;
        self.take_parcel_in(Arc::new(door), log.no, opened, parcel.attached)
            .await
    }

    /// Keeps a file until a member takes it in.
    ///
    /// # Errors
    /// As [`Files::link_put`].
    pub(super) async fn keep_parcel(
        &self,
        door: Door,
        log: LogNo,
        mut parcel: Parcel,
    ) -> Result<(), FilesError> {
        let attached = std::mem::take(&mut parcel.attached);
        let row = Arc::new(row(&door, parcel)?);
        let objects = Objects::attach(&self.inner.blobs, attached).await?;
        let has_small = objects.has_small();
        let roots = row.refs.iter().filter(|_| row.tree);
        let roots: Vec<ChunkId> = roots.copied().chain(objects.refs()).collect();
        tree::settle(&self.inner.database, log, roots).await?;
        let work = move |tx: &mut dyn Tx| keep(tx, &door, &row, &objects);
        self.inner.database.write(work).await?;
        if has_small {
            self.inner.wake_drain();
        }
        Ok(())
    }

    /// The files that wait in a sealed space, the oldest first, for who may write there.
    ///
    /// # Errors
    /// [`super::Denied`], or the database's.
    pub async fn inbox(
        &self,
        principal: &Principal,
        space: SpaceId,
    ) -> Result<InboxPage, FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let read = move |tx: &mut dyn Tx| {
            let log = access::space(tx, &principal, space, Want::TakeIn)?;
            let limit = u32::try_from(MAX_INBOX_PAGE).unwrap_or(u32::MAX);
            let (mut parcels, mut bytes) = (Vec::new(), 0);
            for row in parcels::waiting(tx, log.no, limit)? {
                bytes += row.wrapped.len() + row.name.len() + row.attributes.len() + row.body.len();
                if bytes > PAGE_BYTES && !parcels.is_empty() {
                    break;
                }
                parcels.push(waiting(tx, row)?);
            }
            Ok::<_, FilesError>(InboxPage { parcels })
        };
        self.inner.database.read(read).await
    }

    /// Notes that a file cannot be taken in: nothing of it is kept but that it was there.
    ///
    /// # Errors
    /// [`super::Denied`], [`FilesError::NotFound`] where it does not wait, or the database's.
    pub async fn refuse_parcel(
        &self,
        principal: &Principal,
        space: SpaceId,
        upload: UploadId,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        let principal = principal.clone();
        let work = move |tx: &mut dyn Tx| {
            let log = access::locked(tx, &principal, space, Want::TakeIn)?;
            let now_ms = now_ms();
            parcels::sweep(tx, log.no, now_ms.saturating_sub(REFUSED_MS))?;
            match parcels::refuse(tx, log.no, upload, now_ms)? {
                true => Ok(()),
                false => Err(FilesError::NotFound("file that waits")),
            }
        };
        self.inner.database.write(work).await
    }
}

/// What is stored of a file that waits, as far as a server can tell that it is one.
fn row(door: &Door, parcel: Parcel) -> Result<ParcelRow, FilesError> {
    let fields = parcel.fields();
    let sizes = [&fields.name, &fields.attributes, &fields.body].map(Vec::len);
    let is_sealed = is_filled_up(&fields) && sizes.iter().all(|size| *size <= MAX_SEALED_BYTES);
    if !is_sealed || minicbor::decode::<Wrapped>(&parcel.wrapped).is_err() {
        return Err(FilesError::invalid("the file is not sealed as it must be"));
    }
    let unnamed = || FilesError::invalid("what the file's layout names is missing");
    let (tree, refs) = parcel.refs.ok_or_else(unnamed)?;
    if refs.len() > MAX_PARCEL_REFS || tree && refs.len() != 1 {
        return Err(unnamed());
    }
    let unsigned = || FilesError::invalid("the file is not signed");
    Ok(ParcelRow {
        upload: parcel.upload,
        link: match door.via() {
            Via::Link(link) => Some(link),
            Via::Account(_) => None,
        },
        account: door.principal().account(),
        epoch: parcel.generation,
        wrapped: parcel.wrapped,
        name: fields.name,
        attributes: fields.attributes,
        body: fields.body,
        size: parcel.size,
        signature: parcel.signature.ok_or_else(unsigned)?,
        tree,
        refs,
    })
}

/// Stores a file that waits, and tells those who take it in.
fn keep(
    tx: &mut dyn Tx,
    door: &Door,
    row: &ParcelRow,
    objects: &Objects,
) -> Result<(), FilesError> {
    let entered = door.enter(tx)?;
    let log = entered.log();
    if log.open {
        return Err(FilesError::invalid("the space is not sealed"));
    }
    check_signature(&entered, door, row)?;
    check_giver(tx, log, row)?;
    let directory = entered.directory(tx)?;
    if !is_directory(directory.as_ref())? {
        return Err(FilesError::invalid("files are put into directories"));
    }
    if nodes::get(tx, log.no, NodeId(row.upload.0))?.is_some() {
        return Ok(());
    }
    if let Some(before) = parcels::standing(tx, log.no, row.upload)? {
        let same = before.link == row.link && before.account == row.account && !before.refused;
        let other = || FilesError::invalid("there is such an upload already");
        return same.then_some(()).ok_or_else(other);
    }
    check_room(tx, log, row)?;
    let now_ms = now_ms();
    objects.record(tx, log.no, door.payer(), now_ms)?;
    let roots: HashSet<ChunkId> = row.refs.iter().filter(|_| row.tree).copied().collect();
    commit::check_refs(tx, log, &row.refs, &roots, objects)?;
    parcels::insert(tx, log.no, row, now_ms)?;
    door.count(tx, log, row.upload, log.head.cursor)?;
    let space = SpaceId(log.id);
    tx.notify(Notice::Parcel { space });
    Ok(())
}

/// Who signed it is who may put there. (Who takes it in looks again: a server is not believed.)
fn check_signature(entered: &Entered, door: &Door, row: &ParcelRow) -> Result<(), FilesError> {
    let forged = || FilesError::invalid("the file is not signed by who may put it");
    let signature = ParcelSignature::decode(&row.signature).map_err(|_| forged())?;
    let expected = match entered {
        Entered::Link(linked) => {
            let grant = SignedGrant::decode(&linked.row.grant);
            let grant = grant.map_err(|_| DbError::Shape("the grant of a link"))?;
            grant.uploads() == Some(signature.author())
        }
        Entered::Member(_) => signature.author().device_id() == door.principal().device(),
    };
    let parcel = hythe_space::Parcel {
        space: SpaceId(entered.log().id),
        number: row.epoch,
        via: door.via(),
        upload: row.upload,
        wrapped: &row.wrapped,
        name: &row.name,
        attributes: &row.attributes,
        body: &row.body,
        size: row.size,
    };
    match signature.check(&parcel) {
        Ok(()) if expected => Ok(()),
        _ => Err(forged()),
    }
}

/// Nobody takes in what came through a link of somebody who may not write any more.
fn check_giver(tx: &mut dyn Tx, log: &Log, row: &ParcelRow) -> Result<(), FilesError> {
    let role = records::role(tx, log.no, row.account)?;
    let may_write = role.map(role_of).transpose()?.is_some_and(Role::may_write);
    match row.link {
        Some(_) if !may_write => Err(Refused::LinkEnded.into()),
        _ => Ok(()),
    }
}

/// Nobody fills the table who may only put.
fn check_room(tx: &mut dyn Tx, log: &Log, row: &ParcelRow) -> Result<(), FilesError> {
    let full = || FilesError::invalid("too many files wait to be taken in; try again later");
    let all = parcels::count(tx, log.no, None)?;
    if all.waiting >= MAX_WAITING || all.bytes >= MAX_WAITING_BYTES {
        return Err(full());
    }
    let Some(link) = row.link else { return Ok(()) };
    match parcels::count(tx, log.no, Some(link))?.waiting {
        many if many >= MAX_WAITING_OF_LINK => Err(full()),
        _ => Ok(()),
    }
}

/// A file that waits, as whoever takes it in is shown it.
fn waiting(tx: &mut dyn Tx, row: ParcelRow) -> Result<WaitingParcel, DbError> {
    let link = match row.link {
        Some(link) => links::get(tx, link)?.map(|row| ParcelLink {
            link,
            device: row.device,
            grant: row.grant.into(),
        }),
        None => None,
    };
    Ok(WaitingParcel {
        upload: row.upload,
        account: row.account,
        link,
        epoch: row.epoch,
        wrapped: row.wrapped.into(),
        name: row.name.into(),
        attributes: row.attributes.into(),
        body: row.body.into(),
        size: row.size,
        signature: row.signature.into(),
    })
}

/// The files that a member takes in with a change set that it wrote on behalf of another. They have
/// to wait, and to have come by the way that the change set names.
///
/// # Errors
/// [`FilesError::Invalid`], or the database's.
pub(super) fn taken_in(
    tx: &mut dyn Tx,
    log: &Log,
    change_set: &ChangeSet,
) -> Result<Vec<UploadId>, FilesError> {
    let Some(behalf) = change_set.header().behalf else {
        return Ok(Vec::new());
    };
    let mut taken = Vec::new();
    for operation in change_set.operations() {
        let upload = match operation {
            Operation::Create(create) if !log.open => UploadId(create.node.0),
            _ => return Err(not_taken()),
        };
        match parcels::standing(tx, log.no, upload)? {
            Some(parcel) => {
                let via = parcel.link.map_or(Via::Account(parcel.account), Via::Link);
                let other = parcel.account != behalf.account || session(via) != behalf.session;
                if parcel.refused || other {
                    return Err(not_taken());
                }
                taken.push(upload);
            }
            // Another member was faster: the fold says so.
            None if nodes::get(tx, log.no, NodeId(upload.0))?.is_some() => {}
            None => return Err(not_taken()),
        }
    }
    Ok(taken)
}

fn not_taken() -> FilesError {
    FilesError::invalid("only what was put for others is written on their behalf")
}

/// Forgets files that became nodes.
///
/// # Errors
/// The database's.
pub(super) fn forget(tx: &mut dyn Tx, log: LogNo, taken: &[UploadId]) -> Result<(), DbError> {
    let mut each = taken.iter();
    each.try_for_each(|upload| parcels::remove(tx, log, *upload))
}

/// The card that a device made of the inbox of a space.
///
/// # Errors
/// The database's.
pub(super) fn card_of_link(
    tx: &mut dyn Tx,
    linked: &access::Linked,
) -> Result<Option<Vec<u8>>, DbError> {
    if linked.may_put().is_err() || linked.log.open {
        return Ok(None);
    }
    inbox_cards::of_device(tx, linked.log.no, linked.row.device)
}
