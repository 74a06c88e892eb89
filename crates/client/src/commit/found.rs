//! Making a space.

use hythe_content::seal_space_name;
use hythe_model::{KeyEpoch, OperationId, SpaceId, SpaceName};
use hythe_space::flow::{NewSpace, Recipient, create_space};
use hythe_space::governance::{NameSpace, SealedSecret};
use hythe_space::moving::CameFrom;
use hythe_space::{AccountState, Draft, Entropy, Operation, SigningKey, Stamp};
use hythe_wire::space::CreateSpaceRequest;

use super::CommitError;
use super::keys::not_wrapped;
use crate::net::{ApiError, Retry};
use crate::replica::{ReplicaError, Session, now_ms};

/// How often the same space is sent, where an answer was lost: the server knows it again (C6).
const TRIES: usize = 3;

/// Makes a space of this device's account: an open one, or a sealed one, whose key the server never
/// gets. A space that is made of a folder says so from the beginning, so that it is found again
/// whatever breaks off afterwards.
///
/// # Errors
/// See [`CommitError`].
pub async fn found_space(
    session: &Session,
    name: &SpaceName,
    sealed: bool,
    origin: Option<CameFrom>,
) -> Result<SpaceId, CommitError> {
    let accounts = &session.accounts;
    accounts.refresh(session.device.account).await?;
    let owner = accounts.get(session.device.account).await?;
    let server = if sealed {
        None
    } else {
        let info = session.api.server().await.map_err(ReplicaError::Api)?;
        Some(Recipient::of(&accounts.get(info.account).await?)?)
    };
    let request = draft(session, &owner, server.as_ref(), name, origin)?;
    let mut tries = 0;
    loop {
        tries += 1;
        match session.api.create_space(&request).await {
            Ok(reply) => return Ok(reply.space),
            Err(ApiError::Offline(_)) if tries < TRIES => {}
            Err(error) if matches!(error.retry(), Retry::Later(_)) => {
                return Err(CommitError::Unknown(error));
            }
            Err(error) => return Err(ReplicaError::Api(error).into()),
        }
    }
}

fn draft(
    session: &Session,
    owner: &AccountState,
    server: Option<&Recipient>,
    name: &SpaceName,
    origin: Option<CameFrom>,
) -> Result<CreateSpaceRequest, CommitError> {
    let key = SigningKey::from_seed(&session.device.signing);
    let mut entropy = Entropy::system()?;
    let made = create_space(owner, &key, server, now_ms(), &mut entropy).map_err(not_wrapped)?;
    let NewSpace {
        space,
        mut log,
        view,
        secret,
    } = made;
    let sealed = seal_space_name(&secret, space, KeyEpoch::FIRST, name);
    // Sealed names are never longer than what an operation holds.
    let name = SealedSecret::new(sealed).ok_or(CommitError::NoKey)?;
    let mut naming = Draft::new();
    naming.push(Operation::NameSpace(NameSpace { name }));
    if let Some(origin) = origin {
        naming.push(Operation::CameFrom(origin));
    }
    let author = view.author_record(key.device_id());
    let stamp = Stamp::next(
        space,
        author.as_ref(),
        view.head(),
        owner.head(),
        KeyEpoch::FIRST,
        OperationId(entropy.bytes()),
        now_ms(),
    );
    log.push(naming.sign(stamp, &key)?);
    let encoded = log.iter().map(|one| one.encoded().to_vec().into());
    Ok(CreateSpaceRequest {
        log: encoded.collect(),
    })
}
