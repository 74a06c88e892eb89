//! What server this is, and the proof of it.

use axum::extract::State;
use axum::{Extension, Json};

use hythe_wire::server::{IdentityProof, ServerInfo};
use hythe_wire::{Code, routes};

use super::app::Shared;
use super::connection::Peer;
use super::error::Failure;

/// What server this is.
#[utoipa::path(
    get, path = routes::SERVER, tag = "server", security(()),
    responses((status = 200, body = ServerInfo))
)]
pub(crate) async fn info(State(app): State<Shared>) -> Json<ServerInfo> {
    Json(ServerInfo {
        name: "hythe".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: app.files.epoch(),
        identity: app.identity.public(),
        account: app.files.account(),
        // What cannot be read now is not said; the rest needs no database.
        registration: app.files.policy().await.ok(),
    })
}

/// The identity key vouches for the connection of this very request.
#[utoipa::path(
    get, path = routes::IDENTITY, tag = "server", security(()),
    responses((status = 200, body = IdentityProof))
)]
pub(crate) async fn identity(
    State(app): State<Shared>,
    Extension(peer): Extension<Peer>,
) -> Result<Json<IdentityProof>, Failure> {
    let Some(exported) = peer.exported else {
        return Err(Failure::detail(
            Code::NotFound,
            "this connection is not TLS 1.3",
        ));
    };
    let signature = app.identity.sign_connection(&exported);
    Ok(Json(IdentityProof {
        identity: app.identity.public(),
        signature: data_encoding::HEXLOWER.encode(&signature),
    }))
}
