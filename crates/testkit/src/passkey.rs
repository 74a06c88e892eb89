//! A passkey in software, with the browser around it: it makes and answers what W3C Web
//! Authentication describes, and shares no code with what checks it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// Somebody is there (§6.1).
const PRESENT: u8 = 0x01;
/// A new key comes with the data.
const ATTESTED: u8 = 0x40;

/// A passkey. A clone is what somebody has who copied it.
#[derive(Clone)]
pub struct SoftPasskey {
    /// Its id.
    pub id: Vec<u8>,
    /// How often it was used; 0 for ever where it does not count, as with those that are synced.
    pub count: u32,
    counts: bool,
    key: Arc<EcdsaKeyPair>,
}

/// What a browser hands out after `navigator.credentials.create`.
#[derive(Clone)]
pub struct Created {
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `attestationObject`.
    pub attestation: Vec<u8>,
}

/// What a browser hands out after `navigator.credentials.get`.
#[derive(Clone)]
pub struct Answer {
    /// Which passkey.
    pub id: Vec<u8>,
    /// `clientDataJSON`.
    pub client_data: Vec<u8>,
    /// `authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `signature`.
    pub signature: Vec<u8>,
}

impl Default for SoftPasskey {
    /// A new one, that counts its uses.
    fn default() -> Self {
        Self {
            id: random::<24>().to_vec(),
            count: 0,
            counts: true,
            key: Arc::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()),
        }
    }
}

impl SoftPasskey {
    /// Makes a passkey as the options of a server ask, in a browser that shows a page of this
    /// origin.
    pub fn create(options: &Value, origin: &str) -> (Self, Created) {
        let mut passkey = Self::default();
        let created = passkey.register(options, origin);
        (passkey, created)
    }

    /// One that does not count its uses.
    #[must_use]
    pub fn uncounted() -> Self {
        Self {
            counts: false,
            ..Self::default()
        }
    }

    /// Makes this the passkey that the options of a server ask for.
    pub fn register(&mut self, options: &Value, origin: &str) -> Created {
        let taken = options["pubKeyCredParams"].as_array().unwrap();
        assert!(
            taken.iter().any(|one| one["alg"] == json!(-7)),
            "the server does not take ES256"
        );
        let client_data = client_data("webauthn.create", options, origin);
        let party = options["rp"]["id"].as_str().unwrap();
        let mut data = self.data(party, PRESENT | ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.cose_key());
        Created {
            client_data,
            attestation: attestation(&data),
        }
    }

    /// Answers the challenge of a server, whether it is named in it or not.
    pub fn answer(&mut self, options: &Value, origin: &str) -> Answer {
        let client_data = client_data("webauthn.get", options, origin);
        let authenticator_data = self.data(options["rpId"].as_str().unwrap(), PRESENT);
        let mut signed = authenticator_data.clone();
        signed.extend(digest(&SHA256, &client_data).as_ref());
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        Answer {
            id: self.id.clone(),
            client_data,
            authenticator_data,
            signature: signature.as_ref().to_vec(),
        }
    }

    /// The authenticator's data, without a key (§6.1). Each time it counts.
    fn data(&mut self, party: &str, flags: u8) -> Vec<u8> {
        self.count += u32::from(self.counts);
        let mut data = digest(&SHA256, party.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.count.to_be_bytes());
        data
    }

    /// The public key as COSE writes it (RFC 9053 §7.1).
    fn cose_key(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let mut bytes = Vec::new();
        let mut cbor = minicbor::Encoder::new(&mut bytes);
        cbor.map(5).unwrap();
        cbor.i8(1).unwrap().i8(2).unwrap();
        cbor.i8(3).unwrap().i8(-7).unwrap();
        cbor.i8(-1).unwrap().i8(1).unwrap();
        cbor.i8(-2).unwrap().bytes(x).unwrap();
        cbor.i8(-3).unwrap().bytes(y).unwrap();
        bytes
    }
}

/// What the browser says it did, and for which page.
fn client_data(what: &str, options: &Value, origin: &str) -> Vec<u8> {
    let said = json!({
        "type": what,
        "challenge": options["challenge"],
        "origin": origin,
        "crossOrigin": false,
    });
    serde_json::to_vec(&said).unwrap()
}

/// An attestation that attests nothing (§8.7).
fn attestation(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut cbor = minicbor::Encoder::new(&mut bytes);
    cbor.map(3).unwrap();
    cbor.str("fmt").unwrap().str("none").unwrap();
    cbor.str("attStmt").unwrap().map(0).unwrap();
    cbor.str("authData").unwrap().bytes(data).unwrap();
    bytes
}

/// Options with another challenge in them.
#[must_use]
pub fn with_another_challenge(options: &Value) -> Value {
    let mut other = options.clone();
    other["challenge"] = BASE64URL_NOPAD.encode(&random::<32>()).into();
    other
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes
}
