//! `/healthz`, `/readyz`.

use axum::Json;
use axum::extract::State;

use hythe_wire::server::Health;
use hythe_wire::{Code, routes};

use super::app::Shared;
use super::error::Failure;

/// Whether the process answers.
#[utoipa::path(
    get, path = routes::HEALTHZ, tag = "health", security(()),
    responses((status = 200, body = Health))
)]
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health {
        status: "ok".to_owned(),
    })
}

/// Whether database and blobs answer.
#[utoipa::path(
    get, path = routes::READYZ, tag = "health", security(()),
    responses((status = 200, body = Health))
)]
pub(crate) async fn readyz(State(app): State<Shared>) -> Result<Json<Health>, Failure> {
    if app.stop.is_cancelled() {
        return Err(Failure::detail(Code::Unavailable, "the server stops"));
    }
    app.files.ready().await?;
    Ok(Json(Health {
        status: "ok".to_owned(),
    }))
}
