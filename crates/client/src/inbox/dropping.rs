//! Putting files into a space as a member that may do nothing else: it reads no log, so all that it
//! knows of the space is what whoever invited it has signed.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use hythe_control::{Entry, EntryKind, Failure, FailureKind, Octets, Reply};
use hythe_model::{AccountId, Attributes, EntryName, NodeId, SpaceId, TreePath};
use hythe_space::inbox::Taker as Who;
use hythe_space::{AccountState, InboxCard, SignedCard, SigningKey, Via};
use hythe_wire::Code;
use hythe_wire::inbox::OfferedCard;

use super::put::{Inbox, PutError, Taker, Way};
use crate::daemon::{Shared, unreachable};
use crate::net::ApiError;
use crate::replica::{AccountBook, ReplicaError, Session};
use crate::state::{State, StateError};
use crate::transfer::TransferError;

/// A space that this account may only put files into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The space.
    pub(crate) id: SpaceId,
    /// What this device calls it.
    pub(crate) name: String,
    /// Whether it is sealed, as the server says: shown, and decides nothing.
    pub(crate) sealed: bool,
}

/// Why a file was not put.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    /// The server did not do what was asked.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// No device of whoever invited this account has said yet how files are sealed.
    #[error("no device of whoever invited you has told yet how files are sealed for it")]
    Untold,
    /// What the server shows is not what whoever invited this account has signed.
    #[error("what the server shows of the inbox is not signed by who invited you")]
    Forged,
    /// The log of an account cannot be read, or the state of this device.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// It could not be sealed or sent.
    #[error(transparent)]
    Put(#[from] PutError),
}

impl From<StateError> for DropError {
    fn from(error: StateError) -> Self {
        Self::Replica(error.into())
    }
}

/// Whose word counts about a space that this account may only put files into, and what the space is
/// called: kept when the invitation was accepted.
pub struct Introduction {
    /// Who invited.
    pub by: AccountId,
    /// The name that the invitation showed; none: its id.
    pub name: Option<String>,
}

impl Introduction {
    /// What this device knows of a space.
    ///
    /// # Errors
    /// Those of the state, here and below.
    pub fn of(state: &State, space: SpaceId) -> Result<Option<Self>, StateError> {
        let Some(bytes) = state.read(|rows| rows.setting(&setting(space)))? else {
            return Ok(None);
        };
        let broken = || StateError::Invalid("who invited into a space");
        let (by, name) = bytes.split_at_checked(32).ok_or_else(broken)?;
        let by = AccountId(by.try_into().map_err(|_| broken())?);
        let name = String::from_utf8(name.to_vec()).map_err(|_| broken())?;
        Ok(Some(Self {
            by,
            name: Some(name).filter(|name| !name.is_empty()),
        }))
    }

    /// Keeps it.
    pub async fn keep(&self, state: &State, space: SpaceId) -> Result<(), StateError> {
        let name = self.name.clone().unwrap_or_default();
        let bytes = [self.by.as_bytes().as_slice(), name.as_bytes()].concat();
        let write = move |tx: &crate::state::Tx<'_>| tx.set_setting(&setting(space), &bytes);
        state.write(write).await
    }
}

fn setting(space: SpaceId) -> String {
    format!("inbox/{space}")
}

/// Puts what a descriptor gives into a space, under a name.
pub(crate) async fn put(
    shared: &Arc<Shared>,
    target: &Target,
    path: &TreePath,
    attributes: Attributes,
    from: OwnedFd,
) -> Result<Reply, Failure> {
    let [name] = path.names() else {
        let message = format!("{} takes files by a name and no further path", target.name);
        return Err(Failure::new(FailureKind::Refused, message));
    };
    let sent = send(&shared.common, target.id, name, attributes, from).await;
    let size = sent.map_err(|error| failure(target, error))?;
    Ok(Reply::Entry(Entry {
        path: Octets(name.as_bytes().to_vec()),
        kind: EntryKind::File,
        size: Some(size),
        modified: Some(attributes.modified.into()),
        executable: attributes.executable,
        target: None,
        node: NodeId::ROOT,
        quarantine: None,
    }))
}

/// Sends a file to those who take it in, and says how long it is. Nothing is sent before it is
/// known who they are.
///
/// # Errors
/// See [`DropError`].
pub async fn send(
    session: &Session,
    space: SpaceId,
    name: &EntryName,
    attributes: Attributes,
    from: OwnedFd,
) -> Result<u64, DropError> {
    let device = &session.device;
    let inbox = Inbox {
        api: session.api.dropping(),
        pool: &session.pool,
        space,
        taker: taker(session, space).await?,
        way: Way::Signed(
            Via::Account(device.account),
            SigningKey::from_seed(&device.signing),
        ),
    };
    let (request, size) = inbox.request(name, attributes, from).await?;
    session.api.inbox_put(space, &request).await?;
    Ok(size)
}

/// Who takes in what is put into a space, by the word of who invited this account.
async fn taker(session: &Session, space: SpaceId) -> Result<Taker, DropError> {
    let cards = session.api.inbox_cards(space).await?.cards;
    let known = Introduction::of(&session.state, space)?;
    let by = match (&known, cards.first()) {
        (Some(known), _) => known.by,
        // A device that did not see the invitation: whom it meets first counts from now on.
        (None, Some(first)) => first.account,
        (None, None) => return Err(DropError::Untold),
    };
    let accounts = &session.accounts;
    accounts.refresh(by).await?;
    let card = newest(space, &accounts.get(by).await?, &cards)?;
    if known.is_none() {
        let met = Introduction { by, name: None };
        met.keep(&session.state, space).await?;
    }
    match card.taker {
        Who::Members { epoch, key } => Ok(Taker {
            number: epoch.0,
            key,
            pads: true,
        }),
        Who::Server { account } => server(accounts, account).await,
    }
}

/// What a device of an account says last.
fn newest(
    space: SpaceId,
    by: &AccountState,
    cards: &[OfferedCard],
) -> Result<InboxCard, DropError> {
    let own = cards.iter().filter(|card| card.account == by.id());
    let mut newest: Option<InboxCard> = None;
    for offered in own {
        let signed = SignedCard::decode(&offered.card).map_err(|_| DropError::Forged)?;
        let device = by.device(signed.author());
        match device {
            Some(record) if record.removed.is_none() => {}
            // What a removed device said counts no more.
            Some(_) => continue,
            None => return Err(DropError::Forged),
        }
        let card = signed.by(signed.author(), space);
        let card = card.map_err(|_| DropError::Forged)?;
        if newest
            .as_ref()
            .is_none_or(|before| order(before) < order(card))
        {
            newest = Some(card.clone());
        }
    }
    newest.ok_or(DropError::Untold)
}

/// A later key epoch is newer, whatever a clock says.
fn order(card: &InboxCard) -> (u32, i64) {
    match &card.taker {
        Who::Members { epoch, .. } => (epoch.0, card.time_ms),
        Who::Server { .. } => (0, card.time_ms),
    }
}

/// The key of the server's account, by its log, whose id was told.
async fn server(accounts: &AccountBook, account: AccountId) -> Result<Taker, DropError> {
    accounts.refresh(account).await?;
    let state = accounts.get(account).await?;
    let (number, key) = state.kem().ok_or(DropError::Forged)?;
    Ok(Taker {
        number,
        key: key.clone(),
        pads: false,
    })
}

fn failure(target: &Target, error: DropError) -> Failure {
    let name = &target.name;
    match error {
        DropError::Api(error) | DropError::Put(PutError::Transfer(TransferError::Api(error))) => {
            match error.code() {
                Some(Code::Forbidden | Code::NotFound) => {
                    refused(format!("You may not put files into {name} any more"))
                        .next("Ask an owner of it.")
                }
                _ => unreachable(&error),
            }
        }
        DropError::Untold => refused(format!("Nothing can be put into {name} yet"))
            .because(DropError::Untold)
            .next("Ask them to start Hythe once."),
        DropError::Forged => Failure::new(
            FailureKind::Attention,
            "What the server shows does not verify; nothing was sent",
        )
        .because(DropError::Forged)
        .next("Ask whoever invited you, and whoever runs the server."),
        DropError::Replica(error) => error.into(),
        DropError::Put(PutError::Transfer(error)) => error.into(),
        DropError::Put(error) => {
            Failure::new(FailureKind::Internal, "The file cannot be sealed").because(error)
        }
    }
}

fn refused(message: String) -> Failure {
    Failure::new(FailureKind::Refused, message)
}

/// What is said where more is asked of such a space than to take a file.
pub(crate) fn only_put(target: &Target) -> Failure {
    let name = &target.name;
    refused(format!(
        "You may put files into {name}, and see nothing of what is there"
    ))
    .next(format!(
        "`hythe put FILE {name}:/` puts one; an owner could make you a viewer or editor."
    ))
}
