//! Every route, in reading order.

use std::sync::Arc;

use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::app::Shared;
use crate::http::{
    account_log, accounts, changes, checkpoint, chunks, devices, events, health, history, layers,
    openapi, server, snapshot, spaces,
};

/// The routes and what the document says of them.
fn api() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(openapi::read))
        .routes(routes!(server::info))
        .routes(routes!(server::identity))
        .routes(routes!(accounts::register))
        .routes(routes!(account_log::read, account_log::append))
        .routes(routes!(devices::list))
        .routes(routes!(devices::enrol))
        .routes(routes!(devices::describe))
        .routes(routes!(spaces::list))
        .routes(routes!(changes::read, changes::commit))
        .routes(routes!(snapshot::read))
        .routes(routes!(checkpoint::read, checkpoint::offer))
        .routes(routes!(chunks::missing))
        .routes(routes!(chunks::read))
        .routes(routes!(chunks::store))
        .routes(routes!(history::node))
        .routes(routes!(history::trash))
        .routes(routes!(events::follow))
}

/// The OpenAPI document of the routes.
pub fn document() -> OpenApi {
    let mut document = api().into_openapi();
    openapi::finish(&mut document);
    document
}

/// The service that connections are answered by.
pub(crate) fn router(app: Shared) -> Router {
    let (routes, _) = api().split_for_parts();
    wrap(routes, app)
}

/// Puts around routes what every request goes through.
fn wrap(routes: Router<Shared>, app: Shared) -> Router {
    routes
        .fallback(layers::no_route)
        .method_not_allowed_fallback(layers::no_method)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            layers::admit,
        ))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(middleware::from_fn(layers::observe))
        .with_state(app)
}
