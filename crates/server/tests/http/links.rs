//! Links over HTTP: who guesses waits.

use hythe_model::{LinkId, LinkKind, NodeId, Secret32};
use hythe_server::Transport;
use hythe_space::{KemSecret, LinkGrant};
use hythe_wire::link::CreateLinkRequest;
use hythe_wire::link_url::verifier;
use hythe_wire::{Token, headers, routes};

use crate::person::{join, now_ms};
use crate::world::{World, cbor, shown};

const LINK: LinkId = LinkId([4; 16]);

async fn status(world: &World, token: u8, from: &str) -> u16 {
    let get = world.client().get(world.url(&routes::link(LINK)));
    let get = get.header("x-forwarded-for", from);
    let get = shown(get, &Token(Secret32::new([token; 32])), headers::LINK);
    get.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn who_guesses_waits_and_nobody_else_does() {
    let world = World::with(|config| {
        config.transport = Transport::Plain;
        config.forwarded = true;
        config.limits.rates.logins_burst = 2;
        // As good as never again.
        config.limits.rates.logins_per_minute = 1;
    })
    .await;
    let ann = join(&world, 1).await;
    let grant = LinkGrant {
        suite: 0,
        space: ann.space,
        link: LINK,
        node: NodeId::ROOT,
        kind: LinkKind::View,
        key: KemSecret::from_seed(Secret32::new([7; 32]))
            .public()
            .unwrap(),
        password: true,
        expires_ms: None,
        downloads: None,
        time_ms: now_ms(),
        uploads: None,
    };
    let request = CreateLinkRequest {
        grant: grant.sign(&ann.key).encode().into(),
        verifier: verifier(&Token(Secret32::new([1; 32]))),
    };
    let post = ann.post(&world, &routes::space_links(ann.space));
    assert_eq!(cbor(post, &request).send().await.unwrap().status(), 200);

    for _ in 0..2 {
        assert_eq!(status(&world, 9, "192.0.2.1").await, 401);
    }
    // The next try is not looked at, not even the right one.
    for token in [9, 1] {
        assert_eq!(status(&world, token, "192.0.2.1").await, 429);
    }
    for _ in 0..4 {
        assert_eq!(status(&world, 1, "192.0.2.2").await, 200);
    }
}
