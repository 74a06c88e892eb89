//! The OpenAPI document, made from the handlers.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

use hythe_wire::{Problem, headers, routes};

/// Bytes that are no JSON: CBOR as told in `docs/format/wire.md`, or a pack.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "only its schema is used")]
pub(crate) struct Octets(Vec<u8>);

/// What the document holds besides the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Hythe",
        description = "The API of a Hythe server. CBOR messages are told field by field in docs/format/wire.md.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(Problem)),
    modifiers(&Schemes),
    tags(
        (name = "health", description = "Whether the server lives"),
        (name = "server", description = "What server this is"),
        (name = "accounts", description = "Accounts and their logs"),
        (name = "login", description = "Passwords and recovery codes"),
        (name = "devices", description = "Devices of an account"),
        (name = "spaces", description = "Spaces of an account"),
        (name = "log", description = "Change sets of a space"),
        (name = "chunks", description = "Content of a space"),
        (name = "history", description = "What was"),
        (name = "links", description = "Nodes for whoever has a link"),
        (name = "inbox", description = "Files by members that may only put"),
        (name = "admin", description = "For accounts that may administer the server"),
        (name = "web", description = "For the pages of the web app"),
        (name = "events", description = "What happens")
    )
)]
struct Base;

/// The ways to show a token.
struct Schemes;

impl Modify for Schemes {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let app = SecurityScheme::Http(Http::new(HttpAuthScheme::Basic));
        components.add_security_scheme("app-password", app);
        let device = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("device", device);
        let session = ApiKeyValue::with_description(
            headers::COOKIE,
            "The cookie of a browser's session, along with the header `Hythe-Web`",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
        let others = [
            ("invite", headers::INVITE),
            ("one-time", headers::ONE_TIME),
            ("link", headers::LINK),
        ];
        for (name, scheme) in others {
            let text = format!("`{scheme}`, a space, and the token in hexadecimal");
            let value = ApiKeyValue::with_description("Authorization", text.as_str());
            components.add_security_scheme(name, SecurityScheme::ApiKey(ApiKey::Header(value)));
        }
    }
}

/// The document without routes.
pub(crate) fn base() -> OpenApi {
    let mut document = Base::openapi();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document
}

/// Adds to every operation that a problem may answer it.
pub(crate) fn finish(document: &mut OpenApi) {
    let schema = RefOr::Ref(Ref::from_schema_name("Problem"));
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let problem = ResponseBuilder::new()
        .description("What went wrong (RFC 9457)")
        .content(headers::PROBLEM, content)
        .build();
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            let default = RefOr::T(problem.clone());
            operation
                .responses
                .responses
                .insert("default".to_owned(), default);
        }
    }
}

/// The document as JSON. It never changes while the process lives.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    // Strings and maps always have a JSON form.
    serde_json::to_vec_pretty(&crate::router::document())
        .unwrap_or_default()
        .into()
});

/// This document.
#[utoipa::path(
    get, path = routes::OPENAPI, tag = "server", security(()),
    responses((status = 200, content_type = "application/json", description = "OpenAPI 3.1"))
)]
pub(crate) async fn read() -> Response {
    let json = HeaderValue::from_static(headers::JSON);
    ([(header::CONTENT_TYPE, json)], DOCUMENT.clone()).into_response()
}
