//! The web app: static files that are part of the program.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::Failure;
use super::layers::{no_method, no_route};
use hythe_wire::Code;

/// What `scripts/build-web` made; nothing where the program was built without it.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Built;

/// The page that every address of the app begins with.
const PAGE: &str = "index.html";

/// What is named after its own content, and so never changes.
const HASHED: &str = "assets/";

/// R23. WebAssembly is for OPAQUE and for sealed spaces; frames show documents, in a sandbox.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; \
     worker-src 'self'; manifest-src 'self'; frame-src 'self' blob:; frame-ancestors 'none'; \
     base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'",
);

/// Answers what no route of the API takes: a file of the app, or its page for an address inside it.
pub(crate) async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return no_route().await.into_response();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return no_method().await.into_response();
    }
    let asked = request.headers();
    if let Some(answer) = file(path, asked) {
        return answer;
    }
    let is_page = path.is_empty() || (is_address(path) && takes_page(asked));
    if !is_page {
        return no_route().await.into_response();
    }
    file(PAGE, asked).unwrap_or_else(|| {
        let why = "this program was built without the web app: scripts/build-web makes it";
        Failure::detail(Code::NotFound, why).into_response()
    })
}

/// Whether a path may be an address inside the app: its files have a dot in their names.
fn is_address(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|end| !end.contains('.'))
}

/// Whether it is a browser that goes to an address, and no program that asks for what is not there.
fn takes_page(asked: &HeaderMap) -> bool {
    let said = asked
        .get(header::ACCEPT)
        .and_then(|said| said.to_str().ok());
    said.is_some_and(|said| said.contains("text/html"))
}

fn file(path: &str, asked: &HeaderMap) -> Option<Response> {
    let found = Built::get(path).filter(|_| !path.ends_with(".br"))?;
    let packed = takes_brotli(asked).then(|| Built::get(&format!("{path}.br")));
    let (sent, encoding) = match packed.flatten() {
        Some(packed) => (packed, Some("br")),
        None => (found, None),
    };
    let mut said = headers(path, &sent)?;
    if let Some(encoding) = encoding {
        said.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let known = asked.get(header::IF_NONE_MATCH);
    if known.is_some() && known == said.get(header::ETAG) {
        return Some((axum::http::StatusCode::NOT_MODIFIED, said).into_response());
    }
    Some((said, sent.data.into_owned()).into_response())
}

fn takes_brotli(asked: &HeaderMap) -> bool {
    let said = asked.get(header::ACCEPT_ENCODING);
    let said = said.and_then(|said| said.to_str().ok()).unwrap_or("");
    said.split(',').any(|one| one.trim() == "br")
}

fn headers(path: &str, sent: &EmbeddedFile) -> Option<HeaderMap> {
    let hash = data_encoding::HEXLOWER.encode(&sent.metadata.sha256_hash()[..16]);
    let cached = match path.starts_with(HASHED) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let tag = HeaderValue::from_str(&format!("\"{hash}\"")).ok()?;
    Some(HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static(media(path))),
        (header::CACHE_CONTROL, HeaderValue::from_static(cached)),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::ETAG, tag),
    ]))
}

fn media(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("wasm") => "application/wasm",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
