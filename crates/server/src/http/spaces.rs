//! The spaces of an account.

use axum::Json;
use axum::extract::State;

use hythe_wire::routes;
use hythe_wire::space::SpaceList;

use super::app::Shared;
use super::error::Failure;
use crate::auth::Caller;

/// The spaces the caller's account is a member of.
#[utoipa::path(
    get, path = routes::SPACES, tag = "spaces", security(("device" = [])),
    responses((status = 200, body = SpaceList))
)]
pub(crate) async fn list(
    State(app): State<Shared>,
    caller: Caller,
) -> Result<Json<SpaceList>, Failure> {
    let (spaces, usage) = app.files.spaces_with_usage(&caller.principal).await?;
    Ok(Json(SpaceList {
        epoch: app.files.epoch(),
        spaces,
        usage: Some(usage),
    }))
}
