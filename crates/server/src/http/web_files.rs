//! Open spaces for the pages of the web app: JSON, and content as it is.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use data_encoding::BASE64URL_NOPAD;
use futures::{Stream, StreamExt, stream};

use hythe_model::{EntryName, NodeId, NodeKind, SpaceId, Timestamp};
use hythe_wire::web::{
    MAX_WEB_EDITS, SpaceKind, WebEdit, WebEdited, WebEdits, WebEnd, WebEntry, WebKind, WebNode,
    WebOnTaken, WebSpace, WebSpaces, WebStep,
};
use hythe_wire::{Code, headers, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{IdText, Ids, JsonBody};
use super::stream::guarded;
use crate::auth::Caller;
use crate::files::{Edit, Entry, EntryBody, FilesError, NamedSpace, OnTaken};

/// The spaces of the caller's account.
#[utoipa::path(
    get, path = routes::WEB_SPACES, tag = "web", security(("device" = []), ("session" = [])),
    responses((status = 200, body = WebSpaces))
)]
pub(crate) async fn spaces(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<WebSpaces>, Failure> {
    let spaces = app.files.plain_spaces(&caller.principal).await?;
    let spaces = spaces.into_iter().map(space).collect();
    Ok(Json(WebSpaces { spaces }))
}

/// A node of an open space, and the way to it.
#[utoipa::path(
    get, path = routes::WEB_NODE, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("node" = String, Path, description = "Id of the node")
    ),
    responses((status = 200, body = WebNode))
)]
pub(crate) async fn node(
    State(app): State<Shared>,
    caller: Caller,
    Ids((space, node)): Ids<(IdText<SpaceId>, IdText<NodeId>)>,
) -> Result<Json<WebNode>, Failure> {
    let page = app.files.plain_node(&caller.principal, space.0, node.0);
    let page = page.await?;
    Ok(Json(WebNode {
        node: page.entry.map(entry),
        path: page.path.into_iter().map(step).collect(),
    }))
}

/// What a directory of an open space holds: a line each, in no order, and a line that ends it.
#[utoipa::path(
    get, path = routes::WEB_CHILDREN, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("node" = String, Path, description = "Id of the directory")
    ),
    responses((
        status = 200, description = "Lines of WebEntry, then one WebEnd",
        content_type = "application/x-ndjson", body = WebEntry
    ))
)]
pub(crate) async fn children(
    State(app): State<Shared>,
    caller: Caller,
    Ids((space, node)): Ids<(IdText<SpaceId>, IdText<NodeId>)>,
) -> Result<Response, Failure> {
    let listing = app.files.plain_children(&caller.principal, space.0, node.0);
    let listing = listing.await?;
    let lines = lines(listing.pages, listing.cursor.0, entry);
    streamed(&app, caller.within(space.0), lines)
}

/// Changes in an open space: all of them, or none.
#[utoipa::path(
    post, path = routes::WEB_EDITS, tag = "web", security(("device" = []), ("session" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body = WebEdits, responses((status = 200, body = WebEdited))
)]
pub(crate) async fn edit(
    State(app): State<Shared>,
    caller: Caller,
    Ids(space): Ids<IdText<SpaceId>>,
    JsonBody(request): JsonBody<WebEdits>,
) -> Result<Json<WebEdited>, Failure> {
    if request.edits.len() > MAX_WEB_EDITS {
        return Err(Failure::detail(
            Code::Invalid,
            format!("at most {MAX_WEB_EDITS} edits are made at once"),
        ));
    }
    let edits = request.edits.into_iter().map(read_edit);
    let edits = edits.collect::<Result<Vec<_>, _>>()?;
    let edited = app.files.plain_edit(&caller.principal, space.0, edits);
    let edited = edited.await?;
    Ok(Json(WebEdited {
        cursor: edited.cursor.0,
        results: edited.nodes.into_iter().map(step).collect(),
    }))
}

fn space(named: NamedSpace) -> WebSpace {
    let view = named.view;
    WebSpace {
        id: view.id,
        name: named.name,
        kind: match view.open {
            true => SpaceKind::Open,
            false => SpaceKind::Sealed,
        },
        role: view.role,
        personal: view.personal,
        root: NodeId::ROOT,
        invited: view.invitation.is_some(),
        members: named.members,
        used_bytes: view.usage.map_or(0, |usage| usage.used_bytes),
    }
}

pub(super) fn step((id, name): (NodeId, EntryName)) -> WebStep {
    let name = text(&name).0;
    WebStep { id, name }
}

/// A name as text, and its bytes in base64url where it is none.
pub(super) fn text(name: &EntryName) -> (String, Option<String>) {
    match name.as_str() {
        Some(text) => (text.to_owned(), None),
        None => (
            String::from_utf8_lossy(name.as_bytes()).into_owned(),
            Some(BASE64URL_NOPAD.encode(name.as_bytes())),
        ),
    }
}

pub(super) fn entry(entry: Entry) -> WebEntry {
    let (name, raw) = text(&entry.name);
    let is_file = entry.kind == NodeKind::File;
    let (size, version, target) = match entry.body {
        Some(EntryBody::File { size, version }) => (Some(size), Some(version.to_string()), None),
        Some(EntryBody::Link(target)) => {
            let target = String::from_utf8_lossy(&target).into_owned();
            (None, None, Some(target))
        }
        Some(EntryBody::Space(space)) => (None, None, Some(space.to_string())),
        None => (None, None, None),
    };
    WebEntry {
        id: entry.node,
        kind: match entry.kind {
            NodeKind::File => WebKind::File,
            NodeKind::Directory => WebKind::Directory,
            NodeKind::Symlink => WebKind::Symlink,
            NodeKind::Attachment => WebKind::Attachment,
        },
        name,
        raw,
        size,
        modified_ms: is_file.then(|| milliseconds(entry.modified)),
        version,
        executable: is_file && entry.executable,
        target,
    }
}

fn milliseconds(time: Timestamp) -> i64 {
    let whole = time.seconds.saturating_mul(1000);
    whole.saturating_add(i64::from(time.nanos / 1_000_000))
}

fn read_edit(edit: WebEdit) -> Result<Edit, Failure> {
    Ok(match edit {
        WebEdit::MakeDirectory {
            parent,
            name,
            on_taken,
        } => Edit::MakeDirectory {
            parent,
            name: read_name(name)?,
            taken: on_taken_of(on_taken),
        },
        WebEdit::Move {
            node,
            parent,
            name,
            on_taken,
        } => Edit::Move {
            node,
            parent,
            name: read_name(name)?,
            taken: on_taken_of(on_taken),
        },
        WebEdit::Copy {
            node,
            parent,
            name,
            on_taken,
        } => Edit::Copy {
            node,
            parent,
            name: read_name(name)?,
            taken: on_taken_of(on_taken),
        },
        WebEdit::Delete { node } => Edit::Delete { node },
        WebEdit::Restore { node } => Edit::Restore { node },
        WebEdit::RestoreVersion { node, version } => Edit::RestoreVersion { node, version },
    })
}

fn on_taken_of(said: WebOnTaken) -> OnTaken {
    match said {
        WebOnTaken::Refuse => OnTaken::Refuse,
        WebOnTaken::Number => OnTaken::Number,
    }
}

pub(super) fn read_name(name: String) -> Result<EntryName, Failure> {
    EntryName::new(name).map_err(|error| Failure::detail(Code::Invalid, error.to_string()))
}

/// An answer of lines, which breaks off when the caller loses its rights.
pub(super) fn streamed<S>(app: &Shared, caller: Caller, lines: S) -> Result<Response, Failure>
where
    S: Stream<Item = Result<Bytes, Failure>> + Send + 'static,
{
    let mut answer = guarded(app, caller.guard.clone(), caller, lines)?;
    let media = HeaderValue::from_static(headers::NDJSON);
    answer.headers_mut().insert(header::CONTENT_TYPE, media);
    Ok(answer)
}

/// What streams in pages, a record a line; the last says that it is whole.
pub(super) fn lines<S, T, R>(
    pages: S,
    cursor: u64,
    record: fn(T) -> R,
) -> impl Stream<Item = Result<Bytes, Failure>> + Send
where
    S: Stream<Item = Result<Vec<T>, FilesError>> + Send + 'static,
    T: Send + 'static,
    R: serde::Serialize,
{
    let state = Some((Box::pin(pages), 0));
    stream::try_unfold(state, move |state| async move {
        let Some((mut pages, count)) = state else {
            return Ok(None);
        };
        let mut piece = BytesMut::new();
        let next = match pages.next().await.transpose()? {
            Some(page) => {
                let more = page.len() as u64;
                for one in page {
                    line(&mut piece, &record(one));
                }
                Some((pages, count + more))
            }
            None => {
                let end = true;
                line(&mut piece, &WebEnd { end, cursor, count });
                None
            }
        };
        Ok::<_, Failure>(Some((piece.freeze(), next)))
    })
}

fn line<T: serde::Serialize>(to: &mut BytesMut, record: &T) {
    // Strings and numbers always have a JSON form.
    let _never = serde_json::to_writer(to.writer(), record);
    to.put_u8(b'\n');
}
