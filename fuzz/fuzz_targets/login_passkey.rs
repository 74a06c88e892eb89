//! What a browser answers about a passkey, as the server reads it (`server/src/files/relying_party.rs`):
//! any attestation to a question that was asked, and any answer by whatever passkey came of it.

#![no_main]

use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use url::Url;
use webauthn_rs::prelude::{SecurityKeyRegistration, Uuid, Webauthn, WebauthnBuilder};

const ORIGIN: &str = "https://hythe.test";

/// A server, and a registration that it began.
struct Scene {
    party: Webauthn,
    state: SecurityKeyRegistration,
    challenge: String,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let origin = Url::parse(ORIGIN).expect("a URL");
    let party = WebauthnBuilder::new("hythe.test", &origin).expect("a name");
    let party = party.danger_set_user_presence_only_security_keys(true);
    let party = party.build().expect("a party");
    let begun = party.start_securitykey_registration(Uuid::nil(), "ann", "ann", None, None, None);
    let (asked, state) = begun.expect("a question");
    let asked = serde_json::to_value(&asked).expect("JSON");
    let challenge = challenge(&asked);
    Scene {
        party,
        state,
        challenge,
    }
});

fn challenge(asked: &Value) -> String {
    asked["publicKey"]["challenge"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// What a browser would say that it signs.
fn client_data(kind: &str, challenge: &str) -> String {
    let data = json!({ "type": kind, "challenge": challenge, "origin": ORIGIN });
    BASE64URL_NOPAD.encode(data.to_string().as_bytes())
}

fuzz_target!(|data: &[u8]| {
    let (cut, rest) = data.split_at(data.len().min(2));
    let cut = cut
        .iter()
        .fold(0, |all, byte| all * 256 + usize::from(*byte));
    let (attestation, answer) = rest.split_at(rest.len().min(cut));
    let made = serde_json::from_value(json!({
        "id": "", "rawId": "", "type": "public-key",
        "response": {
            "clientDataJSON": client_data("webauthn.create", &SCENE.challenge),
            "attestationObject": BASE64URL_NOPAD.encode(attestation),
            "transports": [],
        },
    }));
    let made = made.expect("a form that is always right");
    let Ok(key) = SCENE
        .party
        .finish_securitykey_registration(&made, &SCENE.state)
    else {
        return;
    };
    let begun = SCENE
        .party
        .start_securitykey_authentication(std::slice::from_ref(&key));
    let Ok((asked, state)) = begun else { return };
    let asked = serde_json::to_value(&asked).expect("JSON");
    let (authenticator, signature) = answer.split_at(answer.len() / 2);
    let id = BASE64URL_NOPAD.encode(key.cred_id().as_slice());
    let answered = serde_json::from_value(json!({
        "id": id, "rawId": id, "type": "public-key",
        "response": {
            "clientDataJSON": client_data("webauthn.get", &challenge(&asked)),
            "authenticatorData": BASE64URL_NOPAD.encode(authenticator),
            "signature": BASE64URL_NOPAD.encode(signature),
            "userHandle": null,
        },
    }));
    let answered = answered.expect("a form that is always right");
    // Nobody signs here.
    assert!(
        SCENE
            .party
            .finish_securitykey_authentication(&answered, &state)
            .is_err()
    );
});
