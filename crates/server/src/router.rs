//! Every route, in reading order.

use std::sync::Arc;

use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::app::Shared;
use crate::http::{
    account_log, accounts, admin, app_passwords, approvals, changes, checkpoint, chunks, deletion,
    devices, events, farewell, health, history, inbox, joining, layers, link, links, login,
    members, openapi, passkeys, profile, server, sightings, snapshot, spaces, web_app, web_archive,
    web_content, web_files, web_past, web_search, web_session, web_uploads,
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
        .routes(routes!(profile::read, profile::edit))
        .routes(routes!(profile::begin_totp))
        .routes(routes!(profile::confirm_totp))
        .routes(routes!(profile::remove_totp))
        .routes(routes!(deletion::begin))
        .routes(routes!(deletion::cancel))
        .routes(routes!(app_passwords::list, app_passwords::create))
        .routes(routes!(app_passwords::remove))
        .routes(routes!(passkeys::list, passkeys::begin))
        .routes(routes!(passkeys::finish))
        .routes(routes!(passkeys::challenge))
        .routes(routes!(passkeys::remove))
        .routes(routes!(login::begin))
        .routes(routes!(login::finish))
        .routes(routes!(login::recover))
        .routes(routes!(login::password))
        .routes(routes!(approvals::ask))
        .routes(routes!(approvals::poll))
        .routes(routes!(approvals::look))
        .routes(routes!(approvals::grant))
        .routes(routes!(devices::list))
        .routes(routes!(devices::enrol))
        .routes(routes!(devices::describe))
        .routes(routes!(farewell::read))
        .routes(routes!(spaces::list, spaces::create))
        .routes(routes!(members::look_up))
        .routes(routes!(members::list))
        .routes(routes!(members::answer))
        .routes(routes!(joining::terms))
        .routes(routes!(changes::read, changes::commit))
        .routes(routes!(snapshot::read))
        .routes(routes!(checkpoint::read, checkpoint::offer))
        .routes(routes!(sightings::exchange))
        .routes(routes!(chunks::adopt))
        .routes(routes!(chunks::missing))
        .routes(routes!(chunks::read))
        .routes(routes!(chunks::store))
        .routes(routes!(history::node))
        .routes(routes!(history::trash))
        .routes(routes!(links::list, links::create))
        .routes(routes!(links::revoke))
        .routes(routes!(links::uses))
        .routes(routes!(links::capsules))
        .routes(routes!(link::look))
        .routes(routes!(link::list))
        .routes(routes!(link::open))
        .routes(routes!(link::read))
        .routes(routes!(admin::users))
        .routes(routes!(admin::change))
        .routes(routes!(admin::invite))
        .routes(routes!(admin::policy, admin::set_policy))
        .routes(routes!(admin::audit))
        .routes(routes!(link::store))
        .routes(routes!(link::put))
        .routes(routes!(inbox::list, inbox::put))
        .routes(routes!(inbox::cards, inbox::tell))
        .routes(routes!(inbox::refuse))
        .routes(routes!(events::follow))
        .merge(pages())
}

/// What pages of the web app ask besides.
fn pages() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(web_files::spaces))
        .routes(routes!(web_files::node))
        .routes(routes!(web_files::children))
        .routes(routes!(web_files::edit))
        .routes(routes!(web_content::read))
        .routes(routes!(web_archive::read))
        .routes(routes!(web_past::versions))
        .routes(routes!(web_past::trash))
        .routes(routes!(web_search::search))
        .routes(routes!(web_uploads::file))
        .routes(routes!(web_uploads::begin))
        .routes(routes!(
            web_uploads::look,
            web_uploads::part,
            web_uploads::give_up
        ))
        .routes(routes!(web_uploads::finish))
        .routes(routes!(
            web_session::look,
            web_session::open,
            web_session::end
        ))
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
        .fallback(web_app::serve)
        .method_not_allowed_fallback(layers::no_method)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&app),
            layers::admit,
        ))
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(middleware::from_fn(layers::observe))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Body;
    use axum::routing::get;
    use futures::{StreamExt, stream};
    use hythe_wire::{Code, Problem};
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::config::ServerConfig;
    use crate::files::Files;
    use crate::http::accept::accept;
    use crate::http::connection::Connections;
    use crate::tls::Identity;

    /// Routes that fail in ways no route of ours may.
    fn broken() -> Router<Shared> {
        let in_body = || async {
            let pieces = stream::iter(0..2).map(|piece| -> Result<&str, std::io::Error> {
                assert_eq!(piece, 0, "a body panics");
                Ok("begun")
            });
            Body::from_stream(pieces)
        };
        Router::new()
            .route("/panic", get(handler))
            .route("/body", get(in_body))
            .route("/good", get(|| async { "good" }))
    }

    async fn handler() -> &'static str {
        panic!("a handler panics: {}", "secret")
    }

    async fn serve(routes: Router<Shared>, data: &std::path::Path) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = ServerConfig::new(data.to_owned(), address);
        let files = Files::open(crate::serve::store_options(&config))
            .await
            .unwrap();
        let identity = Arc::new(Identity::from_seed(&files.identity_seed()));
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let public = "http://127.0.0.1/".parse().unwrap();
        let app = crate::serve::app(&config, files, (identity, public), None, &stop, &tasks);
        let limits = config.limits.connections;
        let connections = Connections {
            router: wrap(routes, app),
            tls: None,
            limits,
            stop,
        };
        tokio::spawn(accept(
            listener,
            Arc::new(connections),
            tasks,
            CancellationToken::new(),
        ));
        address
    }

    #[tokio::test]
    async fn r31_a_panic_costs_one_request() {
        let data = tempfile::tempdir().unwrap();
        let address = serve(broken(), data.path()).await;
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_backend_preconfigured(tls);
        let client = client.build().unwrap();
        let get = |path: &str| client.get(format!("http://{address}{path}")).send();
        for _ in 0..3 {
            let answer = get("/panic").await.unwrap();
            assert_eq!(answer.headers()["cache-control"], "private, no-store");
            let text = answer.text().await.unwrap();
            let problem: Problem = serde_json::from_str(&text).unwrap();
            assert_eq!((problem.code, problem.status), (Code::Internal, 500));
            assert!(
                problem.instance.is_some() && !text.contains("secret"),
                "{text}"
            );

            let broken_off = match get("/body").await {
                Ok(answer) => answer.text().await.is_err(),
                Err(_) => true,
            };
            assert!(broken_off);
            assert_eq!(get("/good").await.unwrap().text().await.unwrap(), "good");
        }
    }
}
