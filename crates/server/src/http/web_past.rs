//! What was, for the pages of the web app: older versions, and the trash.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use hythe_model::{Cursor, NodeId, SpaceId};
use hythe_wire::web::{WebAuthor, WebThrough, WebTrash, WebTrashed, WebVersion, WebVersions};
use hythe_wire::{Code, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{Asked, IdText, Ids};
use super::web_files::{entry, text};
use crate::auth::Caller;
use crate::files::{Author, PastVersion, Principal, Through, TrashPlace, Trashed};

/// The versions of a file of an open space.
#[utoipa::path(
    get, path = routes::WEB_VERSIONS, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("node" = String, Path, description = "Id of the file")
    ),
    responses((status = 200, body = WebVersions))
)]
pub(crate) async fn versions(
    State(app): State<Shared>,
    caller: Caller,
    Ids((space, node)): Ids<(IdText<SpaceId>, IdText<NodeId>)>,
) -> Result<Json<WebVersions>, Failure> {
    let found = app.files.plain_versions(&caller.principal, space.0, node.0);
    let versions = found.await?.into_iter();
    let versions = versions
        .map(|one| version(&caller.principal, one))
        .collect();
    Ok(Json(WebVersions { versions }))
}

/// Where a page of the trash begins.
#[derive(Deserialize)]
pub(crate) struct From {
    #[serde(default)]
    after: Option<String>,
}

/// What was deleted in an open space.
#[utoipa::path(
    get, path = routes::WEB_TRASH, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("after" = Option<String>, Query, description = "What the page before said is next")
    ),
    responses((status = 200, body = WebTrash))
)]
pub(crate) async fn trash(
    State(app): State<Shared>,
    caller: Caller,
    Ids(space): Ids<IdText<SpaceId>>,
    Asked(from): Asked<From>,
) -> Result<Json<WebTrash>, Failure> {
    let wrong = || Failure::detail(Code::Malformed, "no page of the trash begins there");
    let after = from.after.map(|text| place(&text).ok_or_else(wrong));
    let page = app
        .files
        .plain_trash(&caller.principal, space.0, after.transpose()?);
    let (found, next) = page.await?;
    let items = found.into_iter().map(|one| trashed(&caller.principal, one));
    Ok(Json(WebTrash {
        items: items.collect(),
        next: next.map(|place| format!("{}-{}", place.cursor, place.node)),
    }))
}

fn place(text: &str) -> Option<TrashPlace> {
    let (cursor, node) = text.split_once('-')?;
    Some(TrashPlace {
        cursor: Cursor(cursor.parse().ok()?),
        node: node.parse().ok()?,
    })
}

fn version(asker: &Principal, past: PastVersion) -> WebVersion {
    WebVersion {
        version: past.version,
        size: past.size,
        time_ms: past.time_ms,
        by: author(asker, past.by),
        through: past.through.map(|through| match through {
            Through::Link => WebThrough::Link,
            Through::Server => WebThrough::Server,
            Through::Inbox => WebThrough::Inbox,
        }),
    }
}

fn trashed(asker: &Principal, found: Trashed) -> WebTrashed {
    WebTrashed {
        entry: entry(found.entry),
        path: found.path.iter().map(|name| text(name).0).collect(),
        deleted_ms: found.deleted_ms,
        by: author(asker, found.by),
    }
}

fn author(asker: &Principal, author: Author) -> WebAuthor {
    WebAuthor {
        you: author.account == Some(asker.account()),
        name: author.login,
        device: author.device_name,
    }
}
