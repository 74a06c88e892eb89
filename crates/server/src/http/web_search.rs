//! Looking for names, for the pages of the web app.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use hythe_model::{NodeKind, SpaceId};
use hythe_wire::routes;
use hythe_wire::web::{WebFound, WebKind};

use super::app::Shared;
use super::error::Failure;
use super::message::{Asked, IdText, Ids};
use super::web_files::{entry, lines, streamed, text};
use crate::auth::Caller;
use crate::files::{Found, Search};

/// Longest text that is looked for.
const MAX_TEXT: usize = 256;

/// What is looked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct For {
    #[serde(default)]
    q: String,
    kind: Option<WebKind>,
    min_size: Option<u64>,
    max_size: Option<u64>,
    /// Milliseconds since 1970, as the next.
    after: Option<i64>,
    before: Option<i64>,
}

/// Nodes of an open space whose names hold words: a line each, and a line that ends it.
#[utoipa::path(
    get, path = routes::WEB_SEARCH, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("q" = Option<String>, Query, description = "Words that the name holds, whatever their case"),
        ("kind" = Option<WebKind>, Query, description = "Of this kind only"),
        ("minSize" = Option<u64>, Query, description = "Files of at least so many bytes"),
        ("maxSize" = Option<u64>, Query, description = "Files of at most so many bytes"),
        ("after" = Option<i64>, Query, description = "Files modified since, in milliseconds"),
        ("before" = Option<i64>, Query, description = "Files modified before, in milliseconds")
    ),
    responses((
        status = 200, description = "Lines of WebFound, a thousand at most, then one WebEnd",
        content_type = "application/x-ndjson", body = WebFound
    ))
)]
pub(crate) async fn search(
    State(app): State<Shared>,
    caller: Caller,
    Ids(space): Ids<IdText<SpaceId>>,
    Asked(asked): Asked<For>,
) -> Result<Response, Failure> {
    let found = app
        .files
        .plain_search(&caller.principal, space.0, read(asked));
    let listing = found.await?;
    let lines = lines(listing.pages, listing.cursor.0, shown);
    streamed(&app, caller.within(space.0), lines)
}

fn read(asked: For) -> Search {
    let text: String = asked.q.chars().take(MAX_TEXT).collect();
    let words = text.to_lowercase();
    let words = words.split_whitespace().map(str::to_owned);
    let seconds = |milliseconds: i64| milliseconds.div_euclid(1000);
    Search {
        words: words.collect(),
        kind: asked.kind.map(|kind| match kind {
            WebKind::File => NodeKind::File,
            WebKind::Directory => NodeKind::Directory,
            WebKind::Symlink => NodeKind::Symlink,
            WebKind::Attachment => NodeKind::Attachment,
        }),
        min_size: asked.min_size,
        max_size: asked.max_size,
        after: asked.after.map(seconds),
        before: asked.before.map(seconds),
    }
}

fn shown(found: Found) -> WebFound {
    WebFound {
        entry: entry(found.entry),
        path: found.path.iter().map(|name| text(name).0).collect(),
    }
}
