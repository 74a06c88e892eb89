//! Passwords and recovery codes: how a person gets into the account.

use hythe_client::enrol::{
    self, Asking, Credentials, EnrolError, Founder, Proof, connect_with_password,
    connect_with_recovery,
};
use hythe_client::keys::{DeviceKeys, KeyStore};
use hythe_client::net::{Api, ApiError};
use hythe_wire::Code;
use hythe_wire::approval::ApprovalCode;
use hythe_wire::factor::FactorProof;
use hythe_wire::opaque::Password;
use hythe_wire::profile::ProfilePatch;
use hythe_wire::recovery::RecoveryCode;
use tempfile::TempDir;

use crate::proxy::Proxy;
use crate::rig::{Device, Rig, info, list, names, now_ms, put, start};

const PASSWORD: &str = "a small haven on a river";

fn credentials(login: &str, password: &str) -> Credentials {
    Credentials {
        login: login.into(),
        password: Password::new(password),
        code: None,
    }
}

fn store() -> (TempDir, KeyStore) {
    let home = tempfile::tempdir().unwrap();
    let store = KeyStore::open(home.path().join("keys")).unwrap();
    (home, store)
}

/// An account with a password; its first device and its recovery code.
async fn register(rig: &Rig, login: &str) -> (Device, RecoveryCode) {
    let (home, store) = store();
    let founder = Founder {
        login: login.into(),
        password: Some(Password::new(PASSWORD)),
        device: info("first"),
    };
    let invite = rig.invite().await.parse().unwrap();
    let keys = enrol::register(&store, &invite, founder, now_ms())
        .await
        .unwrap();
    let code = store.unconfirmed_recovery().unwrap().unwrap();
    (Device::open(home, keys), code)
}

async fn log_in(rig: &Rig, login: &str, password: &str) -> Result<Device, EnrolError> {
    let (home, store) = store();
    let url = rig.server.local_url();
    let credentials = credentials(login, password);
    let keys = connect_with_password(&store, url, &credentials, info("other"), now_ms()).await?;
    Ok(Device::open(home, keys))
}

async fn recover(rig: &Rig, code: &RecoveryCode) -> Result<Device, EnrolError> {
    let (home, store) = store();
    let url = rig.server.local_url();
    let keys = connect_with_recovery(&store, url, code, info("new"), now_ms()).await?;
    Ok(Device::open(home, keys))
}

fn api(keys: &DeviceKeys) -> Api {
    Api::new(&keys.server, &keys.token).unwrap()
}

#[tokio::test]
async fn d10_a_password_lets_a_device_in_with_nobody_else_online() {
    let rig = start().await;
    let (first, _) = register(&rig, "ada").await;
    let home = first.home().await;
    put(&home, "plan", b"secret".to_vec()).await.unwrap();

    let second = log_in(&rig, "ada", PASSWORD).await.unwrap();
    assert_eq!(second.keys.account, first.keys.account);
    let there = second.home().await;
    assert_eq!(
        names(&list(&second, &there, hythe_model::NodeId::ROOT)),
        ["plan"]
    );
    put(&there, "more", b"from the second".to_vec())
        .await
        .unwrap();
    let _ = home.catch_up().await.unwrap();
    assert_eq!(home.digest().await, there.digest().await);
    let devices = first.common.api.devices().await.unwrap();
    assert_eq!(devices.len(), 2);
}

#[tokio::test]
async fn r20_wrong_passwords_and_unknown_names_are_refused_alike() {
    let rig = start().await;
    let (first, _) = register(&rig, "ada").await;
    let wrong = log_in(&rig, "ada", "something else").await.err().unwrap();
    let unknown = log_in(&rig, "nobody", PASSWORD).await.err().unwrap();
    assert!(wrong.is_wrong_password() && unknown.is_wrong_password());
    assert_eq!(wrong.to_string(), unknown.to_string());
    assert_eq!(first.common.api.devices().await.unwrap().len(), 1);
}

#[tokio::test]
async fn r20_guessing_is_slowed_down_and_its_owner_is_not() {
    let rig = start().await;
    let (_, code) = register(&rig, "ada").await;
    let mut refused = None;
    for _ in 0..12 {
        match log_in(&rig, "ada", "a guess").await.err().unwrap() {
            EnrolError::Api(ApiError::Busy(problem)) => refused = Some(problem),
            error => assert!(error.is_wrong_password(), "{error}"),
        }
    }
    let problem = refused.unwrap();
    assert_eq!(problem.code, Code::RateLimited);
    assert!(problem.retry_after_ms.is_some());
    // The recovery code is no password: whoever has it gets in.
    assert!(recover(&rig, &code).await.is_ok());
}

#[tokio::test]
async fn d10_a_recovery_code_lets_in_when_all_devices_are_gone() {
    let rig = start().await;
    let (first, code) = register(&rig, "ada").await;
    let home = first.home().await;
    put(&home, "plan", b"secret".to_vec()).await.unwrap();
    drop((home, first));

    let typed: RecoveryCode = code.to_string().to_lowercase().parse().unwrap();
    for _ in 0..2 {
        let found = recover(&rig, &typed).await.unwrap();
        let home = found.home().await;
        assert_eq!(
            names(&list(&found, &home, hythe_model::NodeId::ROOT)),
            ["plan"]
        );
    }
    let other = RecoveryCode::new([3; 20]);
    let refused = recover(&rig, &other).await.err().unwrap();
    assert!(
        matches!(refused, EnrolError::Api(ApiError::Unauthorised(_))),
        "{refused}"
    );
}

#[tokio::test]
async fn e7_a_new_password_ends_the_old_one_and_needs_it() {
    let rig = start().await;
    let (first, code) = register(&rig, "ada").await;
    let (keys, new) = (&first.keys, || Some(Password::new("quite another one")));
    let api = api(keys);
    for proof in [Proof::Nothing, Proof::Recovery(RecoveryCode::new([1; 20]))] {
        let refused = enrol::set_password(&api, keys, new(), &proof, now_ms()).await;
        let refused = refused.err().unwrap();
        assert!(
            matches!(&refused, EnrolError::Api(error) if error.code() == Some(Code::ProofNeeded)),
            "{refused}"
        );
    }
    let wrong = Proof::Password(credentials("ada", "a guess"));
    let refused = enrol::set_password(&api, keys, new(), &wrong, now_ms()).await;
    assert!(refused.err().unwrap().is_wrong_password());

    let proof = Proof::Password(credentials("ada", PASSWORD));
    enrol::set_password(&api, keys, new(), &proof, now_ms())
        .await
        .unwrap();
    assert!(
        log_in(&rig, "ada", PASSWORD)
            .await
            .err()
            .unwrap()
            .is_wrong_password()
    );
    assert!(log_in(&rig, "ada", "quite another one").await.is_ok());

    // Forgotten: the recovery code sets a new one, or takes it away.
    let proof = Proof::Recovery(code);
    enrol::set_password(&api, keys, None, &proof, now_ms())
        .await
        .unwrap();
    let held = enrol::held(&api, keys).await.unwrap();
    assert!(!held.password && held.recovery);
    assert!(
        log_in(&rig, "ada", "quite another one")
            .await
            .err()
            .unwrap()
            .is_wrong_password()
    );
}

#[tokio::test]
async fn e7_a_new_recovery_code_ends_the_old_one() {
    let rig = start().await;
    let (first, code) = register(&rig, "ada").await;
    let (_keep, store) = store();
    let api = api(&first.keys);
    let proof = Proof::Recovery(code.clone());
    let new = enrol::renew_recovery(&api, &store, &first.keys, &proof, now_ms())
        .await
        .unwrap();
    assert!(store.unconfirmed_recovery().unwrap() == Some(new.clone()));
    assert!(enrol::is_recovery(&api, &first.keys, &new).await.unwrap());
    assert!(!enrol::is_recovery(&api, &first.keys, &code).await.unwrap());
    assert!(recover(&rig, &code).await.is_err());
    assert!(recover(&rig, &new).await.is_ok());
}

#[tokio::test]
async fn an_account_from_an_invite_alone_gets_a_password_later() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let store = KeyStore::open(first.home.path().join("keys")).unwrap();
    assert!(store.unconfirmed_recovery().unwrap().is_some());
    let api = api(&first.keys);
    let held = enrol::held(&api, &first.keys).await.unwrap();
    assert!(!held.password && held.recovery);
    let password = Some(Password::new(PASSWORD));
    enrol::set_password(&api, &first.keys, password, &Proof::Nothing, now_ms())
        .await
        .unwrap();
    assert!(log_in(&rig, "ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn d10_a_device_is_let_in_by_the_code_that_it_shows() {
    let rig = start().await;
    let first = rig.account("ada").await;
    let (home, store) = store();
    let url = rig.server.local_url();
    let asking = Asking::begin(&store, url, info("new")).await.unwrap();
    let code: ApprovalCode = asking.code().to_string().to_lowercase().parse().unwrap();
    let api = api(&first.keys);
    let view = enrol::look_at_device(&api, &code).await.unwrap();
    assert_eq!(
        (view.name.as_str(), view.address.as_deref()),
        ("new", Some("127.0.0.1"))
    );
    let wrong = ApprovalCode::new([0; 12]);
    assert!(enrol::look_at_device(&api, &wrong).await.is_err());
    assert!(
        enrol::approve_device(&api, &first.keys, &wrong, now_ms())
            .await
            .is_err()
    );

    enrol::approve_device(&api, &first.keys, &code, now_ms())
        .await
        .unwrap();
    let again = enrol::approve_device(&api, &first.keys, &code, now_ms()).await;
    assert!(again.is_err(), "a code lets in once");
    let second = Device::open(home, asking.join(&store, now_ms()).await.unwrap());
    assert_eq!(second.keys.account, first.keys.account);
    let there = second.home().await;
    put(&there, "plan", b"secret".to_vec()).await.unwrap();
}

#[tokio::test]
async fn a1_a_server_cannot_put_another_account_in_place_of_the_one_that_approved() {
    let proxy = Proxy::start().await;
    let (_mallory, own) = {
        let (home, store) = store();
        let invite = proxy.invite().await;
        let keys = enrol::connect(&store, &invite, info("m"), "mallory", now_ms()).await;
        (home, keys.unwrap())
    };
    let (_home, store) = store();
    let url = proxy.url();
    let asking = Asking::begin(&store, &url, info("new")).await.unwrap();
    // The server knows the request, and answers with an offer of its own, sealed as it can.
    let offer = enrol::offer_device(&api(&own), &own, None, now_ms())
        .await
        .unwrap();
    let plain = data_encoding::BASE64URL_NOPAD.encode(offer.url.to_string().as_bytes());
    let forged = format!(r#"{{"sealed":"{plain}"}}"#);
    proxy.lie(
        move |asked, bytes| match asked.ends_with("/approvals/poll") {
            true => forged.clone().into_bytes(),
            false => bytes,
        },
    );
    let refused = asking.join(&store, now_ms()).await.err().unwrap();
    assert!(
        matches!(refused, EnrolError::Api(ApiError::Malformed(_))),
        "{refused}"
    );
    assert!(store.device().unwrap().is_none());
}

/// The code that an authenticator with this secret shows, so many steps from now.
pub fn code_of(secret: &str, steps: u64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new()
        .with_secret(secret)
        .with_account_name("ada");
    let now = u64::try_from(now_ms()).unwrap() / 1000;
    totp.build().unwrap().generate(now + steps * 30).to_string()
}

#[tokio::test]
async fn r20_a_second_factor_is_asked_for_and_each_code_counts_once() {
    let rig = start().await;
    let (first, code) = register(&rig, "ada").await;
    let api = api(&first.keys);
    let secret = api
        .begin_totp(&FactorProof::default())
        .await
        .unwrap()
        .secret;
    // It does not count before a code of it was shown.
    assert!(log_in(&rig, "ada", PASSWORD).await.is_ok());
    let wrong = api.confirm_totp("000000".into()).await.err().unwrap();
    assert_eq!(wrong.code(), Some(Code::LoginWrong));
    let used = code_of(&secret, 0);
    api.confirm_totp(used.clone()).await.unwrap();
    assert!(api.account().await.unwrap().second_factor);

    let missing = log_in(&rig, "ada", PASSWORD).await.err().unwrap();
    assert!(missing.second_factors().is_some(), "{missing}");
    let with = async |code: String| {
        let (home, store) = store();
        let credentials = Credentials {
            code: Some(code),
            ..credentials("ada", PASSWORD)
        };
        let url = rig.server.local_url();
        let entering = connect_with_password(&store, url, &credentials, info("o"), now_ms());
        entering.await.map(|keys| Device::open(home, keys))
    };
    assert!(
        with(used).await.err().unwrap().is_wrong_password(),
        "it was used"
    );
    let next = code_of(&secret, 1);
    assert!(with(next.clone()).await.is_ok());
    assert!(
        with(next).await.err().unwrap().is_wrong_password(),
        "it was used"
    );
    // Without the password the code is of no use, and the answer does not tell which was wrong.
    let guess = log_in(&rig, "ada", "a guess").await.err().unwrap();
    assert!(guess.is_wrong_password() && guess.second_factors().is_none());

    // The authenticator is lost.
    let nothing = api
        .remove_totp(&FactorProof::default())
        .await
        .err()
        .unwrap();
    assert_eq!(nothing.code(), Some(Code::ProofNeeded));
    let recovery = Some(enrol::recovery_token(&code).to_hex());
    let proof = FactorProof {
        recovery,
        ..FactorProof::default()
    };
    api.remove_totp(&proof).await.unwrap();
    assert!(log_in(&rig, "ada", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn an_account_is_renamed_and_its_password_stays() {
    let rig = start().await;
    let (first, _) = register(&rig, "ada").await;
    let (other, _) = register(&rig, "bob").await;
    let api = api(&first.keys);
    let patch = ProfilePatch {
        login: Some("lovelace".into()),
        name: Some("Ada Lovelace".into()),
        email: None,
    };
    api.edit_account(&patch).await.unwrap();
    let profile = api.account().await.unwrap();
    assert_eq!(
        (profile.login.as_str(), profile.name.as_str()),
        ("lovelace", "Ada Lovelace")
    );
    assert!(
        log_in(&rig, "ada", PASSWORD)
            .await
            .err()
            .unwrap()
            .is_wrong_password()
    );
    assert!(log_in(&rig, "lovelace", PASSWORD).await.is_ok());
    let taken = self::api(&other.keys)
        .edit_account(&patch)
        .await
        .err()
        .unwrap();
    assert_eq!(taken.code(), Some(Code::LoginTaken));
    let control = ProfilePatch {
        login: Some("a\nb".into()),
        ..ProfilePatch::default()
    };
    let refused = api.edit_account(&control).await.err().unwrap();
    assert_eq!(refused.code(), Some(Code::Invalid));
}

#[tokio::test]
async fn c6_a_login_whose_reply_was_lost_adds_one_device() {
    let proxy = Proxy::start().await;
    let (_first, keys) = {
        let (home, store) = store();
        let founder = Founder {
            login: "ada".into(),
            password: Some(Password::new(PASSWORD)),
            device: info("first"),
        };
        let invite = proxy.invite().await.parse().unwrap();
        let registered = enrol::register(&store, &invite, founder, now_ms()).await;
        (home, registered.unwrap())
    };
    let (_home, store) = store();
    let url = proxy.url();
    let credentials = credentials("ada", PASSWORD);
    proxy.lie(|asked, bytes| match asked.ends_with("/devices/enrol") {
        true => Vec::new(),
        false => bytes,
    });
    let lost = connect_with_password(&store, &url, &credentials, info("b"), now_ms()).await;
    assert!(matches!(lost, Err(EnrolError::Api(ApiError::Malformed(_)))));
    let begun = store.enrolling().unwrap().unwrap().names();
    proxy.be_honest();
    let again = connect_with_password(&store, &url, &credentials, info("b"), now_ms()).await;
    let second = again.unwrap();
    assert_eq!((second.account, second.device), begun);
    assert_eq!(api(&keys).devices().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a25_whoever_stands_in_between_learns_that_it_is_found_out() {
    let proxy = Proxy::start().await;
    let (_home, store) = store();
    let founder = Founder {
        login: "ada".into(),
        password: Some(Password::new(PASSWORD)),
        device: info("first"),
    };
    let invite = proxy.invite().await.parse().unwrap();
    let keys = enrol::register(&store, &invite, founder, now_ms())
        .await
        .unwrap();
    // It says to be itself, and passes everything else on to the server that knows the password.
    let (real, own) = (hex(&keys.server.identity), hex(&[7; 32]));
    proxy.lie(move |_, bytes| match String::from_utf8(bytes) {
        Ok(text) => text.replace(&real, &own).into_bytes(),
        Err(binary) => binary.into_bytes(),
    });
    let (_other, store) = self::store();
    let url = proxy.url();
    let credentials = credentials("ada", PASSWORD);
    let refused = connect_with_password(&store, &url, &credentials, info("b"), now_ms()).await;
    assert!(refused.err().unwrap().is_wrong_password());
    assert!(store.device().unwrap().is_none() && store.enrolling().unwrap().is_none());
    proxy.be_honest();
    assert_eq!(api(&keys).devices().await.unwrap().len(), 1);
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
