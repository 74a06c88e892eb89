//! What must never leave a device, stand in a log, or come back in an answer.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use data_encoding::{BASE32_NOPAD, BASE64, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use hythe_client::commit::CommitError;
use hythe_client::enrol::{
    self, Credentials, Founder, connect_with_password, connect_with_recovery,
};
use hythe_client::keys::KeyStore;
use hythe_content::{EpochSecret, SpaceKeys, TagKey};
use hythe_model::{NodeId, NodeKind, Secret32};
use hythe_space::flow::OfferSecret;
use hythe_space::{AccountKeys, KemSecret, SigningKey};
use hythe_wire::Token;
use hythe_wire::account::{EnrolRequest, RegisterRequest};
use hythe_wire::invite::{ConnectUrl, DeviceUrl, InviteUrl};
use hythe_wire::login::LoginFinishRequest;
use hythe_wire::opaque::{ExportKey, LoggedIn, LoggingIn, Password, Registering};
use hythe_wire::recovery::RecoveryCode;

use crate::proxy::{Exchange, Proxy};
use crate::rig::{Device, create, info, now_ms, put};

/// Fails to compile when a type can be printed for debugging or for people.
macro_rules! never_printed {
    ($($secret:ty),* $(,)?) => {$(
        const _: fn() = || {
            trait Ambiguous<Which> {
                fn here() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Debugged;
            impl<T: ?Sized + std::fmt::Debug> Ambiguous<Debugged> for T {}
            // Two ways to `here` for whatever has `Debug`: the compiler cannot choose.
            let _ = <$secret as Ambiguous<_>>::here;
        };
        // Something happens when it is dropped: what it is made of is wiped.
        const _: () = assert!(std::mem::needs_drop::<$secret>());
    )*};
}

never_printed!(
    AccountKeys,
    DeviceUrl,
    EnrolRequest,
    EpochSecret,
    Credentials,
    ExportKey,
    Founder,
    InviteUrl,
    KemSecret,
    LoggedIn,
    LoggingIn,
    LoginFinishRequest,
    OfferSecret,
    Password,
    RecoveryCode,
    RegisterRequest,
    Registering,
    Secret32,
    SigningKey,
    SpaceKeys,
    TagKey,
    Token,
    hythe_client::enrol::DeviceOffer,
    hythe_client::keys::DeviceKeys,
    hythe_client::keys::Enrolling,
    hythe_client::replica::Keyring,
    hythe_space::Entropy,
    hythe_space::flow::Enrolled,
    hythe_space::flow::KeyholderSecret,
    hythe_space::flow::NewAccount,
    hythe_space::flow::NewSpace,
);

/// What secrets are wiped by.
const fn wiped<T: zeroize::ZeroizeOnDrop>() {}
const _: () = wiped::<Secret32>();

/// Every way in which somebody might write bytes down.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let decimal: Vec<String> = secret.iter().map(u8::to_string).collect();
    let decimal = decimal.join(", ");
    let escaped: Vec<u8> = secret.iter().flat_map(|byte| byte.escape_ascii()).collect();
    let mut forms = vec![secret.to_vec(), decimal.into_bytes(), escaped];
    // Without the last group, which depends on what follows.
    for (encoding, group) in [
        (HEXLOWER, 1),
        (HEXUPPER, 1),
        (BASE64, 3),
        (BASE64URL_NOPAD, 3),
        (BASE32_NOPAD, 5),
    ] {
        let whole = secret.len() / group * group;
        forms.push(encoding.encode(&secret[..whole]).into_bytes());
    }
    forms
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|part| part == needle)
}

/// What it is, and its bytes.
type Secret = (&'static str, Vec<u8>);

/// Fails when one of the secrets is in these bytes in any form.
fn assert_without(what: &str, bytes: &[u8], secrets: &[Secret]) {
    for (name, secret) in secrets {
        for (form, needle) in forms(secret).iter().enumerate() {
            assert!(!holds(bytes, needle), "{name} is in {what}, form {form}");
        }
    }
}

/// Everything that is logged in this process, at the finest level, with what libraries say.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn listen() -> Log {
    let log = Log::default();
    let to = log.clone();
    let started = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || to.clone())
        .try_init();
    started.unwrap();
    log
}

/// The secrets of a device and of what it may open.
async fn secrets_of(device: &Device) -> Vec<Secret> {
    let keys = &device.keys;
    let account = device.common.accounts.get(keys.account).await.unwrap();
    let kem = KemSecret::from_seed(keys.agreement.clone());
    let account_keys = AccountKeys::open(&account, keys.device, &kem).unwrap();
    let (_, current) = account_keys.current().unwrap();
    vec![
        ("the signing seed", keys.signing.expose().to_vec()),
        ("the agreement seed", keys.agreement.expose().to_vec()),
        ("the account's secret", current.seed().expose().to_vec()),
    ]
}

fn token_of(device: &Device) -> Secret {
    ("the token", device.keys.token.0.expose().to_vec())
}

/// Requests that fail in different ways.
async fn fail(proxy: &Proxy, device: &Device, url: &str) {
    let home = tempfile::tempdir().unwrap();
    let store = KeyStore::open(home.path().join("keys")).unwrap();
    let spent = enrol::connect(&store, url, info("c"), "c", now_ms()).await;
    assert!(spent.is_err());
    let replica = device.home().await;
    put(&replica, "taken", b"x".to_vec()).await.unwrap();
    let again = put(&replica, "taken", b"y".to_vec()).await;
    assert!(matches!(again, Err(CommitError::Refused { .. })));
    proxy.lie(|path, mut bytes| {
        if path.contains("/changes") {
            bytes.truncate(bytes.len() / 2);
        }
        bytes
    });
    let edit = create(NodeId::ROOT, "d", NodeKind::Directory, None);
    assert!(replica.commit(vec![edit], Vec::new()).await.is_err());
    assert!(replica.catch_up().await.is_err());
    proxy.be_honest();
    let _ = replica.catch_up().await.unwrap();
}

/// An account with a password, that is logged into and recovered; its first device, and what a
/// person knows of it.
async fn by_password(proxy: &Proxy) -> (Device, Vec<Secret>) {
    let password = "a small haven on a river";
    let home = tempfile::tempdir().unwrap();
    let store = KeyStore::open(home.path().join("keys")).unwrap();
    let founder = Founder {
        login: "bob".into(),
        password: Some(Password::new(password)),
        device: info("first"),
    };
    let invite = proxy.invite().await.parse().unwrap();
    let keys = enrol::register(&store, &invite, founder, now_ms())
        .await
        .unwrap();
    let code = store.unconfirmed_recovery().unwrap().unwrap();
    let url = proxy.url();
    for (typed, is_right) in [(password, true), ("a small heaven on a river", false)] {
        let other = tempfile::tempdir().unwrap();
        let store = KeyStore::open(other.path().join("keys")).unwrap();
        let credentials = Credentials {
            login: "bob".into(),
            password: Password::new(typed),
            code: None,
        };
        let done = connect_with_password(&store, &url, &credentials, info("b"), now_ms()).await;
        assert_eq!(done.is_ok(), is_right, "{:?}", done.err());
    }
    let other = tempfile::tempdir().unwrap();
    let store = KeyStore::open(other.path().join("keys")).unwrap();
    let recovered = connect_with_recovery(&store, &url, &code, info("b"), now_ms()).await;
    assert!(recovered.is_ok(), "{:?}", recovered.err());
    let shown = code.to_string();
    let typed = vec![
        ("the password", password.as_bytes().to_vec()),
        ("the recovery code", code.expose().to_vec()),
        ("the shown recovery code", shown.as_bytes().to_vec()),
        (
            "the typed recovery code",
            shown.replace('-', "").into_bytes(),
        ),
    ];
    (Device::open(home, keys), typed)
}

/// The secret in the fragment of a URL.
fn secret_of(url: &str) -> Vec<u8> {
    match url.parse::<ConnectUrl>().unwrap() {
        ConnectUrl::Invite(invite) => invite.token.0.expose().to_vec(),
        ConnectUrl::Device(device) => device.secret.expose().to_vec(),
    }
}

/// Registration, another device, a password, a recovery, content, failures: with everything written down that anybody says.
#[tokio::test]
async fn a4_r28_secrets_are_in_no_log_and_no_answer_and_never_leave_the_device() {
    let log = listen();
    tracing::trace!("the finest level is heard");
    let proxy = Proxy::start().await;
    proxy.record();
    let invite = proxy.invite().await;
    let first = Device::connect(&invite, "ada").await;
    let home = first.home().await;
    put(
        &home,
        "a plain name",
        b"a plain content, long enough".to_vec(),
    )
    .await
    .unwrap();
    let offer = enrol::offer_device(&first.common.api, &first.keys, None, now_ms())
        .await
        .unwrap();
    let url = offer.url.to_string();
    let second = Device::connect(&proxy.through(&url), "b").await;
    fail(&proxy, &second, &proxy.through(&url)).await;
    let (third, typed) = by_password(&proxy).await;
    let went = proxy.recorded();

    let mut kept = secrets_of(&first).await;
    kept.extend(secrets_of(&second).await);
    kept.extend(secrets_of(&third).await);
    kept.extend(typed);
    let epoch = home.transfer().await.unwrap().keys.epoch();
    assert_eq!(epoch, hythe_model::KeyEpoch::FIRST);
    kept.push(("the secret of the device URL", secret_of(&url)));
    let master = std::fs::read(proxy.data.path().join("server/keys/master")).unwrap();
    let master = master[master.len() - 32..].to_vec();
    kept.push(("the master key", master));
    let mut all = kept.clone();
    all.extend([&first, &second, &third].map(token_of));
    all.push(("the invite", secret_of(&invite)));

    let said = log.0.lock().unwrap().clone();
    for expected in [
        "the finest level is heard",
        "answered status=200",
        "answered status=409",
    ] {
        assert!(holds(&said, expected.as_bytes()), "{expected}");
    }
    assert_without("the log", &said, &all);
    let failed = went.iter().filter(|one| one.status >= 400).count();
    assert!(failed >= 2 && went.len() > 20, "{failed} of {}", went.len());
    for Exchange {
        path,
        request,
        answer,
        ..
    } in &went
    {
        assert_without(&format!("the answer to {path}"), answer, &all);
        assert_without(&format!("the request of {path}"), request, &kept);
        assert_without("a path", path.as_bytes(), &all);
    }
    assert_not_on_disk(&proxy.data.path().join("server"), &all);
}

/// The server keeps no token, no key but its own, and nothing of a file in the clear.
fn assert_not_on_disk(folder: &Path, secrets: &[Secret]) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_not_on_disk(&path, secrets);
            continue;
        }
        // The administrator's socket has nothing in it.
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let what = path.display().to_string();
        assert!(!holds(&bytes, b"a plain name"), "{what}");
        assert!(!holds(&bytes, b"a plain content"), "{what}");
        if !path.ends_with("keys/master") {
            assert_without(&what, &bytes, secrets);
        }
    }
}
