//! Content as it is, for whatever shows or saves it by its address.
//!
//! What people put here is never active where the pages run (R11): only a few types that no browser
//! runs are named, everything else is a download of bytes, and a policy of its own forbids the rest.

use std::ops::Range;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::Deserialize;

use hythe_model::{EntryName, NodeId, SpaceId, VersionId};
use hythe_wire::{Code, routes};

use super::app::Shared;
use super::error::Failure;
use super::message::{Asked, IdText, Ids};
use super::stream::guarded;
use crate::auth::Caller;

/// Nothing in it runs, loads, or is shown inside pages of others.
pub(super) const POLICY: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'self'");

/// Kept by the browser that asked, and asked for again each time: rights may have ended.
const CACHED: HeaderValue = HeaderValue::from_static("private, no-cache");

/// What a browser shows and does not run, by the end of the name.
const SHOWN: [(&str, &str); 21] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("flac", "audio/flac"),
    ("wav", "audio/wav"),
    ("mp4", "video/mp4"),
    ("m4v", "video/mp4"),
    ("webm", "video/webm"),
    ("mov", "video/quicktime"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain; charset=utf-8"),
    ("md", "text/plain; charset=utf-8"),
    ("csv", "text/plain; charset=utf-8"),
];

/// How content is wanted.
#[derive(Deserialize)]
pub(crate) struct How {
    /// To be saved, whatever it is.
    #[serde(default)]
    download: Option<u8>,
    /// An older state of it.
    #[serde(default)]
    version: Option<IdText<VersionId>>,
}

/// The bytes of a file of an open space, or a range of them.
#[utoipa::path(
    get, path = routes::WEB_CONTENT, tag = "web", security(("device" = []), ("session" = [])),
    params(
        ("space" = String, Path, description = "Id of the space"),
        ("node" = String, Path, description = "Id of the file"),
        ("version" = Option<String>, Query, description = "An older version"),
        ("download" = Option<u8>, Query, description = "1: to be saved")
    ),
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream"),
        (status = 206, description = "The range that was asked for"),
        (status = 304, description = "It is what it was"),
        (status = 416, description = "The file ends before the range")
    )
)]
pub(crate) async fn read(
    State(app): State<Shared>,
    caller: Caller,
    Ids((space, node)): Ids<(IdText<SpaceId>, IdText<NodeId>)>,
    Asked(how): Asked<How>,
    asked: HeaderMap,
) -> Result<Response, Failure> {
    let content = app.files.plain_content(
        &caller.principal,
        space.0,
        node.0,
        how.version.map(|id| id.0),
    );
    let content = content.await?;
    let tag = format!("\"{}\"", content.version);
    let mut fixed = headers(&content.name, &tag, how.download == Some(1))?;
    if is_known(&asked, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    let size = content.size;
    let (status, range) = match range(&asked, &tag, size) {
        Wanted::Whole => (StatusCode::OK, 0..size),
        Wanted::Part(range) => {
            let said = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            fixed.insert(header::CONTENT_RANGE, value(&said)?);
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Wanted::Beyond => {
            fixed.insert(header::CONTENT_RANGE, value(&format!("bytes */{size}"))?);
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, fixed).into_response());
        }
    };
    fixed.insert(
        header::CONTENT_LENGTH,
        HeaderValue::from(range.end - range.start),
    );
    let pieces = content
        .stream(range)
        .map(|piece| piece.map_err(Failure::from));
    let caller = caller.within(space.0);
    let mut answer = guarded(&app, caller.guard.clone(), caller, pieces)?;
    *answer.status_mut() = status;
    answer.headers_mut().extend(fixed);
    Ok(answer)
}

/// What is said of a file, whichever part of it is sent.
fn headers(name: &EntryName, tag: &str, save: bool) -> Result<HeaderMap, Failure> {
    let media = media(name);
    let disposition = disposition(name.as_bytes(), save || media.is_none());
    let media = media.unwrap_or("application/octet-stream");
    let all: [(HeaderName, HeaderValue); 6] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CONTENT_DISPOSITION, value(&disposition)?),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, CACHED),
        (header::ETAG, value(tag)?),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
    ];
    Ok(HeaderMap::from_iter(all))
}

pub(super) fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text).map_err(|_| Failure::new(Code::Internal))
}

fn media(name: &EntryName) -> Option<&'static str> {
    let (_, end) = name.as_str()?.rsplit_once('.')?;
    let of = |(known, _): &&(&str, &str)| known.eq_ignore_ascii_case(end);
    SHOWN.iter().find(of).map(|(_, media)| *media)
}

/// RFC 6266: the name in the encoding of RFC 8187, which holds no quote, no line end and no `;`.
pub(super) fn disposition(name: &[u8], save: bool) -> String {
    let how = if save { "attachment" } else { "inline" };
    let mut text = format!("{how}; filename*=UTF-8''");
    let name = String::from_utf8_lossy(name);
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                text.push(char::from(byte));
            }
            byte => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Whether the browser has this very version.
fn is_known(asked: &HeaderMap, tag: &str) -> bool {
    let known = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok());
    known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag))
}

/// What of a file is wanted.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part(Range<u64>),
    Beyond,
}

/// RFC 9110, 14: one range is answered; of several, and of what is malformed, the whole file.
fn range(asked: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let text = |name| {
        asked
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let Some(said) = text(header::RANGE) else {
        return Wanted::Whole;
    };
    if text(header::IF_RANGE).is_some_and(|known| known != tag) {
        return Wanted::Whole;
    }
    let Ok(parsed) = http_range_header::parse_range_header(said) else {
        return Wanted::Whole;
    };
    match parsed.validate(size).as_deref() {
        Ok([range]) => Wanted::Part(*range.start()..range.end().saturating_add(1)),
        Ok(_) => Wanted::Whole,
        Err(_) => Wanted::Beyond,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EntryName {
        EntryName::new(text).unwrap()
    }

    #[test]
    fn r12_a_name_is_data_in_a_header() {
        let said = disposition(name("a\"; x=\r\ny \u{202e}é.txt").as_bytes(), true);
        assert_eq!(
            said,
            "attachment; filename*=UTF-8''a%22%3B%20x%3D%0D%0Ay%20%E2%80%AE%C3%A9.txt"
        );
    }

    #[test]
    fn r11_only_what_no_browser_runs_has_a_type() {
        assert_eq!(media(&name("a.JPG")), Some("image/jpeg"));
        for active in [
            "a.svg", "a.html", "a.xhtml", "a.xml", "a.js", "a.htm", "a", "svg",
        ] {
            assert_eq!(media(&name(active)), None, "{active}");
        }
        let fixed = headers(&name("a.svg"), "\"1\"", false).unwrap();
        assert_eq!(fixed[header::CONTENT_TYPE], "application/octet-stream");
        let said = fixed[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert!(said.starts_with("attachment"), "{said}");
        assert!(
            fixed[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .starts_with("sandbox")
        );
    }

    #[test]
    fn one_range_is_answered_and_everything_else_with_the_whole() {
        let asks = |said: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(header::RANGE, HeaderValue::from_str(said).unwrap());
            range(&asked, "\"1\"", 100)
        };
        assert_eq!(asks("bytes=0-9"), Wanted::Part(0..10));
        assert_eq!(asks("bytes=90-"), Wanted::Part(90..100));
        assert_eq!(asks("bytes=90-1000"), Wanted::Part(90..100));
        assert_eq!(asks("bytes=-10"), Wanted::Part(90..100));
        assert_eq!(asks("bytes=100-"), Wanted::Beyond);
        assert_eq!(asks("bytes=0-1,5-6"), Wanted::Whole);
        assert_eq!(asks("lines=0-1"), Wanted::Whole);
        let mut asked = HeaderMap::new();
        asked.insert(header::RANGE, HeaderValue::from_static("bytes=0-9"));
        asked.insert(header::IF_RANGE, HeaderValue::from_static("\"2\""));
        assert_eq!(range(&asked, "\"1\"", 100), Wanted::Whole);
    }
}
