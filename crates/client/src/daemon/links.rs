//! Links, as the control door gives them out, shows and ends them.

use std::sync::Arc;

use data_encoding::{BASE64, HEXLOWER};
use hythe_control::{
    Failure, FailureKind, LinkAction, LinkFor, LinkInfo, LinkMade, LinkState, LinkTerms, LinkUse,
    LinksRequest, Octets, Place, Reply,
};
use hythe_model::{LinkKind, NodeId, Secret32};
use hythe_space::{LinkGrant, SignedGrant};
use hythe_wire::IdentityKey;
use hythe_wire::link::{self as wire, CreateLinkRequest, LinkView};

use super::capsules;
use super::devices::unreachable;
use super::door::Door;
use super::shared::{Shared, Space, now_ms};
use crate::direct;
use crate::link::capsules::{CapsuleError, Dirty};
use crate::net::ApiError;

/// Fewer digits of an id name no link.
const FEWEST_DIGITS: usize = 8;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Does one request.
pub async fn call(door: &Door, request: LinksRequest) -> Result<Reply, Failure> {
    match request {
        LinksRequest::Create { place, terms } => create(door, &place, &terms).await,
        LinksRequest::List { place, uses } => list(door, &place, uses).await,
        LinksRequest::Revoke { place, link } => revoke(door, &place, link.as_deref()).await,
    }
}

async fn create(door: &Door, place: &Place, terms: &LinkTerms) -> Result<Reply, Failure> {
    let found = direct::existing(door, place).await?;
    let shared = &door.shared;
    let (space, device) = (found.space.id, &shared.device);
    let unusable = || Failure::new(FailureKind::Protocol, "The terms of the link are malformed");
    let node = found.id().ok_or_else(unusable)?;
    let now_ms = now_ms();
    let lasts = |days: u32| now_ms.saturating_add(i64::from(days).saturating_mul(DAY_MS));
    let expires_ms = terms.days.map(lasts);
    let grant = LinkGrant {
        suite: 0,
        space,
        link: terms.link,
        node,
        kind: match terms.kind {
            LinkFor::View => LinkKind::View,
            LinkFor::Download => LinkKind::Download,
            LinkFor::Upload => LinkKind::Upload,
        },
        key: public(&terms.key).ok_or_else(unusable)?,
        password: terms.password,
        expires_ms,
        downloads: terms.downloads,
        time_ms: now_ms,
        uploads: match terms.kind {
            LinkFor::Upload => Some(signer(&terms.uploads).ok_or_else(unusable)?),
            LinkFor::View | LinkFor::Download => None,
        },
    };
    if grant.kind == LinkKind::Upload && found.space.replica.server()?.is_none() {
        // Whoever has the link finds the inbox's key there from the first moment on.
        let told = found.space.replica.tell_card().await;
        told.map_err(Failure::from)?;
    }
    let verifier = BASE64.decode(terms.verifier.as_bytes()).ok();
    let verifier = verifier.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let key = hythe_space::SigningKey::from_seed(&device.signing);
    let request = CreateLinkRequest {
        grant: grant.clone().sign(&key).encode().into(),
        verifier: Secret32::new(verifier.ok_or_else(unusable)?),
    };
    let made = shared.api.create_link(space, &request).await;
    let made = made.map_err(|error| not_made(&error))?;
    if made.maker == device.device {
        let shown = capsules::make(shared, &found.space, &grant, &Dirty::All).await;
        if let Err(error) = shown {
            // Nobody was given its address: what is left of it is a row that shows nothing.
            let _ = shared.api.revoke_link(space, grant.link).await;
            return Err(match error {
                CapsuleError::Api(error) => not_made(&error),
                error => {
                    Failure::new(FailureKind::Internal, "The link shows nothing").because(error)
                }
            });
        }
    }
    let server = shared.advertised_url.as_ref().unwrap_or(&device.server.url);
    Ok(Reply::Link(LinkMade {
        server: server.clone(),
        identity: IdentityKey(device.server.identity).to_string(),
        maker: made.maker,
        expires_ms,
    }))
}

fn public(text: &str) -> Option<hythe_space::KemPublic> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    // Its form is that of a byte string.
    let mut encoded = Vec::with_capacity(bytes.len() + 3);
    minicbor::Encoder::new(&mut encoded).bytes(&bytes).ok()?;
    minicbor::decode(&encoded).ok()
}

fn signer(text: &str) -> Option<hythe_space::PublicKey> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    Some(hythe_space::PublicKey(bytes.try_into().ok()?))
}

fn not_made(error: &ApiError) -> Failure {
    match error {
        ApiError::Refused(problem) => {
            let message = "The server does not give out this link";
            Failure::new(FailureKind::Refused, message).because(problem)
        }
        error => unreachable(error),
    }
}

/// A link of the list, and what its device granted.
struct Listed {
    view: LinkView,
    grant: LinkGrant,
}

impl Listed {
    fn of(view: LinkView) -> Option<Self> {
        let bytes = HEXLOWER.decode(view.grant.as_bytes()).ok()?;
        let signed = SignedGrant::decode(&bytes).ok()?;
        // What the server tells is what the device signed.
        let grant = signed.by(view.device).ok()?.clone();
        (grant.link == view.link).then_some(Self { view, grant })
    }

    fn state(&self) -> LinkState {
        let (grant, now_ms) = (&self.grant, now_ms());
        if self.view.revoked_ms.is_some() {
            LinkState::Revoked
        } else if grant.expires_ms.is_some_and(|at| at <= now_ms) {
            LinkState::Expired
        } else if grant
            .downloads
            .is_some_and(|limit| limit <= self.view.downloads)
        {
            LinkState::UsedUp
        } else {
            LinkState::Open
        }
    }
}

/// What this device has given out links to in a space, as far as they still open.
///
/// # Errors
/// What the server says.
pub async fn granted(shared: &Shared, space: &Space) -> Result<Vec<LinkGrant>, ApiError> {
    let views = shared.api.links(space.id).await?.links.into_iter();
    let own = views.filter(|view| view.device == shared.device.device);
    let open = own.filter_map(Listed::of).filter(|one| {
        one.grant.space == space.id && matches!(one.state(), LinkState::Open | LinkState::UsedUp)
    });
    Ok(open.map(|one| one.grant).collect())
}

/// The links of a space that this account may end.
async fn listed(door: &Door, space: &Space) -> Result<Vec<Listed>, Failure> {
    let links = door.shared.api.links(space.id).await;
    let links = links.map_err(|error| not_made(&error))?.links;
    let own = links.into_iter().filter_map(Listed::of);
    Ok(own.filter(|one| one.grant.space == space.id).collect())
}

async fn list(door: &Door, place: &Place, uses: bool) -> Result<Reply, Failure> {
    let found = direct::existing(door, place).await?;
    let (space, top) = (&found.space, found.id().unwrap_or(NodeId::ROOT));
    let mut infos = Vec::new();
    for one in listed(door, space).await? {
        if is_below(door, space, one.grant.node, top)? {
            infos.push(info(door, space, one, uses).await?);
        }
    }
    Ok(Reply::Links(infos))
}

/// Whether a node is another one, or below it. Of what is not there any more the root is above.
fn is_below(door: &Door, space: &Space, node: NodeId, top: NodeId) -> Result<bool, Failure> {
    let mut at = node;
    while at != top && at != NodeId::ROOT {
        let row = door
            .shared
            .state
            .read(|rows| rows.remote_node(space.number, at))?;
        at = row.map_or(NodeId::ROOT, |row| row.parent);
    }
    Ok(at == top)
}

async fn info(
    door: &Door,
    space: &Arc<Space>,
    one: Listed,
    uses: bool,
) -> Result<LinkInfo, Failure> {
    let mut told = Vec::new();
    if uses {
        let answer = door.shared.api.link_uses(space.id, one.view.link).await;
        for used in answer.map_err(|error| not_made(&error))?.uses {
            let file = match used.node {
                Some(node) => path(door, space, node)?.or(Some(id_octets(node))),
                None => None,
            };
            told.push(LinkUse {
                at_ms: used.at_ms,
                action: match used.action {
                    wire::LinkAction::Looked => LinkAction::Looked,
                    wire::LinkAction::Opened => LinkAction::Opened,
                    wire::LinkAction::Put => LinkAction::Put,
                },
                file,
                network: used.network,
            });
        }
    }
    let by = match one.view.account {
        own if own == door.shared.device.account => door.shared.account_name(),
        other => other.to_string(),
    };
    Ok(LinkInfo {
        link: one.view.link,
        place: path(door, space, one.grant.node)?,
        by,
        kind: match one.grant.kind {
            LinkKind::View => LinkFor::View,
            LinkKind::Download => LinkFor::Download,
            LinkKind::Upload => LinkFor::Upload,
        },
        password: one.grant.password,
        created_ms: one.grant.time_ms,
        expires_ms: one.grant.expires_ms,
        downloads: one.view.downloads,
        limit: one.grant.downloads,
        state: one.state(),
        waiting: one.view.waiting,
        refused: one.view.refused,
        uses: told,
    })
}

fn id_octets(node: NodeId) -> Octets {
    Octets(node.to_string().into_bytes())
}

fn path(door: &Door, space: &Space, node: NodeId) -> Result<Option<Octets>, Failure> {
    let path = door
        .shared
        .state
        .read(|rows| rows.remote_path(space.number, node))?;
    Ok(path.map(|path| Octets(direct::shown(space, &path).into_bytes())))
}

async fn revoke(door: &Door, place: &Place, link: Option<&str>) -> Result<Reply, Failure> {
    let found = direct::existing(door, place).await?;
    let (space, node) = (&found.space, found.id());
    let named = |one: &Listed| match link {
        Some(digits) => {
            digits.len() >= FEWEST_DIGITS && one.view.link.to_string().starts_with(digits)
        }
        None => Some(one.grant.node) == node,
    };
    let links = listed(door, space).await?.into_iter();
    let open = links.filter(|one| one.view.revoked_ms.is_none() && named(one));
    let mut count = 0;
    for one in open {
        let ended = door.shared.api.revoke_link(space.id, one.view.link).await;
        ended.map_err(|error| not_made(&error))?;
        count += 1;
    }
    if count == 0 {
        let message = "There is no such link";
        return Err(Failure::new(FailureKind::NotFound, message)
            .next("`hythe link list` shows those there are."));
    }
    Ok(Reply::Count(count))
}
