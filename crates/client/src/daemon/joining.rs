//! Links that make members, as the control door makes, lists and takes them up.

use std::sync::Arc;

use hythe_control::{Failure, FailureKind, Invite, OfferInfo, Reply};
use hythe_model::{AccountId, DeviceId, Role};
use hythe_space::JoinOfferRecord;
use hythe_space::flow::JoinSecret;
use hythe_wire::IdentityKey;
use hythe_wire::join::JoinUrl;

use super::door::Door;
use super::shared::Space;
use super::spaces::{dropping_info, followed, gone, info, owned, refused, shared_space};
use crate::commit::CommitError;
use crate::direct;
use crate::net::ApiError;
use crate::replica::ReplicaError;

/// Fewer digits of an id name no link.
const FEWEST_DIGITS: usize = 8;

/// Makes a link.
pub async fn offer(door: &Door, named: &str, role: Role) -> Result<Reply, Failure> {
    let space = shared_space(door, named, "shared").await?;
    owned(&space)?;
    if role == Role::Owner {
        return Err(refused("A link makes nobody an owner: it may be passed on")
            .next("Share it with `--role editor`, and make them an owner once they are in."));
    }
    let keys = &door.shared.device;
    let address = door.shared.advertised_url.as_deref();
    let server = hythe_wire::invite::server_url(address.unwrap_or(&keys.server.url));
    let server = server.map_err(|error| {
        Failure::new(FailureKind::Internal, "The server's address is none").because(error)
    })?;
    let (applied, secret, expires_ms) = space.replica.offer_join(role).await?;
    direct::tell(door, &space, applied);
    // Who may only put files reads no log: the word of who made the link is all it will know.
    let by = (role == Role::Drop).then_some(keys.account);
    if by.is_some() {
        space.replica.tell_card().await?;
    }
    let url = JoinUrl {
        server,
        identity: IdentityKey(keys.server.identity),
        space: space.id,
        secret: secret.secret().clone(),
        by,
    };
    Ok(Reply::Invite(Invite {
        url: url.to_string(),
        expires_ms,
    }))
}

/// Takes a link up.
pub async fn join(door: &Door, url: &str) -> Result<Reply, Failure> {
    let shared = &door.shared;
    let url: JoinUrl = url.parse().map_err(|error| {
        Failure::new(FailureKind::Usage, "This is no link into a space").because(error)
    })?;
    if url.identity != IdentityKey(shared.device.server.identity) {
        return Err(
            refused("The link leads to another server than this device's")
                .next("Take it up on a device that has an account there."),
        );
    }
    shared.learn_spaces().await?;
    if shared.living_space(url.space).is_some() {
        return taken_part(door, &url).await;
    }
    let secret = JoinSecret::new(url.secret.clone());
    if let Some(by) = url.by {
        return join_to_put(door, &url, &secret, by).await;
    }
    shared.join(url.space, &secret).await.map_err(not_joined)?;
    shared.learn_spaces().await?;
    taken_part(door, &url).await
}

async fn join_to_put(
    door: &Door,
    url: &JoinUrl,
    secret: &JoinSecret,
    by: AccountId,
) -> Result<Reply, Failure> {
    let shared = &door.shared;
    let known = || {
        let mut all = shared.dropping().into_iter();
        all.find(|target| target.id == url.space)
    };
    if known().is_none() {
        let joined = shared.join_to_put(url.space, secret, by).await;
        joined.map_err(not_joined)?;
        shared.learn_spaces().await?;
    }
    let target = known().ok_or_else(gone)?;
    Ok(Reply::Space(dropping_info(target)))
}

async fn taken_part(door: &Door, url: &JoinUrl) -> Result<Reply, Failure> {
    let space: Arc<Space> = followed(door, url.space).await?;
    info(&door.shared, &space)
        .map(Reply::Space)
        .ok_or_else(gone)
}

fn not_joined(error: CommitError) -> Failure {
    let is_over = match &error {
        CommitError::Refused { .. } => true,
        CommitError::Replica(ReplicaError::Api(ApiError::Refused(problem))) => {
            matches!(problem.status, 404 | 409)
        }
        // It opens nothing: the secret is another one.
        CommitError::Replica(ReplicaError::Keys(_)) => true,
        _ => false,
    };
    if !is_over {
        return error.into();
    }
    refused("The link lets nobody in")
        .because(
            "it was used or taken back, it is over a week old, or the space's keys were renewed",
        )
        .next("Ask for a new one.")
}

/// The links that can still be taken up.
pub async fn list(door: &Door, named: &str) -> Result<Reply, Failure> {
    let space = direct::space_named(door, named).await?;
    direct::catch_up(door, &space).await?;
    let offers = space.replica.join_offers()?;
    Ok(Reply::Offers(offers.iter().map(shown).collect()))
}

fn shown(offer: &JoinOfferRecord) -> OfferInfo {
    OfferInfo {
        id: offer.key.device_id(),
        role: offer.role.into(),
        expires_ms: offer.expires_ms,
    }
}

/// Takes a link back.
pub async fn withdraw(door: &Door, named: &str, offer: &str) -> Result<Reply, Failure> {
    let space = shared_space(door, named, "changed").await?;
    owned(&space)?;
    let key = offer_named(&space, offer)?;
    let (applied, done) = space.replica.withdraw_join(key).await?;
    direct::tell(door, &space, applied);
    if done {
        Ok(Reply::Done)
    } else {
        Err(no_such(&space, offer))
    }
}

fn offer_named(space: &Space, named: &str) -> Result<DeviceId, Failure> {
    let offers = space.replica.join_offers()?;
    let ids = offers.iter().map(|offer| offer.key.device_id());
    let mut found = ids.filter(|id| id.to_string().starts_with(named));
    match (found.next(), found.next()) {
        (Some(id), None) if named.len() >= FEWEST_DIGITS => Ok(id),
        _ => Err(no_such(space, named)),
    }
}

fn no_such(space: &Space, named: &str) -> Failure {
    let message = format!("{} has no open link {named}", space.name());
    Failure::new(FailureKind::NotFound, message)
        .next("`hythe members` lists them; name one by at least eight digits.")
}
