//! Slow, greedy and many clients, with limits so small that no test has to wait.

use std::time::Duration;

use hythe_server::Transport;
use hythe_server::config::RateLimits;
use hythe_wire::{Code, headers, routes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::person::join;
use crate::world::{PATIENCE, World, free_address, metrics_at, problem};

const SHORT: Duration = Duration::from_millis(100);

/// Reads until the server ends the connection.
async fn ended(mut stream: impl AsyncReadExt + Unpin) -> Vec<u8> {
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .unwrap();
    rest
}

#[tokio::test]
async fn r19_headers_that_do_not_end_end_the_connection() {
    let world = World::limited(|limits| limits.connections.header = SHORT).await;
    let mut stream = world.raw().await;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ")
        .await
        .unwrap();
    assert!(ended(stream).await.is_empty());
    let mut again = world.raw().await;
    again
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    assert!(ended(again).await.starts_with(b"HTTP/1.1 200 "));
}

#[tokio::test]
async fn r19_a_handshake_that_does_not_come_ends_the_connection() {
    let world = World::limited(|limits| limits.connections.handshake = SHORT).await;
    let silent = TcpStream::connect(world.server().addr()).await.unwrap();
    assert!(ended(silent).await.is_empty());
}

#[tokio::test]
async fn r19_silence_ends_the_connection() {
    let world = World::limited(|limits| limits.connections.idle = SHORT).await;
    for alpn in [b"http/1.1".as_slice(), b"h2"] {
        let mut stream = world.raw_with(&[alpn]).await;
        if alpn == b"h2" {
            stream
                .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
                .await
                .unwrap();
        }
        ended(stream).await;
    }
}

#[tokio::test]
async fn r19_a_body_that_drips_is_given_up() {
    let world = World::limited(|limits| limits.requests.body_grace = SHORT).await;
    let person = join(&world, 1).await;
    let mut stream = world.raw().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: {}\r\ncontent-length: 1000\r\n\r\nx",
        routes::space_packs(person.space),
        person.token.authorization(headers::BEARER),
        headers::PACK,
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(ended(stream).await.starts_with(b"HTTP/1.1 408 "));
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_no_more() {
    let world = World::limited(|limits| limits.connections.per_address = 2).await;
    let first = world.raw().await;
    let _second = world.raw().await;
    let third = TcpStream::connect(world.server().addr()).await.unwrap();
    assert!(ended(third).await.is_empty());
    drop(first);
    // The place is free as soon as the server noticed.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while world
        .client()
        .get(world.url(routes::HEALTHZ))
        .send()
        .await
        .is_err()
    {
        assert!(tokio::time::Instant::now() < deadline);
    }
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let rates = RateLimits {
        address_per_second: 1,
        address_burst: 3,
        ..RateLimits::default()
    };
    let world = World::limited(|limits| limits.rates = rates).await;
    let get = || world.client().get(world.url(routes::HEALTHZ)).send();
    for _ in 0..3 {
        assert_eq!(get().await.unwrap().status(), 200);
    }
    let refused = problem(get().await.unwrap()).await;
    assert_eq!((refused.code, refused.status), (Code::RateLimited, 429));
    assert!((1..=1000).contains(&refused.retry_after_ms.unwrap()));
}

#[tokio::test]
async fn a_device_has_a_rate_of_its_own() {
    let rates = RateLimits {
        device_per_second: 1,
        device_burst: 2,
        ..RateLimits::default()
    };
    let world = World::limited(|limits| limits.rates = rates).await;
    let greedy = join(&world, 1).await;
    let modest = join(&world, 2).await;
    for _ in 0..2 {
        assert_eq!(
            greedy
                .get(&world, routes::SPACES)
                .send()
                .await
                .unwrap()
                .status(),
            200
        );
    }
    let refused = problem(greedy.get(&world, routes::SPACES).send().await.unwrap()).await;
    assert_eq!(refused.code, Code::RateLimited);
    assert_eq!(
        modest
            .get(&world, routes::SPACES)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn r20_guessing_tokens_is_slowed_down() {
    let rates = RateLimits {
        failures_per_minute: 1,
        failures_burst: 3,
        ..RateLimits::default()
    };
    let world = World::limited(|limits| limits.rates = rates).await;
    let person = join(&world, 1).await;
    let guess = |digit: char| {
        let guess = world.client().get(world.url(routes::SPACES));
        guess
            .header(
                "authorization",
                format!("Bearer {}", digit.to_string().repeat(64)),
            )
            .send()
    };
    for digit in ['1', '2', '3'] {
        assert_eq!(
            problem(guess(digit).await.unwrap()).await.code,
            Code::Unauthenticated
        );
    }
    let slowed = problem(guess('4').await.unwrap()).await;
    assert_eq!(slowed.code, Code::RateLimited);
    assert!(slowed.retry_after_ms.unwrap() > 1000);
    // Nobody is locked out by a neighbour.
    assert_eq!(
        person
            .get(&world, routes::SPACES)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn a_full_server_says_so_at_once() {
    let world = World::limited(|limits| {
        limits.requests.total = 1;
        limits.requests.body_grace = PATIENCE;
    })
    .await;
    let person = join(&world, 1).await;
    // Holds the only place: its body does not come.
    let mut holder = world.raw().await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: {}\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n",
        routes::space_packs(person.space),
        person.token.authorization(headers::BEARER),
        headers::PACK,
    );
    holder.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 64];
    let read = holder.read(&mut go_on).await.unwrap();
    assert!(go_on[..read].starts_with(b"HTTP/1.1 100 "));
    let refused = problem(
        world
            .client()
            .get(world.url(routes::HEALTHZ))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!((refused.code, refused.status), (Code::Overloaded, 503));
    assert!(refused.retry_after_ms.is_some());
}

#[tokio::test]
async fn metrics_have_a_listener_of_their_own() {
    let address = free_address();
    let mut world = World::with(|config| config.metrics = Some(address)).await;
    world
        .client()
        .get(world.url(routes::HEALTHZ))
        .send()
        .await
        .unwrap();
    let refused = world
        .client()
        .get(world.url("/metrics"))
        .send()
        .await
        .unwrap();
    assert_eq!(problem(refused).await.code, Code::NotFound);
    let text = metrics_at(address).await;
    assert!(
        text.contains("hythe_requests_total{route=\"/healthz\",status=\"200\"}"),
        "{text}"
    );

    let began = tokio::time::Instant::now();
    world.stop().await;
    assert!(
        began.elapsed() < PATIENCE / 10,
        "nothing is left to wait for"
    );
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn r24_clients_are_named_by_a_proxy_only_where_one_is_configured() {
    let rates = RateLimits {
        address_per_second: 1,
        address_burst: 1,
        ..RateLimits::default()
    };
    let tight = |forwarded: bool| {
        let rates = rates.clone();
        World::with(move |config| {
            config.transport = Transport::Plain;
            config.forwarded = forwarded;
            config.limits.rates = rates;
        })
    };
    async fn status(world: &World, named: &str) -> u16 {
        let get = world
            .client()
            .get(world.url(routes::HEALTHZ))
            .header("x-forwarded-for", named);
        get.send().await.unwrap().status().as_u16()
    }
    let behind = tight(true).await;
    assert_eq!(status(&behind, "192.0.2.1").await, 200);
    assert_eq!(status(&behind, "192.0.2.2").await, 200);
    // What stands before the proxy's own entry may be made up.
    assert_eq!(status(&behind, "192.0.2.3, 192.0.2.1").await, 429);

    // All come from one loopback address here, so that none is limited by its address.
    let alone = tight(false).await;
    for _ in 0..3 {
        assert_eq!(status(&alone, "192.0.2.1").await, 200);
    }

    // Over TLS nobody is believed.
    let direct = World::limited(|limits| limits.rates = rates.clone()).await;
    assert_eq!(status(&direct, "192.0.2.1").await, 200);
    assert_eq!(status(&direct, "192.0.2.2").await, 429);
}
