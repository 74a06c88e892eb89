//! Files on their way into a space by somebody who may not read it, and the doors they come to.

use std::net::IpAddr;

use hythe_model::{ChunkId, Cursor, NodeId, OpeningId, OperationId, SpaceId, UploadId};
use hythe_space::{Behalf, Via};

use super::access::{self, Linked, Want};
use super::linked::used;
use super::links::LinkPass;
use super::objects::Attached;
use super::quota::Payer;
use super::{FilesError, Principal, Refused};
use crate::clock::now_ms;
use crate::metadata::Tx;
use crate::metadata::links::{self, Action, Opening};
use crate::metadata::logs::Log;
use crate::metadata::nodes::NodeRow;

/// What stands for a session where a member put a file, and no link.
pub(super) const NO_SESSION: OperationId = OperationId([0; 16]);

/// A file as it is put.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The upload: node, versions and operation are called so.
    pub upload: UploadId,
    /// The generation of the server's key that the secret is wrapped to, or the key epoch of the
    /// inbox's.
    pub generation: u32,
    /// The secret under which the fields are sealed.
    pub wrapped: Vec<u8>,
    /// The sealed name.
    pub name: Vec<u8>,
    /// The sealed attributes.
    pub attributes: Vec<u8>,
    /// The sealed layout.
    pub body: Vec<u8>,
    /// Sealed bytes over all its chunks.
    pub size: u64,
    /// Objects that were in no pack.
    pub attached: Vec<Attached>,
    /// What the layout names, and whether it is one root.
    pub refs: Option<(bool, Vec<ChunkId>)>,
    /// Who put it.
    pub signature: Option<Vec<u8>>,
}

/// Where somebody stands with a file.
#[derive(Clone)]
pub(super) enum Door {
    /// At a link.
    Link {
        /// What was shown.
        pass: LinkPass,
        /// Who gave it out.
        giver: Principal,
        /// From where.
        address: IpAddr,
    },
    /// A member.
    Member {
        /// Who.
        principal: Principal,
        /// Of which space.
        space: SpaceId,
    },
}

/// A door that was found open.
pub(super) enum Entered {
    Link(Box<Linked>),
    Member(Log),
}

impl Door {
    /// Whether a file may be put here, with the log locked until the transaction ends.
    ///
    /// # Errors
    /// [`super::Denied`], [`Refused::LinkEnded`], the database's.
    pub(super) fn enter(&self, tx: &mut dyn Tx) -> Result<Entered, FilesError> {
        match self {
            Self::Link { pass, .. } => {
                let linked = access::link_locked(tx, pass, now_ms())?;
                linked.may_put()?;
                Ok(Entered::Link(Box::new(linked)))
            }
            Self::Member { principal, space } => {
                let log = access::locked(tx, principal, *space, Want::Put)?;
                Ok(Entered::Member(log))
            }
        }
    }

    /// The way in, as a parcel names it.
    pub(super) fn via(&self) -> Via {
        match self {
            Self::Link { pass, .. } => Via::Link(pass.link()),
            Self::Member { principal, .. } => Via::Account(principal.account()),
        }
    }

    /// For whom a file counts, and in whose name it is written.
    pub(super) fn principal(&self) -> &Principal {
        match self {
            Self::Link { giver, .. } => giver,
            Self::Member { principal, .. } => principal,
        }
    }

    /// Who pays.
    pub(super) fn payer(&self) -> Payer {
        Payer::of(self.principal(), None)
    }

    /// On whose behalf the file becomes a node.
    pub(super) fn behalf(&self) -> Behalf {
        behalf(self.via(), self.principal())
    }

    /// Counts a file that was put, and notes it.
    ///
    /// # Errors
    /// [`Refused::LinkEnded`], the database's.
    pub(super) fn count(
        &self,
        tx: &mut dyn Tx,
        log: &Log,
        upload: UploadId,
        written: Cursor,
    ) -> Result<(), FilesError> {
        let Self::Link { pass, address, .. } = self else {
            return Ok(());
        };
        if !links::count_download(tx, pass.link())? {
            return Err(Refused::LinkEnded.into());
        }
        let opening = Opening {
            opening: OpeningId(upload.0),
            node: NodeId(upload.0),
            written,
        };
        let used = used(Action::Put, *address, Some(opening));
        Ok(links::note(tx, pass.link(), log.no, &used)?)
    }
}

/// How a change set says by whom a file was put.
pub(super) fn behalf(via: Via, principal: &Principal) -> Behalf {
    Behalf {
        account: principal.account(),
        session: session(via),
    }
}

/// What a change set names as the session of a way in.
pub(super) fn session(via: Via) -> OperationId {
    match via {
        Via::Link(link) => OperationId(link.0),
        Via::Account(_) => NO_SESSION,
    }
}

impl Entered {
    /// The space.
    pub(super) fn log(&self) -> &Log {
        match self {
            Self::Link(linked) => &linked.log,
            Self::Member(log) => log,
        }
    }

    /// The same, to be carried on.
    pub(super) fn log_mut(&mut self) -> &mut Log {
        match self {
            Self::Link(linked) => &mut linked.log,
            Self::Member(log) => log,
        }
    }

    /// The directory that files go into.
    pub(super) fn parent(&self) -> NodeId {
        match self {
            Self::Link(linked) => linked.row.node,
            Self::Member(_) => NodeId::ROOT,
        }
    }

    /// The row of that directory; none for the root.
    ///
    /// # Errors
    /// [`FilesError::NotFound`] where it is not there any more, or the database's.
    pub(super) fn directory(&self, tx: &mut dyn Tx) -> Result<Option<NodeRow>, FilesError> {
        match self {
            Self::Link(linked) => access::under(tx, linked, linked.row.node),
            Self::Member(_) => Ok(None),
        }
    }
}
