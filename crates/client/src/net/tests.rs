//! Whom a connection is made to, and when it counts as dead.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hythe_server::{Running, Server, ServerConfig, Transport};
use hythe_wire::IdentityKey;
use hythe_wire::account::RegisterRequest;
use hythe_wire::event::{Event, EventsRequest};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;

use super::dial::Target;
use super::http::Http;
use super::tls::public_authorities;
use super::{Api, ApiError};
use crate::enrol;
use crate::keys::KeyStore;

/// An authority nobody knows, and a certificate of it for `localhost`.
struct Authority {
    root: CertificateDer<'static>,
    transport: Transport,
}

fn authority(at: &Path) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let (chain, key_file) = (at.join("chain.pem"), at.join("key.pem"));
    std::fs::write(&chain, leaf.pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let root = issuer.der().clone();
    Authority {
        root,
        transport: Transport::Certificate {
            chain,
            key: key_file,
        },
    }
}

async fn start(data: &Path, transport: Transport) -> Running {
    let mut config = ServerConfig::new(data.join("server"), "127.0.0.1:0".parse().unwrap());
    config.transport = transport;
    Server::start(config).await.unwrap()
}

/// Calls to a server at a name, believing these authorities beside the public ones.
fn api(server: &Running, host: &str, identity: IdentityKey, roots: &[CertificateDer<'_>]) -> Api {
    let url = format!("https://{host}:{}/", server.addr().port())
        .parse()
        .unwrap();
    let mut store = public_authorities();
    for root in roots {
        store.add(root.clone().into_owned()).unwrap();
    }
    let target = Target::with_roots(&url, Some(identity), store).unwrap();
    Api {
        http: Arc::new(Http::new(target)),
        authorization: None,
        opening: None,
        putting: None,
    }
}

fn assert_refused<T>(result: Result<T, ApiError>) {
    match result {
        Err(ApiError::WrongServer(_)) => {}
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("another server was believed"),
    }
}

#[tokio::test]
async fn whoever_is_at_an_address_is_asked_who_it_is_and_must_prove_it() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), Transport::SelfSigned).await;
    let (pin, info) = Api::discover(server.local_url()).await.unwrap();
    assert_eq!(pin.identity, server.identity().0);
    assert_eq!(info.identity, server.identity());
    // Plain HTTP on this machine.
    let plain = tempfile::tempdir().unwrap();
    let server = start(plain.path(), Transport::Plain).await;
    let (pin, _) = Api::discover(server.local_url()).await.unwrap();
    assert_eq!(pin.identity, server.identity().0);
    // A certificate of an authority that nobody knows proves nothing.
    let data = tempfile::tempdir().unwrap();
    let Authority { transport, .. } = authority(data.path());
    let server = start(data.path(), transport).await;
    let port = server.addr().port();
    let url = format!("https://localhost:{port}/").parse().unwrap();
    assert_refused(Api::discover(&url).await);
}

#[tokio::test]
async fn sc120_a_certificate_of_an_authority_needs_chain_name_and_identity() {
    let data = tempfile::tempdir().unwrap();
    let Authority { root, transport } = authority(data.path());
    let server = start(data.path(), transport).await;
    let pinned = server.identity();
    let known = [root];
    assert_eq!(
        api(&server, "localhost", pinned, &known)
            .server()
            .await
            .unwrap()
            .identity,
        pinned
    );

    let other = IdentityKey([7; 32]);
    assert_refused(api(&server, "localhost", other, &known).server().await);
    assert_refused(api(&server, "localhost", pinned, &[]).server().await);
    assert_refused(api(&server, "127.0.0.1", pinned, &known).server().await);
}

#[tokio::test]
async fn bulk_connections_prove_the_identity_as_well() {
    let data = tempfile::tempdir().unwrap();
    let Authority { root, transport } = authority(data.path());
    let server = start(data.path(), transport).await;
    let space = hythe_model::SpaceId([1; 32]);
    let pack = bytes::Bytes::from_static(b"no pack");
    let honest = api(
        &server,
        "localhost",
        server.identity(),
        std::slice::from_ref(&root),
    );
    let refused = honest
        .put_pack(space, pack.clone(), None)
        .await
        .unwrap_err();
    assert!(matches!(refused, ApiError::Unauthorised(_)), "{refused}");
    let other = api(&server, "localhost", IdentityKey([7; 32]), &[root]);
    assert_refused(other.put_pack(space, pack, None).await);
}

#[tokio::test]
async fn sc111_a_stream_that_falls_silent_is_dead() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), Transport::SelfSigned).await;
    let invite = server
        .invite(Duration::from_secs(60), false)
        .await
        .unwrap()
        .to_string();
    let store = KeyStore::open(data.path().join("keys")).unwrap();
    let device = hythe_wire::account::DeviceInfo {
        name: "a".into(),
        platform: "test".into(),
        version: "0".into(),
    };
    let keys = enrol::connect(&store, &invite, device, "ada", 0)
        .await
        .unwrap();
    let api = Api::new(&keys.server, &keys.token).unwrap();
    let account = enrol::read_account(&api, keys.account).await.unwrap();
    let from = EventsRequest {
        epoch: None,
        account: account.head(),
        spaces: Vec::new(),
    };
    // The server's heartbeat comes every 15 s, so within this time it is silent.
    let mut events = api
        .events_with(&from, Duration::from_millis(500))
        .await
        .unwrap();
    let mut seen = Vec::new();
    let error = loop {
        match events.next().await {
            Ok(event) => seen.push(event),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ApiError::Offline(_)), "{error}");
    assert!(matches!(seen.first(), Some(Event::Welcome { .. })));
}

#[tokio::test]
async fn a_request_over_its_limit_is_not_even_sent() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path(), Transport::SelfSigned).await;
    let pin = crate::keys::ServerPin {
        url: server.local_url().to_string(),
        identity: server.identity().0,
    };
    let request = RegisterRequest {
        login: "x".into(),
        device: hythe_wire::account::DeviceInfo {
            name: String::new(),
            platform: String::new(),
            version: String::new(),
        },
        token: hythe_wire::Token(hythe_model::Secret32::new([0; 32])),
        account: vec![vec![0; 2 << 20].into()],
        space: Vec::new(),
        password: None,
        recovery: None,
    };
    let error = Api::anonymous(&pin)
        .unwrap()
        .register(&request)
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::TooLarge), "{error}");
}
