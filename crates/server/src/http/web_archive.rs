//! Several files at once, as an archive that a browser saves.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures::StreamExt;

use hythe_model::{NodeId, SpaceId};
use hythe_wire::{Code, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{IdText, Ids};
use super::openapi::Octets;
use super::stream::guarded;
use super::web_content::{POLICY, disposition, value};
use crate::auth::Caller;

/// Nodes of an open space as a zip archive, directories with all that is below them.
#[utoipa::path(
    get, path = routes::WEB_ZIP, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("node" = Vec<String>, Query, description = "Ids of nodes")
    ),
    responses((
        status = 200, description = "The archive, as long as it goes well",
        content_type = "application/zip", body = Octets
    ))
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Ids(space): Ids<IdText<SpaceId>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let nodes = named(query.as_deref().unwrap_or_default())?;
    let archive = app.files.plain_archive(&caller.principal, space.0, &nodes);
    let (name, pieces) = archive.await?;
    let pieces = pieces.map(|piece| {
        piece.map_err(|error| {
            tracing::warn!(%error, "an archive broke off");
            Failure::new(Code::Internal)
        })
    });
    let caller = caller.within(space.0);
    let mut answer = guarded(&app, caller.guard.clone(), caller, pieces)?;
    let said = disposition(format!("{name}.zip").as_bytes(), true);
    let zip = HeaderValue::from_static("application/zip");
    let all = [
        (header::CONTENT_TYPE, zip),
        (header::CONTENT_DISPOSITION, value(&said)?),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    answer.headers_mut().extend(all);
    Ok(answer)
}

/// The ids that a query names, one `node` each.
fn named(query: &str) -> Result<Vec<NodeId>, Failure> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let named = pairs.filter(|(name, _)| name == "node");
    let malformed = || Failure::detail(Code::Malformed, "an id in the query is malformed");
    named
        .map(|(_, id)| id.parse().map_err(|_| malformed()))
        .collect()
}
