//! The server as the party that passkeys are made for, and the only place that knows the library.
//!
//! A passkey is the *second* factor here: it shows that somebody has something, after the password
//! showed that they know something. Its answer must say that somebody was present (touched it); that
//! it checked who (by a PIN or a finger) would be the same factor twice, and is discouraged. So keys
//! without a PIN are taken, nobody is asked for a PIN after a password, and nobody is locked out by
//! a browser that does not ask where another did. No attestation is asked for: whatever keeps a key
//! will do.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use hythe_model::AccountId;
use hythe_wire::factor::{PasskeyAssertion, PasskeyFinish};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::{Host, Url};
use webauthn_rs::prelude::{
    PublicKeyCredential, RegisterPublicKeyCredential, SecurityKey, SecurityKeyAuthentication,
    SecurityKeyRegistration, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};

use super::FilesError;
use crate::metadata::DbError;
use crate::metadata::passkeys::PasskeyRow;

/// How long a person may take: what the standard recommends (§15.1).
pub(super) const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Who asks, as a browser shows it.
const NAME: &str = "Hythe";

/// The server as passkeys know it: a name, and the origin of its pages.
#[derive(Clone)]
pub struct RelyingParty {
    name: String,
    library: Arc<Webauthn>,
}

/// What is asked of a browser, and what the server keeps of it.
pub(super) struct Asked {
    /// For the browser.
    pub(super) options: Value,
    /// For the server.
    pub(super) state: Vec<u8>,
}

/// A new passkey.
pub(super) struct Made {
    /// Its id.
    pub(super) credential: Vec<u8>,
    /// What to keep of it.
    pub(super) state: Vec<u8>,
}

/// A passkey's answer that stands.
pub(super) struct Answered {
    /// How often it says that it was used.
    pub(super) sign_count: u32,
    /// What to keep of it from now on.
    pub(super) state: Vec<u8>,
}

/// Why a passkey's answer does not stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerFault {
    /// It is not the answer to this question, or not this passkey's.
    Wrong,
    /// It is, but the passkey had counted further before.
    Copied,
}

impl RelyingParty {
    /// The party at the address that clients are told; none where passkeys do not work: browsers
    /// want a name, and an encrypted connection unless it is to the same machine.
    pub fn at(public: &Url) -> Option<Self> {
        let Some(Host::Domain(name)) = public.host() else {
            return None;
        };
        if public.scheme() != "https" && name != "localhost" {
            return None;
        }
        // Only the origin counts: a path would be compared as part of it.
        let origin = Url::parse(&public.origin().ascii_serialization()).ok()?;
        let builder = WebauthnBuilder::new(name, &origin).ok()?;
        let library = builder
            .rp_name(NAME)
            .timeout(PATIENCE)
            .danger_set_user_presence_only_security_keys(true)
            .build()
            .ok()?;
        Some(Self {
            name: name.to_owned(),
            library: Arc::new(library),
        })
    }

    /// The name that passkeys are bound to.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Asks for a new passkey beside those that there are.
    pub(super) fn ask_for_new(
        &self,
        account: AccountId,
        login: &str,
        there: &[PasskeyRow],
    ) -> Result<Asked, FilesError> {
        let exclude = there.iter().map(|row| row.credential.clone()).collect();
        let begun = self.library.start_securitykey_registration(
            user(account),
            login,
            login,
            Some(exclude),
            None,
            None,
        );
        let (mut asked, state) = begun.map_err(failed)?;
        // Whatever keeps a key will do: a phone or this machine as well as a key on a ring.
        asked.public_key.hints = None;
        asked.public_key.extensions = None;
        Ok(Asked {
            options: options(&asked)?,
            state: kept(&state)?,
        })
    }

    /// The passkey that a browser made.
    pub(super) fn make(&self, state: &[u8], made: &PasskeyFinish) -> Result<Made, FilesError> {
        let state: SecurityKeyRegistration = read(state)?;
        let wrong = |error: WebauthnError| {
            tracing::debug!(%error, "a passkey was not taken");
            not_taken()
        };
        let response: RegisterPublicKeyCredential = serde_json::from_value(json!({
            // The id that counts is in the attestation.
            "id": "",
            "rawId": "",
            "type": "public-key",
            "response": {
                "clientDataJSON": base64(&made.client_data),
                "attestationObject": base64(&made.attestation),
                "transports": made.transports,
            },
        }))
        .map_err(|_| not_taken())?;
        let key = self
            .library
            .finish_securitykey_registration(&response, &state);
        let key = key.map_err(wrong)?;
        Ok(Made {
            credential: key.cred_id().as_slice().to_vec(),
            state: kept(&key)?,
        })
    }

    /// Asks for an answer of one of some passkeys; none when none of them was made for this party.
    pub(super) fn ask(&self, there: &[PasskeyRow]) -> Result<Option<Asked>, FilesError> {
        let ours = there.iter().filter(|row| row.party == self.name);
        let keys: Vec<SecurityKey> = ours.map(|row| read(&row.state)).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Ok(None);
        }
        let begun = self.library.start_securitykey_authentication(&keys);
        let (mut asked, state) = begun.map_err(failed)?;
        asked.public_key.hints = None;
        Ok(Some(Asked {
            options: options(&asked)?,
            state: kept(&state)?,
        }))
    }

    /// Checks what a passkey answered to a question.
    pub(super) fn check(
        &self,
        asked: &[u8],
        row: &PasskeyRow,
        answer: &PasskeyAssertion,
    ) -> Result<Result<Answered, AnswerFault>, FilesError> {
        let asked: SecurityKeyAuthentication = read(asked)?;
        let mut key: SecurityKey = read(&row.state)?;
        let answer: PublicKeyCredential = serde_json::from_value(json!({
            "id": base64(&answer.id),
            "rawId": base64(&answer.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": base64(&answer.client_data),
                "authenticatorData": base64(&answer.authenticator_data),
                "signature": base64(&answer.signature),
                "userHandle": null,
            },
        }))
        .map_err(|error| FilesError::Storage(Box::new(error)))?;
        match self
            .library
            .finish_securitykey_authentication(&answer, &asked)
        {
            // The library compared with the count of when it asked; another answer may have been
            // taken since. What does not count (most that are synced) stays at 0 (§6.1.1).
            Ok(result) if row.sign_count > 0 && result.counter() <= row.sign_count => {
                Ok(Err(AnswerFault::Copied))
            }
            Ok(result) => {
                key.update_credential(&result);
                Ok(Ok(Answered {
                    sign_count: result.counter(),
                    state: kept(&key)?,
                }))
            }
            Err(WebauthnError::CredentialPossibleCompromise) => Ok(Err(AnswerFault::Copied)),
            Err(error) => {
                tracing::debug!(%error, "a passkey's answer does not stand");
                Ok(Err(AnswerFault::Wrong))
            }
        }
    }
}

/// Who a passkey belongs to, as the authenticator keeps it: nothing that a person would recognise
/// (§14.6.1).
fn user(account: AccountId) -> Uuid {
    let hash = blake3::derive_key("hythe 1 passkey user", account.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(id)
}

/// The part that a browser takes.
fn options(asked: &impl Serialize) -> Result<Value, FilesError> {
    let mut value = serde_json::to_value(asked).map_err(storage)?;
    Ok(value["publicKey"].take())
}

fn kept(state: &impl Serialize) -> Result<Vec<u8>, FilesError> {
    serde_json::to_vec(state).map_err(storage)
}

fn read<T: DeserializeOwned>(state: &[u8]) -> Result<T, FilesError> {
    serde_json::from_slice(state).map_err(|_| DbError::Shape("a passkey").into())
}

fn base64(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn storage(error: serde_json::Error) -> FilesError {
    FilesError::Storage(Box::new(error))
}

fn failed(error: WebauthnError) -> FilesError {
    FilesError::Storage(Box::new(error))
}

fn not_taken() -> FilesError {
    FilesError::invalid("this is no passkey that was asked for: begin again")
}

#[cfg(test)]
mod tests {
    use hythe_testkit::SoftPasskey;
    use hythe_testkit::passkey::{Answer, Created};
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: &str = "https://hythe.test";
    const ACCOUNT: AccountId = AccountId([7; 32]);

    fn at(url: &str) -> Option<RelyingParty> {
        RelyingParty::at(&url.parse().unwrap())
    }

    #[test]
    fn passkeys_need_a_name_and_encryption() {
        for url in [
            "https://192.0.2.7:7443/",
            "https://[2001:db8::7]:7443/",
            "http://files.example.org/",
        ] {
            assert!(at(url).is_none(), "{url}");
        }
        for (url, name) in [
            ("https://files.example.org:7443/", "files.example.org"),
            (
                "https://files.example.org/below/a/path",
                "files.example.org",
            ),
            ("http://localhost:7443/", "localhost"),
        ] {
            assert_eq!(at(url).unwrap().name(), name);
        }
    }

    fn finish(created: Created) -> PasskeyFinish {
        PasskeyFinish {
            name: "key".into(),
            client_data: created.client_data,
            attestation: created.attestation,
            transports: vec![],
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

    /// A passkey that was registered with a party.
    fn registered(party: &RelyingParty) -> (SoftPasskey, PasskeyRow) {
        let asked = party.ask_for_new(ACCOUNT, "ann", &[]).unwrap();
        let (passkey, created) = SoftPasskey::create(&asked.options, ORIGIN);
        let made = party.make(&asked.state, &finish(created)).unwrap();
        let row = PasskeyRow {
            credential: made.credential,
            name: "key".into(),
            party: party.name().into(),
            state: made.state,
            sign_count: 0,
            created_ms: 0,
            used_ms: None,
            copied_ms: None,
        };
        (passkey, row)
    }

    /// One byte of some parts, changed or cut off.
    fn damage(parts: [&mut Vec<u8>; 3], place: usize, bits: u8) {
        let mut place = place % parts.iter().map(|part| part.len()).sum::<usize>();
        for part in parts {
            match part.get_mut(place) {
                Some(_) if bits == 0 => return part.truncate(place),
                Some(byte) => {
                    *byte ^= bits;
                    return;
                }
                None => place -= part.len(),
            }
        }
    }

    proptest! {
        #[test]
        fn r20_no_answer_with_a_changed_byte_is_taken(place: usize, bits: u8) {
            let party = at("https://hythe.test/").unwrap();
            let (mut passkey, row) = registered(&party);
            let asked = party.ask(std::slice::from_ref(&row)).unwrap().unwrap();
            let mut answer = assertion(passkey.answer(&asked.options, ORIGIN));
            prop_assert!(party.check(&asked.state, &row, &answer).unwrap().is_ok());
            damage(
                [&mut answer.client_data, &mut answer.authenticator_data, &mut answer.signature],
                place,
                bits,
            );
            let checked = party.check(&asked.state, &row, &answer).unwrap();
            prop_assert_eq!(checked.err(), Some(AnswerFault::Wrong));
        }

        #[test]
        fn r31_a_damaged_registration_is_refused_or_is_one(place: usize, bits: u8) {
            let party = at("https://hythe.test/").unwrap();
            let asked = party.ask_for_new(ACCOUNT, "ann", &[]).unwrap();
            let (_, created) = SoftPasskey::create(&asked.options, ORIGIN);
            let mut made = finish(created);
            damage(
                [&mut made.client_data, &mut made.attestation, &mut Vec::new()],
                place,
                bits,
            );
            // It is not signed, so some other key may be in it: but never a fault of the server's.
            if let Err(error) = party.make(&asked.state, &made) {
                prop_assert!(matches!(error, FilesError::Invalid(_)), "{}", error);
            }
        }

        #[test]
        fn r31_what_is_no_registration_is_refused(
            client_data in prop::collection::vec(any::<u8>(), 0..200),
            attestation in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let party = at("https://hythe.test/").unwrap();
            let asked = party.ask_for_new(ACCOUNT, "ann", &[]).unwrap();
            let (_, created) = SoftPasskey::create(&asked.options, ORIGIN);
            let junk = PasskeyFinish { attestation: attestation.clone(), ..finish(created) };
            prop_assert!(party.make(&asked.state, &junk).is_err());
            let junk = PasskeyFinish { client_data, ..junk };
            prop_assert!(party.make(&asked.state, &junk).is_err());
        }
    }
}
