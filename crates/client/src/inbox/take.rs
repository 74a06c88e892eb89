//! Taking in what others put into a sealed space: whatever the server says of it is looked at before
//! anything becomes a node.

use hythe_content::{ParcelError, ParcelFields, ParcelFile, numbered, open_parcel, parcel_keys};
use hythe_model::{
    AccountId, EntryName, KeyEpoch, LinkKind, NodeId, NodeKind, OperationId, Role, UploadId,
    VersionId,
};
use hythe_space::operation::BodyWrite;
use hythe_space::{
    Behalf, CryptoError, DecodeError, LinkGrant, MemberRecord, Parcel, ParcelSignature,
    SignedGrant, Via, Wrapped, inbox_key,
};
use hythe_wire::inbox::{ParcelLink, WaitingParcel};

use crate::commit::{CommitError, Copied, Edit};
use crate::replica::{Applied, Replica, ReplicaError};
use crate::state::{Rows, StateError};

/// Names that are tried where one is taken.
const NAMES: u32 = 1000;

/// How often others may write in the space before a file waits for the next time.
const TRIES: u32 = 5;

/// After so many of them a file goes into the root: where it was to go, nothing may be written.
const TRIES_IN_PLACE: u32 = 3;

/// What stands for a session where a member put a file, and no link.
const NO_SESSION: OperationId = OperationId([0; 16]);

/// Why a file is not taken in, and never will be.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// What comes with it is malformed.
    #[error("it is malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// The link is not what a member gave out, or is for something else.
    #[error("no member that may write gave out the link that it is said to come through")]
    Link,
    /// The account is no member that may put.
    #[error("whoever is said to have put it may not put anything here")]
    Sender,
    /// It was not signed as what the server says it is.
    #[error("it is not signed by who is said to have put it")]
    Signature,
    /// It was not sealed for this inbox.
    #[error("it was not sealed for this inbox: {0}")]
    Sealed(#[source] CryptoError),
    /// What is in it is no file.
    #[error(transparent)]
    Content(#[from] ParcelError),
    /// The server lacks its content.
    #[error("the server lacks what is in it")]
    Chunks,
}

/// Why a file was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// And never will be.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The space cannot be read, or the server not be asked: later.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// The change set was not accepted: later.
    #[error(transparent)]
    Commit(CommitError),
}

impl From<StateError> for TakeError {
    fn from(error: StateError) -> Self {
        Self::Replica(error.into())
    }
}

/// A file that was found in order.
struct Ready {
    upload: UploadId,
    parent: NodeId,
    behalf: Behalf,
    file: ParcelFile,
    size: u64,
}

impl Replica {
    /// Makes a file that waits a node of the space. What changed is told to `tell`, also of tries
    /// that came to nothing.
    ///
    /// # Errors
    /// See [`TakeError`].
    pub async fn take_in(
        &self,
        parcel: &WaitingParcel,
        mut tell: impl FnMut(Applied),
    ) -> Result<(), TakeError> {
        let ready = self.look_through(parcel).await?;
        let mut tries = 0;
        loop {
            let number = self.number();
            let parent = match tries {
                0..TRIES_IN_PLACE => ready.parent,
                _ => NodeId::ROOT,
            };
            let edit = self
                .session
                .state
                .read(|rows| ready.edit(rows, number, parent))?;
            let Some(edit) = edit else { return Ok(()) };
            let behalf = Some(ready.behalf);
            match self.commit_for(vec![edit], Vec::new(), behalf).await {
                Ok(committed) => {
                    tell(committed.applied);
                    return Ok(());
                }
                Err(CommitError::Refused { applied, .. }) if tries < TRIES => tell(applied),
                Err(CommitError::ChunksMissing { .. }) => return Err(Unfit::Chunks.into()),
                Err(error) => return Err(TakeError::Commit(error)),
            }
            tries += 1;
        }
    }

    /// Opens a file, and looks whether it is what the server says, and came from whom it says.
    async fn look_through(&self, parcel: &WaitingParcel) -> Result<Ready, TakeError> {
        let signature = ParcelSignature::decode(&parcel.signature).map_err(Unfit::from)?;
        let role = self.role_now(parcel.account)?;
        let author = signature.author();
        let (via, parent) = match &parcel.link {
            Some(link) => {
                let grant = self.granted(parcel.account, role, link).await?;
                if grant.uploads != Some(author) {
                    return Err(Unfit::Signature.into());
                }
                (Via::Link(link.link), grant.node)
            }
            None => {
                let device = author.device_id();
                let account = self.session.accounts.get(parcel.account).await;
                let belongs = account.is_ok_and(|state| {
                    let found = state.device(device);
                    found.is_some_and(|one| one.removed.is_none())
                });
                if role.is_none() || role == Some(Role::Viewer) || !belongs {
                    return Err(Unfit::Sender.into());
                }
                (Via::Account(parcel.account), NodeId::ROOT)
            }
        };
        let content = content(self.space, via, parcel);
        let checked = signature.check(&content);
        checked.map_err(|_| Unfit::Signature)?;
        let file = self.open_file(parcel, &content).await?;
        Ok(Ready {
            upload: parcel.upload,
            parent,
            behalf: Behalf {
                account: parcel.account,
                session: session(via),
            },
            file,
            size: parcel.size,
        })
    }

    /// What a member granted with a link, if it may write (still) and granted just this.
    async fn granted(
        &self,
        account: AccountId,
        role: Option<Role>,
        link: &ParcelLink,
    ) -> Result<LinkGrant, TakeError> {
        let signed = SignedGrant::decode(&link.grant).map_err(Unfit::from)?;
        let state = self.session.accounts.get(account).await?;
        let grant = signed.by(link.device).map_err(|_| Unfit::Link)?;
        let same = grant.link == link.link && grant.space == self.space;
        let may_write = role.is_some_and(Role::may_write);
        let is_its = state.device(link.device).is_some();
        match same && may_write && is_its && grant.kind == LinkKind::Upload {
            true => Ok(grant.clone()),
            false => Err(Unfit::Link.into()),
        }
    }

    async fn open_file(
        &self,
        parcel: &WaitingParcel,
        content: &Parcel<'_>,
    ) -> Result<ParcelFile, TakeError> {
        let wrapped: Result<Wrapped, _> = minicbor::decode(&parcel.wrapped);
        let wrapped = wrapped.map_err(|_| Unfit::Sealed(CryptoError::Unwrap))?;
        let (space, epoch) = (self.space, KeyEpoch(parcel.epoch));
        let key = self
            .with_keys(|keys| Some(inbox_key(space, epoch, keys.secret(epoch)?)))
            .await?;
        let key = key.ok_or(Unfit::Sealed(CryptoError::Unwrap))?;
        let secret = key.unwrap(&content.purpose(), &wrapped);
        let keys = parcel_keys(space, secret.map_err(Unfit::Sealed)?);
        let fields = ParcelFields {
            name: parcel.name.to_vec(),
            attributes: parcel.attributes.to_vec(),
            body: parcel.body.to_vec(),
        };
        let file = open_parcel(&keys, parcel.upload, &fields);
        Ok(file.map_err(Unfit::from)?)
    }

    fn role_now(&self, account: AccountId) -> Result<Option<Role>, StateError> {
        let is = |member: &MemberRecord| member.account == account;
        let members = self.members()?.into_iter();
        Ok(members.filter(is).find_map(|member| member.role))
    }
}

impl Ready {
    /// The edit that makes it a node, under a name that is free (SC-155); none where it is one.
    fn edit(
        &self,
        rows: &Rows<'_>,
        space: crate::state::SpaceNumber,
        parent: NodeId,
    ) -> Result<Option<Edit>, StateError> {
        let (node, version) = (NodeId(self.upload.0), VersionId(self.upload.0));
        if rows.remote_node(space, node)?.is_some() {
            return Ok(None);
        }
        let there = rows.remote_node(space, parent)?;
        let is_directory =
            |there: &hythe_sync::RemoteNode| there.kind == NodeKind::Directory && !there.deleted;
        // Where it was to go is not there any more.
        let parent = match there.is_some_and(|there| is_directory(&there)) {
            true => parent,
            false => NodeId::ROOT,
        };
        let mut name: Option<EntryName> = None;
        for number in 1..=NAMES {
            name = numbered(&self.file.name, number);
            let Some(tried) = &name else { break };
            if rows
                .remote_by_name(space, parent, tried.as_bytes())?
                .is_none()
            {
                break;
            }
        }
        // A name that cannot be numbered is as good as none: the upload's own.
        let name = name.or_else(|| EntryName::new(self.upload.to_string().into_bytes()).ok());
        let Some(name) = name else { return Ok(None) };
        let body = BodyWrite {
            version,
            size: self.size,
            tree: self.file.refs.tree,
            refs: self.file.refs.ids.clone(),
        };
        Ok(Some(Edit::Copy(Box::new(Copied {
            node,
            kind: NodeKind::File,
            parent,
            name,
            attributes: self.file.attributes,
            place_version: version,
            attributes_version: version,
            body: Some((body, self.file.body.clone())),
        }))))
    }
}

/// What is signed of a file that waits.
fn content(space: hythe_model::SpaceId, via: Via, parcel: &WaitingParcel) -> Parcel<'_> {
    Parcel {
        space,
        number: parcel.epoch,
        via,
        upload: parcel.upload,
        wrapped: &parcel.wrapped,
        name: &parcel.name,
        attributes: &parcel.attributes,
        body: &parcel.body,
        size: parcel.size,
    }
}

fn session(via: Via) -> OperationId {
    match via {
        Via::Link(link) => OperationId(link.0),
        Via::Account(_) => NO_SESSION,
    }
}
