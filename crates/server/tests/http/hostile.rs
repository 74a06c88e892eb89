//! Requests that mean no good.

use hythe_wire::limits::{MAX_JSON_BYTES, MAX_PACK_BYTES};
use hythe_wire::{Code, headers, routes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::person::{Person, join};
use crate::world::{PATIENCE, World, problem};

async fn refused(request: reqwest::RequestBuilder) -> Code {
    problem(request.send().await.unwrap()).await.code
}

fn cbor(request: reqwest::RequestBuilder, bytes: Vec<u8>) -> reqwest::RequestBuilder {
    request.header("content-type", headers::CBOR).body(bytes)
}

#[tokio::test]
async fn paths_methods_ids_and_media_types_that_are_none() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    for path in [
        "/api",
        "/api/v1",
        "/api/v2/server",
        "/metrics",
        "/api/v1/server/",
        "/..%2fkeys",
        "/%00",
    ] {
        assert_eq!(
            refused(person.get(&world, path)).await,
            Code::NotFound,
            "{path}"
        );
    }
    let client = world.client();
    let delete = client
        .delete(world.url(routes::SERVER))
        .send()
        .await
        .unwrap();
    assert_eq!(delete.headers()["allow"], "GET,HEAD");
    assert_eq!(problem(delete).await.code, Code::MethodNotAllowed);
    for id in [
        "0",
        "zz",
        &"0".repeat(63),
        &"0".repeat(66),
        "..%2f..",
        "%ff",
    ] {
        let path = format!("/api/v1/spaces/{id}/changes");
        assert_eq!(
            refused(person.get(&world, &path)).await,
            Code::Malformed,
            "{id}"
        );
    }
    for query in [
        "from=-1",
        "from=x",
        "limit=99999999999",
        "until=3",
        "from=1&from=2",
    ] {
        let path = format!("{}?{query}", routes::space_changes(person.space));
        assert_eq!(
            refused(person.get(&world, &path)).await,
            Code::Malformed,
            "{query}"
        );
    }
    let path = routes::space_changes(person.space);
    for media in ["application/json", "text/plain", ""] {
        let post = person
            .post(&world, &path)
            .header("content-type", media)
            .body(vec![0x80]);
        assert_eq!(refused(post).await, Code::UnsupportedMedia, "{media:?}");
    }
    let bare = person.post(&world, &path).body(vec![0x80]);
    assert_eq!(refused(bare).await, Code::UnsupportedMedia);
}

/// Every route that takes CBOR.
fn cbor_routes(person: &Person) -> Vec<String> {
    vec![
        routes::space_changes(person.space),
        routes::space_checkpoint(person.space),
        routes::space_sightings(person.space),
        routes::space_chunks_missing(person.space),
        routes::space_chunks_read(person.space),
        routes::account_log(person.account.id()),
        routes::EVENTS.to_owned(),
    ]
}

#[tokio::test]
async fn garbage_cbor_and_unknown_fields_are_refused_everywhere() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let garbage: [&[u8]; 8] = [
        b"",
        b"\xff",
        b"{}",
        // A list that says to have 2^64 - 1 items, and one of unknown length.
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x9f\xff",
        // Nested lists.
        &[0x81; 2000],
        // Three fields more than any message has; then a message with bytes after it.
        b"\x8a\x40\x80\x80\x80\x80\x80\x80\x80\x80\x80",
        b"\x81\x80\x00",
    ];
    for path in cbor_routes(&person) {
        for bytes in garbage {
            let code = refused(cbor(person.post(&world, &path), bytes.to_vec())).await;
            assert!(
                matches!(code, Code::Malformed | Code::TooLarge),
                "{path}: {bytes:x?}"
            );
        }
    }
    let unknown = cbor(
        person.post(&world, &routes::space_chunks_read(person.space)),
        vec![0x82, 0x80, 0x01],
    );
    assert_eq!(refused(unknown).await, Code::Malformed);
}

#[tokio::test]
async fn garbage_json_and_unknown_fields_are_refused() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    for body in [
        "",
        "{",
        "[1]",
        "{\"nome\":\"x\"}",
        "{\"folders\":[{\"path\":\"/\"}]}",
    ] {
        let patch = person.ask(world.client().patch(world.url(routes::DEVICES_SELF)));
        let patch = patch.header("content-type", headers::JSON).body(body);
        assert_eq!(refused(patch).await, Code::Malformed, "{body}");
    }
}

#[tokio::test]
async fn a_change_set_that_is_none_is_invalid() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let mut bytes = person.directory().encoded().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    for change_set in [vec![], vec![0xff; 100], bytes] {
        let request = hythe_wire::log::CommitRequest {
            change_set: change_set.into(),
            attached: vec![],
        };
        let post = person.post(&world, &routes::space_changes(person.space));
        assert_eq!(
            refused(crate::world::cbor(post, &request)).await,
            Code::Invalid
        );
    }
}

#[tokio::test]
async fn oversize_bodies_are_refused_before_they_are_read() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    // Announced: refused by the header alone, no byte of the body was sent.
    let mut stream = world.raw().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
        routes::space_packs(person.space),
        person.token.authorization(headers::BEARER),
        headers::PACK,
        MAX_PACK_BYTES + 1,
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 413 "));

    // Not announced: refused once it is over the limit.
    let endless = futures::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b' '; 64 << 10]))
    });
    let patch = person.ask(world.client().patch(world.url(routes::DEVICES_SELF)));
    let patch = patch.header("content-type", headers::JSON);
    let answer = patch
        .body(reqwest::Body::wrap_stream(endless))
        .send()
        .await
        .unwrap();
    let refused = problem(answer).await;
    assert_eq!(refused.code, Code::TooLarge);
    assert!(
        refused
            .detail
            .unwrap()
            .contains(&MAX_JSON_BYTES.to_string())
    );
}

#[tokio::test]
async fn header_bombs_are_refused() {
    let world = World::start().await;
    for (client, statuses) in [(world.http1(), [431, 400]), (world.client(), [431, 400])] {
        let mut request = client.get(world.url(routes::HEALTHZ));
        for index in 0..200 {
            request = request.header(format!("x-{index}"), "y".repeat(500));
        }
        // A connection that ends is an answer as well.
        if let Ok(answer) = request.send().await {
            assert!(
                statuses.contains(&answer.status().as_u16()),
                "{}",
                answer.status()
            );
        }
        let good = client.get(world.url(routes::HEALTHZ)).send().await.unwrap();
        assert_eq!(good.status(), 200);
    }
}

/// An HTTP/2 frame.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

#[tokio::test]
async fn r19_rapid_resets_end_the_connection_and_nobody_else_notices() {
    let world = World::start().await;
    let mut stream = world.raw_with(&[b"h2"]).await;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    stream.write_all(&frame(4, 0, 0, &[])).await.unwrap();
    // GET https://x/ from the static table, and its reset at once.
    let headers = [0x82, 0x87, 0x84, 0x41, 0x01, b'x'];
    let mut flood = Vec::new();
    for stream in (1..20_001).step_by(2) {
        flood.extend(frame(1, 5, stream, &headers));
        flood.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    let mut answers = Vec::new();
    let (mut from, mut to) = tokio::io::split(stream);
    let reading = async {
        let _ = from.read_to_end(&mut answers).await;
    };
    let writing = async {
        // Fails once the server has had enough.
        let _ = to.write_all(&flood).await;
        std::future::pending::<()>().await;
    };
    tokio::time::timeout(PATIENCE, async {
        tokio::select! { () = reading => {}, () = writing => {} }
    })
    .await
    .unwrap();
    // GOAWAY (7) with ENHANCE_YOUR_CALM (11).
    let calm = answers.windows(9).any(|w| w[3] == 7 && w[5..9] == [0; 4]);
    assert!(calm, "no goodbye among {} bytes", answers.len());
    let good = world
        .client()
        .get(world.url(routes::HEALTHZ))
        .send()
        .await
        .unwrap();
    assert_eq!(good.status(), 200);
}

#[tokio::test]
async fn bytes_that_are_no_tls_and_no_http_cost_one_connection() {
    let world = World::start().await;
    let mut tcp = tokio::net::TcpStream::connect(world.server().addr())
        .await
        .unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(!rest.starts_with(b"HTTP"));

    let mut stream = world.raw().await;
    stream
        .write_all(b"\x00\x01\x02 nothing\r\n\r\n")
        .await
        .unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(rest.starts_with(b"HTTP/1.1 400 "));
    let good = world
        .client()
        .get(world.url(routes::HEALTHZ))
        .send()
        .await
        .unwrap();
    assert_eq!(good.status(), 200);
}
