//! Passkeys over the wire: what a browser does after the password, and what is said without one.

use hythe_client::enrol::{
    self, Credentials, EnrolError, Founder, SecondFactors, connect_with_password,
};
use hythe_client::keys::{DeviceKeys, KeyStore};
use hythe_client::net::{Api, ApiError};
use hythe_testkit::SoftPasskey;
use hythe_testkit::passkey::{Answer, Created};
use hythe_wire::factor::{
    FactorProof, PasskeyAssertion, PasskeyBegin, PasskeyFinish, PasskeyRemove,
};
use hythe_wire::login::{LoginDone, LoginFinishRequest, LoginRequest};
use hythe_wire::opaque::{LoggingIn, Password};
use hythe_wire::{Code, IdentityKey, There};
use serde_json::Value;

use crate::login::code_of;
use crate::rig::{Rig, info, now_ms, start, start_called};

const ORIGIN: &str = "https://hythe.test";
const PASSWORD: &str = "a small haven on a river";

/// An account with a password; the keys of its first device.
async fn register(rig: &Rig) -> (DeviceKeys, Api) {
    let home = tempfile::tempdir().unwrap();
    let store = KeyStore::open(home.path().join("keys")).unwrap();
    let founder = Founder {
        login: "ada".into(),
        password: Some(Password::new(PASSWORD)),
        device: info("first"),
    };
    let mut invite: hythe_wire::invite::InviteUrl = rig.invite().await.parse().unwrap();
    // Nobody answers at the name; what counts for passkeys is that the server says it has it.
    invite.server = rig.server.local_url().clone();
    let keys = enrol::register(&store, &invite, founder, now_ms()).await;
    let keys = keys.unwrap();
    let api = Api::new(&keys.server, &keys.token).unwrap();
    (keys, api)
}

/// A login by the client, which has no browser.
async fn log_in(rig: &Rig, code: Option<String>) -> Result<DeviceKeys, EnrolError> {
    let home = tempfile::tempdir().unwrap();
    let store = KeyStore::open(home.path().join("keys")).unwrap();
    let credentials = Credentials {
        login: "ada".into(),
        password: Password::new(PASSWORD),
        code,
    };
    let url = rig.server.local_url();
    connect_with_password(&store, url, &credentials, info("other"), now_ms()).await
}

async fn asked_for(rig: &Rig) -> Option<SecondFactors> {
    log_in(rig, None).await.err().unwrap().second_factors()
}

/// The other half of a login as a browser sends it.
async fn knows_the_password(keys: &DeviceKeys, api: &Api) -> LoginFinishRequest {
    let (client, request) = LoggingIn::start(Password::new(PASSWORD)).unwrap();
    let login = "ada".into();
    let reply = api.login(&LoginRequest { login, request }).await.unwrap();
    let identity = IdentityKey(keys.server.identity);
    let done = client.finish(&reply.response, identity).unwrap();
    LoginFinishRequest {
        session: reply.session,
        finalization: done.finalization,
        code: None,
        passkey: None,
    }
}

/// What the account takes, as a browser is told.
fn taken(ended: Result<LoginDone, ApiError>) -> (bool, Option<Value>) {
    match ended {
        Err(ApiError::Unauthorised(problem)) => match problem.there {
            Some(There::SecondFactor { code, passkey }) => (code, passkey),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn assertion(answer: Answer) -> PasskeyAssertion {
    PasskeyAssertion {
        id: answer.id,
        client_data: answer.client_data,
        authenticator_data: answer.authenticator_data,
        signature: answer.signature,
    }
}

async fn add(api: &Api, name: &str) -> SoftPasskey {
    let begun = api.begin_passkey(&PasskeyBegin::default()).await.unwrap();
    let (passkey, created) = SoftPasskey::create(&begun.options, ORIGIN);
    let Created {
        client_data,
        attestation,
    } = created;
    let made = PasskeyFinish {
        name: name.into(),
        client_data,
        attestation,
        transports: vec!["internal".into()],
    };
    api.finish_passkey(&made).await.unwrap();
    passkey
}

#[tokio::test]
async fn r20_either_of_two_factors_is_enough_and_both_are_named() {
    let rig = start_called(ORIGIN).await;
    let (keys, api) = register(&rig).await;
    let mut passkey = add(&api, "this machine").await;
    let [listed] = &api.passkeys().await.unwrap().passkeys[..] else {
        panic!("one passkey")
    };
    assert_eq!(
        (listed.name.as_str(), listed.usable),
        ("this machine", true)
    );
    assert_eq!(api.account().await.unwrap().passkeys, 1);

    let only = SecondFactors {
        code: false,
        passkey: true,
    };
    assert_eq!(asked_for(&rig).await, Some(only));
    let anybody = Api::anonymous(&keys.server).unwrap();
    let request = knows_the_password(&keys, &anybody).await;
    let (code, options) = taken(anybody.finish_login(&request).await);
    assert!(!code);
    let answered = LoginFinishRequest {
        passkey: Some(assertion(passkey.answer(&options.unwrap(), ORIGIN))),
        ..request
    };
    let done = anybody.finish_login(&answered).await.unwrap();
    assert_eq!(done.account, keys.account);
    let again = anybody.finish_login(&answered).await.err().unwrap();
    assert_eq!(again.code(), Some(Code::LoginWrong));

    // An authenticator besides, with the passkey as proof.
    let refused = api.begin_totp(&FactorProof::default()).await.err().unwrap();
    assert_eq!(refused.code(), Some(Code::ProofNeeded));
    let options = api.challenge_passkey().await.unwrap().options;
    let proof = FactorProof {
        passkey: Some(assertion(passkey.answer(&options, ORIGIN))),
        ..FactorProof::default()
    };
    let secret = api.begin_totp(&proof).await.unwrap().secret;
    api.confirm_totp(code_of(&secret, 0)).await.unwrap();
    let both = SecondFactors {
        code: true,
        passkey: true,
    };
    assert_eq!(asked_for(&rig).await, Some(both));
    log_in(&rig, Some(code_of(&secret, 1))).await.unwrap();
    let request = knows_the_password(&keys, &anybody).await;
    let (code, options) = taken(anybody.finish_login(&request).await);
    assert!(code);
    let answered = LoginFinishRequest {
        passkey: Some(assertion(passkey.answer(&options.unwrap(), ORIGIN))),
        ..request
    };
    anybody.finish_login(&answered).await.unwrap();

    // Either proves the other's removal.
    let options = api.challenge_passkey().await.unwrap().options;
    let proof = FactorProof {
        passkey: Some(assertion(passkey.answer(&options, ORIGIN))),
        ..FactorProof::default()
    };
    api.remove_totp(&proof).await.unwrap();
    assert_eq!(asked_for(&rig).await, Some(only));
}

#[tokio::test]
async fn r20_a_copied_passkey_has_an_answer_of_its_own() {
    let rig = start_called(ORIGIN).await;
    let (_, api) = register(&rig).await;
    let mut passkey = add(&api, "key").await;
    let mut copy = passkey.clone();
    let remove = async |passkey: &mut SoftPasskey| {
        let options = api.challenge_passkey().await.unwrap().options;
        let remove = PasskeyRemove {
            id: vec![0; 16],
            proof: FactorProof {
                passkey: Some(assertion(passkey.answer(&options, ORIGIN))),
                ..FactorProof::default()
            },
        };
        api.remove_passkey(&remove).await
    };
    remove(&mut passkey).await.unwrap();
    let refused = remove(&mut copy).await.err().unwrap();
    assert_eq!(refused.code(), Some(Code::PasskeyCopied));
    assert!(
        api.passkeys().await.unwrap().passkeys[0]
            .copied_ms
            .is_some()
    );
}

#[tokio::test]
async fn r20_a_server_at_an_ip_address_says_that_passkeys_cannot_work() {
    let rig = start().await;
    let (_, api) = register(&rig).await;
    let refused = api.begin_passkey(&PasskeyBegin::default()).await;
    assert_eq!(refused.err().unwrap().code(), Some(Code::NoPasskeys));
    let refused = api.challenge_passkey().await;
    assert_eq!(refused.err().unwrap().code(), Some(Code::NoPasskeys));
    assert!(api.passkeys().await.unwrap().passkeys.is_empty());
}
