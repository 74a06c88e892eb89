//! TLS, HTTP versions, and the server's identity.

use hythe_server::{Server, ServerConfig, StartError, Transport};
use hythe_wire::identity::{EXPORTER_BYTES, EXPORTER_LABEL, verify_connection};
use hythe_wire::server::{Health, IdentityProof, ServerInfo};
use hythe_wire::{Code, IdentityKey, routes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{World, authority, client, problem};

#[tokio::test]
async fn both_http_versions_answer_over_tls() {
    let world = World::start().await;
    for (client, version) in [
        (world.client(), reqwest::Version::HTTP_2),
        (world.http1(), reqwest::Version::HTTP_11),
    ] {
        for path in [routes::HEALTHZ, routes::READYZ] {
            let answer = client.get(world.url(path)).send().await.unwrap();
            assert_eq!((answer.version(), answer.status().as_u16()), (version, 200));
            assert_eq!(answer.json::<Health>().await.unwrap().status, "ok");
        }
    }
}

#[tokio::test]
async fn a_client_that_pins_another_identity_does_not_connect() {
    let world = World::start().await;
    let stranger = client(IdentityKey([7; 32]), &[b"h2"]);
    assert!(
        stranger
            .get(world.url(routes::HEALTHZ))
            .send()
            .await
            .unwrap_err()
            .is_connect()
    );
}

#[tokio::test]
async fn the_identity_outlives_the_certificate_and_the_process() {
    let mut world = World::start().await;
    let identity = world.server().identity();
    world.stop().await;
    std::fs::remove_dir_all(world.data.path().join("tls")).unwrap();
    let config = ServerConfig::new(world.data.path().to_owned(), "127.0.0.1:0".parse().unwrap());
    world.server = Some(Server::start(config).await.unwrap());
    assert_eq!(world.server().identity(), identity);
    let info = world
        .client()
        .get(world.url(routes::SERVER))
        .send()
        .await
        .unwrap();
    assert_eq!(info.json::<ServerInfo>().await.unwrap().identity, identity);
}

/// Asks over one connection of our own, and gives the secret exported from it.
async fn proof(world: &World) -> ([u8; EXPORTER_BYTES], IdentityProof) {
    let mut stream = world.raw().await;
    let secret =
        stream
            .get_ref()
            .1
            .export_keying_material([0; EXPORTER_BYTES], EXPORTER_LABEL, Some(&[]));
    let request = format!(
        "GET {} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        routes::IDENTITY
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A server that closes without a close_notify is none of this test's business.
    let _ = stream.read_to_string(&mut answer).await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    (secret.unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn the_identity_is_proven_for_the_very_connection() {
    let world = World::start().await;
    let (ours, proof_of_ours) = proof(&world).await;
    let (other, _) = proof(&world).await;
    let signature = data_encoding::HEXLOWER
        .decode(proof_of_ours.signature.as_bytes())
        .unwrap();
    let identity = world.server().identity();
    assert_eq!(proof_of_ours.identity, identity);
    assert_eq!(verify_connection(identity, &ours, &signature), Ok(()));
    assert!(verify_connection(identity, &other, &signature).is_err());
    assert!(verify_connection(IdentityKey([7; 32]), &ours, &signature).is_err());
}

#[tokio::test]
async fn a_certificate_of_an_authority_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let (transport, certificate) = authority(folder.path());
    let world = World::with(|config| config.transport = transport).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls);
    let url = format!(
        "https://localhost:{}{}",
        world.server().addr().port(),
        routes::SERVER
    );
    let answer = client.build().unwrap().get(url).send().await.unwrap();
    assert_eq!(
        answer.json::<ServerInfo>().await.unwrap().identity,
        world.server().identity()
    );
}

#[tokio::test]
async fn a_key_that_does_not_fit_its_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let (Transport::Certificate { chain, .. }, _) = authority(folder.path()) else {
        panic!()
    };
    let (Transport::Certificate { key, .. }, _) = authority(other.path()) else {
        panic!()
    };
    let data = tempfile::tempdir().unwrap();
    let mut config = ServerConfig::new(data.path().to_owned(), "127.0.0.1:0".parse().unwrap());
    config.transport = Transport::Certificate {
        chain,
        key: key.clone(),
    };
    let refused = Server::start(config).await.err().unwrap();
    assert!(matches!(refused, StartError::Tls(_)));
    assert!(
        refused.to_string().contains(&key.display().to_string()),
        "{refused}"
    );
}

#[tokio::test]
async fn without_tls_only_loopback_is_served() {
    let data = tempfile::tempdir().unwrap();
    let mut config = ServerConfig::new(data.path().to_owned(), "0.0.0.0:0".parse().unwrap());
    config.transport = Transport::Plain;
    let refused = Server::start(config).await.err().unwrap();
    assert!(matches!(refused, StartError::NotLoopback { .. }));

    let world = World::with(|config| config.transport = Transport::Plain).await;
    assert_eq!(world.server().local_url().scheme(), "http");
    let plain = world.client();
    let answer = plain.get(world.url(routes::HEALTHZ)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let proof = plain.get(world.url(routes::IDENTITY)).send().await.unwrap();
    assert_eq!(problem(proof).await.code, Code::NotFound);
}

#[tokio::test]
async fn a_second_server_on_the_data_is_refused_and_the_first_is_named() {
    let world = World::start().await;
    let config = ServerConfig::new(world.data.path().to_owned(), "127.0.0.1:0".parse().unwrap());
    let refused = Server::start(config).await.err().unwrap();
    assert!(matches!(refused, StartError::Open(_)));
    let holder = std::process::id().to_string();
    assert!(refused.to_string().contains(&holder), "{refused}");
}

#[tokio::test]
async fn a_stopped_server_lets_the_port_and_the_data_go() {
    let mut world = World::start().await;
    let address = world.server().addr();
    let client = world.client();
    let url = world.url(routes::HEALTHZ);
    client.get(&url).send().await.unwrap();
    world.stop().await;
    assert!(client.get(&url).send().await.is_err());
    let config = ServerConfig::new(world.data.path().to_owned(), address);
    world.server = Some(Server::start(config).await.unwrap());
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
}
