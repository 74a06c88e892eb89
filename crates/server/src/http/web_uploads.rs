//! Files that the pages of the web app send into open spaces.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use hythe_model::{EntryName, SpaceId, UploadId};
use hythe_wire::web::{WebNewFile, WebOnTakenFile, WebSent, WebUpload};
use hythe_wire::{Code, headers, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{Asked, IdText, Ids, JsonBody, PartBody};
use super::openapi::Octets;
use super::web_files::{read_name, step};
use crate::auth::Caller;
use crate::files::{Edited, NewFile, UploadState};

type Place = Ids<(IdText<SpaceId>, IdText<UploadId>)>;

/// A file of at most 8 MiB, at once.
#[utoipa::path(
    post, path = routes::WEB_FILES, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("parent" = String, Query, description = "Id of the directory"),
        ("name" = String, Query, description = "Its name"),
        ("modifiedMs" = i64, Query, description = "When it was last modified"),
        ("onTaken" = Option<WebOnTakenFile>, Query, description = "What where the name is taken")
    ),
    request_body(content = Octets, content_type = "application/octet-stream"),
    responses((status = 200, body = WebSent))
)]
pub(crate) async fn file(
    State(app): State<Shared>,
    caller: Caller,
    Ids(space): Ids<IdText<SpaceId>>,
    Asked(file): Asked<WebNewFile>,
    body: PartBody,
) -> Result<Json<WebSent>, Failure> {
    let file = WebNewFile {
        size: body.bytes.len() as u64,
        ..file
    };
    let file = new_file(file)?;
    let made = app
        .files
        .put_file(&caller.principal, space.0, file, body.bytes.clone());
    sent(made.await?)
}

/// Begins a file that is sent in parts.
#[utoipa::path(
    post, path = routes::WEB_UPLOADS, tag = "web", security(("device" = []), ("session" = [])),
    params(("space" = String, Path, description = "Id of the space")),
    request_body = WebNewFile, responses((status = 200, body = WebUpload))
)]
pub(crate) async fn begin(
    State(app): State<Shared>,
    caller: Caller,
    Ids(space): Ids<IdText<SpaceId>>,
    JsonBody(file): JsonBody<WebNewFile>,
) -> Result<Json<WebUpload>, Failure> {
    let file = new_file(file)?;
    let begun = app.files.begin_upload(&caller.principal, space.0, file);
    Ok(state(begun.await?))
}

/// How far a file is.
#[utoipa::path(
    get, path = routes::WEB_UPLOAD, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("upload" = String, Path, description = "Id of the upload")
    ),
    responses((status = 200, body = WebUpload))
)]
pub(crate) async fn look(
    State(app): State<Shared>,
    caller: Caller,
    Ids((space, upload)): Place,
) -> Result<Json<WebUpload>, Failure> {
    let found = app.files.upload_state(&caller.principal, space.0, upload.0);
    Ok(state(found.await?))
}

/// A part of a file. Acknowledged is durable.
#[utoipa::path(
    patch, path = routes::WEB_UPLOAD, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("upload" = String, Path, description = "Id of the upload"),
        ("upload-offset" = u64, Header, description = "Where in the file the part begins")
    ),
    request_body(content = Octets, content_type = "application/octet-stream"),
    responses((status = 200, body = WebUpload))
)]
pub(crate) async fn part(
    State(app): State<Shared>,
    caller: Caller,
    Ids((space, upload)): Place,
    asked: HeaderMap,
    body: PartBody,
) -> Result<Json<WebUpload>, Failure> {
    let offset = asked.get(headers::UPLOAD_OFFSET);
    let offset = offset.and_then(|value| value.to_str().ok()?.parse().ok());
    let offset = offset.ok_or_else(|| {
        Failure::detail(Code::Malformed, "upload-offset says where the part begins")
    })?;
    let place = (space.0, upload.0);
    let stored = app
        .files
        .put_part(&caller.principal, place, offset, body.bytes.clone());
    Ok(state(stored.await?))
}

/// Gives a file up.
#[utoipa::path(
    delete, path = routes::WEB_UPLOAD, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("upload" = String, Path, description = "Id of the upload")
    ),
    responses((status = 204, description = "Given up"))
)]
pub(crate) async fn give_up(
    State(app): State<Shared>,
    caller: Caller,
    Ids((space, upload)): Place,
) -> Result<StatusCode, Failure> {
    let dropped = app.files.drop_upload(&caller.principal, space.0, upload.0);
    dropped.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes what was sent in parts a file.
#[utoipa::path(
    post, path = routes::WEB_UPLOAD_FINISH, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("upload" = String, Path, description = "Id of the upload")
    ),
    responses((status = 200, body = WebSent))
)]
pub(crate) async fn finish(
    State(app): State<Shared>,
    caller: Caller,
    Ids((space, upload)): Place,
) -> Result<Json<WebSent>, Failure> {
    let made = app
        .files
        .finish_upload(&caller.principal, space.0, upload.0);
    sent(made.await?)
}

fn new_file(file: WebNewFile) -> Result<NewFile, Failure> {
    let name: EntryName = read_name(file.name)?;
    Ok(NewFile {
        parent: file.parent,
        name,
        size: file.size,
        modified_ms: file.modified_ms,
        replaces: file.on_taken == WebOnTakenFile::Replace,
    })
}

fn state(state: UploadState) -> Json<WebUpload> {
    Json(WebUpload {
        upload: state.upload,
        offset: state.offset,
        size: state.size,
    })
}

fn sent(edited: Edited) -> Result<Json<WebSent>, Failure> {
    let made = edited.nodes.into_iter().next();
    let made = made.ok_or_else(|| Failure::new(Code::Internal))?;
    let made = step(made);
    Ok(Json(WebSent {
        id: made.id,
        name: made.name,
        cursor: edited.cursor.0,
    }))
}
