//! What an administrator asks, with and without a running server.

use std::os::unix::fs::PermissionsExt;

use hythe_server::admin::{self, AdminError, AdminReply, AdminRequest};
use hythe_server::{Server, ServerConfig};
use hythe_wire::invite::InviteUrl;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::person::{Candidate, join, register};
use crate::world::{World, reply};

fn config(world: &World) -> ServerConfig {
    ServerConfig::new(world.data.path().to_owned(), "127.0.0.1:0".parse().unwrap())
}

async fn invited(config: &ServerConfig) -> InviteUrl {
    let request = AdminRequest::Invite {
        lifetime_s: 60,
        admin: false,
        login: None,
        quota: None,
    };
    let AdminReply::Invite { url, .. } = admin::request(config, request).await.unwrap() else {
        panic!("no invite")
    };
    url.parse().unwrap()
}

#[tokio::test]
async fn a_running_server_and_its_data_alone_answer_the_same() {
    let mut world = World::start().await;
    join(&world, 1).await;
    let config = config(&world);
    let running = invited(&config).await;
    assert_eq!(&running.server, world.server().url());
    let with = counts(&config).await;
    world.stop().await;
    assert!(!world.data.path().join("admin.sock").exists());

    let alone = invited(&config).await;
    assert_eq!(
        (&alone.server, alone.identity),
        (&running.server, running.identity)
    );
    assert_eq!(counts(&config).await, with);

    world.server = Some(Server::start(config).await.unwrap());
    let newcomer = Candidate::new(&world, 2).await;
    let done = register(&world, &alone.token, &newcomer.request).await;
    reply::<hythe_wire::account::RegisterReply>(done).await;
}

/// What stats, check and accounts say, as far as it does not change by asking.
async fn counts(config: &ServerConfig) -> (u64, u64, usize) {
    let AdminReply::Stats { stats } = admin::request(config, AdminRequest::Stats).await.unwrap()
    else {
        panic!("no stats")
    };
    let AdminReply::Check { report } = admin::request(config, AdminRequest::Check).await.unwrap()
    else {
        panic!("no report")
    };
    assert!(report.is_clean(), "{report:?}");
    let AdminReply::Accounts { accounts } = admin::request(config, AdminRequest::Accounts)
        .await
        .unwrap()
    else {
        panic!("no accounts")
    };
    (stats.spaces, report.change_sets, accounts.len())
}

#[tokio::test]
async fn the_socket_is_private_and_works_below_a_long_path() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("d".repeat(120)).join("e".repeat(120));
    let config = ServerConfig::new(data.clone(), "127.0.0.1:0".parse().unwrap());
    let server = Server::start(config.clone()).await.unwrap();
    let mode = std::fs::metadata(data.join("admin.sock"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    invited(&config).await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_request_is_answered_so() {
    let world = World::start().await;
    for line in [
        "",
        "{",
        "{\"request\":\"reboot\"}\n",
        "{\"request\":\"invite\",\"lifetime_s\":1,\"admin\":false,\"x\":1}\n",
    ] {
        let path = world.data.path().join("admin.sock");
        let mut socket = tokio::net::UnixStream::connect(path).await.unwrap();
        socket.write_all(line.as_bytes()).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["reply"], "failed", "{line}");
    }
    invited(&config(&world)).await;
}

#[tokio::test]
async fn without_an_address_there_is_no_invite() {
    let folder = tempfile::tempdir().unwrap();
    let config = ServerConfig::new(folder.path().to_owned(), "127.0.0.1:0".parse().unwrap());
    let request = AdminRequest::Invite {
        lifetime_s: 60,
        admin: false,
        login: None,
        quota: None,
    };
    let refused = admin::request(&config, request).await.err().unwrap();
    assert!(matches!(refused, AdminError::Failed(_)));
    assert!(refused.to_string().contains("--public-url"));
}
