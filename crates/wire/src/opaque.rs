//! Passwords without showing them: OPAQUE (RFC 9807) over ristretto255 with SHA-512 and 3DH, as
//! `@serenity-kit/opaque` speaks it in browsers, behind functions from bytes to bytes.
//!
//! The password is stretched on the client with Argon2id; its cost is fixed here, so that no server
//! can lower it (A3, A25). The server's identifier in the protocol is its identity key: whoever
//! stands in between with a key of its own cannot finish, so a password also tells whether it is
//! the server that it was set with.

use argon2::{Algorithm, Argon2, Params, Version};
use opaque_ke::argon2;
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialFinalization, CredentialRequest,
    CredentialResponse, Identifiers, RegistrationRequest, RegistrationResponse, RegistrationUpload,
    Ristretto255, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup, TripleDh,
};
use rand_core::OsRng;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use hythe_model::Secret32;

use crate::identity::IdentityKey;
use crate::token::Token;

/// Memory of Argon2id in KiB (64 MiB): the second recommended option of RFC 9106.
const STRETCH_MEMORY_KIB: u32 = 64 << 10;
/// Its passes.
const STRETCH_PASSES: u32 = 3;
/// Its lanes.
const STRETCH_LANES: u32 = 4;

/// Most bytes of any message of the protocol; the longest, a credential response, has 320.
pub const MAX_MESSAGE_BYTES: usize = 512;

/// Length of the export key, in bytes.
pub const EXPORT_KEY_BYTES: usize = 64;

/// The suite.
struct Suite;

impl CipherSuite for Suite {
    type OprfCs = Ristretto255;
    type KeyExchange = TripleDh<Ristretto255, sha2::Sha512>;
    type Ksf = Argon2<'static>;
}

/// Why a step of the protocol failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpaqueError {
    /// A message is not one of this step.
    #[error("a message of the login is malformed")]
    Malformed,
    /// The password is wrong, or the other side is not who it says. Which of both cannot be told.
    #[error("the name or the password is wrong, or this is not the server that knows it")]
    Wrong,
}

/// A password as it is stretched: NFC, so that every keyboard writes the same (RFC 8265). Wiped when
/// dropped; has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password that was typed.
    pub fn new(typed: &str) -> Self {
        // Room for the longest form of what was typed, so that no copy is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(typed.len().saturating_mul(3)));
        text.extend(typed.nfc());
        Self(text)
    }

    /// How many characters it has.
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Stretches it at the same cost as a login does, for what no server is asked about.
    ///
    /// # Errors
    /// Never in practice: the cost is fixed here.
    pub fn stretch(&self, salt: &[u8; 32]) -> Result<Secret32, OpaqueError> {
        let mut stretched = Zeroizing::new([0; 32]);
        stretch()?
            .hash_password_into(self.bytes(), salt, &mut *stretched)
            .map_err(malformed)?;
        Ok(Secret32::new(*stretched))
    }
}

/// What the client alone learns of a password: the root of the keys that it holds. Wiped when
/// dropped; has no `Debug`.
pub struct ExportKey(pub Zeroizing<[u8; EXPORT_KEY_BYTES]>);

impl ExportKey {
    fn of(bytes: &[u8]) -> Result<Self, OpaqueError> {
        let mut key = Zeroizing::new([0; EXPORT_KEY_BYTES]);
        if bytes.len() != key.len() {
            return Err(OpaqueError::Malformed);
        }
        key.copy_from_slice(bytes);
        Ok(Self(key))
    }
}

/// Who the server is in the protocol. A text, because browsers' implementations take texts only.
fn server_name(identity: IdentityKey) -> String {
    format!("hythe 1 {identity}")
}

fn identifiers(server: &str) -> Identifiers<'_> {
    Identifiers {
        client: None,
        server: Some(server.as_bytes()),
    }
}

fn stretch() -> Result<Argon2<'static>, OpaqueError> {
    let params = Params::new(STRETCH_MEMORY_KIB, STRETCH_PASSES, STRETCH_LANES, None);
    let params = params.map_err(|_| OpaqueError::Malformed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn malformed<E>(_: E) -> OpaqueError {
    OpaqueError::Malformed
}

/// The token that a finished login leaves with both sides: it never travels before it is used.
fn login_token(session_key: &[u8]) -> Token {
    let key = blake3::derive_key("hythe 1 login token", session_key);
    Token(Secret32::new(key))
}

/// A client that sets a password.
pub struct Registering {
    state: ClientRegistration<Suite>,
    password: Password,
}

impl Registering {
    /// Begins; returns what to send.
    ///
    /// # Errors
    /// Never in practice: see [`OpaqueError`].
    pub fn start(password: Password) -> Result<(Self, Vec<u8>), OpaqueError> {
        let started = ClientRegistration::start(&mut OsRng, password.bytes()).map_err(malformed)?;
        let message = started.message.serialize().to_vec();
        let state = started.state;
        Ok((Self { state, password }, message))
    }

    /// Finishes with the response of the server that has this identity; returns what the server
    /// keeps, and the export key. Takes as long as Argon2id does: not for an async task.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`].
    pub fn finish(
        self,
        response: &[u8],
        server: IdentityKey,
    ) -> Result<(Vec<u8>, ExportKey), OpaqueError> {
        let response = RegistrationResponse::deserialize(response).map_err(malformed)?;
        let (stretch, name) = (stretch()?, server_name(server));
        let params = ClientRegistrationFinishParameters::new(identifiers(&name), Some(&stretch));
        let finished = self
            .state
            .finish(&mut OsRng, self.password.bytes(), response, params)
            .map_err(malformed)?;
        let upload = finished.message.serialize().to_vec();
        Ok((upload, ExportKey::of(&Zeroizing::new(finished.export_key))?))
    }
}

/// A client that logs in.
pub struct LoggingIn {
    state: ClientLogin<Suite>,
    password: Password,
}

/// A login as the client finished it.
pub struct LoggedIn {
    /// What to send.
    pub finalization: Vec<u8>,
    /// The root of the keys that the password holds.
    pub export_key: ExportKey,
    /// What lets the client in once the server has taken the finalization.
    pub token: Token,
}

impl LoggingIn {
    /// Begins; returns what to send.
    ///
    /// # Errors
    /// Never in practice: see [`OpaqueError`].
    pub fn start(password: Password) -> Result<(Self, Vec<u8>), OpaqueError> {
        let started = ClientLogin::start(&mut OsRng, password.bytes()).map_err(malformed)?;
        let message = started.message.serialize().to_vec();
        let state = started.state;
        Ok((Self { state, password }, message))
    }

    /// Finishes with the response of the server that has this identity. Takes as long as Argon2id
    /// does: not for an async task.
    ///
    /// # Errors
    /// See [`OpaqueError`].
    pub fn finish(self, response: &[u8], server: IdentityKey) -> Result<LoggedIn, OpaqueError> {
        let response = CredentialResponse::deserialize(response).map_err(malformed)?;
        let (stretch, name) = (stretch()?, server_name(server));
        let params = ClientLoginFinishParameters::new(None, identifiers(&name), Some(&stretch));
        let finished = self
            .state
            .finish(&mut OsRng, self.password.bytes(), response, params)
            .map_err(|_| OpaqueError::Wrong)?;
        Ok(LoggedIn {
            finalization: finished.message.serialize().to_vec(),
            export_key: ExportKey::of(&Zeroizing::new(finished.export_key))?,
            token: login_token(&Zeroizing::new(finished.session_key)),
        })
    }
}

/// The server's own secrets of the protocol: without them its records are no use for guessing
/// passwords. Has no `Debug`.
pub struct PasswordServer(ServerSetup<Suite>);

/// A login that the server began.
pub struct Begun {
    /// What to send.
    pub response: Vec<u8>,
    /// What is needed to finish. Secret.
    pub state: Zeroizing<Vec<u8>>,
}

impl PasswordServer {
    /// Draws new secrets.
    pub fn draw() -> Self {
        Self(ServerSetup::new(&mut OsRng))
    }

    /// Reads secrets that were stored.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpaqueError> {
        let setup = ServerSetup::deserialize(bytes).map_err(malformed)?;
        Ok(Self(setup))
    }

    /// The secrets, to be stored.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.serialize().to_vec())
    }

    /// Answers [`Registering::start`]. `credential` names the record to be; it should be random.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`].
    pub fn register(&self, request: &[u8], credential: &[u8]) -> Result<Vec<u8>, OpaqueError> {
        let request = RegistrationRequest::deserialize(request).map_err(malformed)?;
        let started = ServerRegistration::<Suite>::start(&self.0, request, credential);
        Ok(started.map_err(malformed)?.message.serialize().to_vec())
    }

    /// Answers [`LoggingIn::start`]. Without a record the answer looks the same and no finalization
    /// fits, so that nobody learns which names there are.
    ///
    /// # Errors
    /// [`OpaqueError::Malformed`].
    pub fn begin(
        &self,
        request: &[u8],
        credential: &[u8],
        record: Option<&[u8]>,
        own: IdentityKey,
    ) -> Result<Begun, OpaqueError> {
        let request = CredentialRequest::deserialize(request).map_err(malformed)?;
        let record = record.map(ServerRegistration::deserialize).transpose();
        let record = record.map_err(malformed)?;
        let name = server_name(own);
        let params = parameters(&name);
        let begun = ServerLogin::start(&mut OsRng, &self.0, record, request, credential, params)
            .map_err(malformed)?;
        Ok(Begun {
            response: begun.message.serialize().to_vec(),
            state: Zeroizing::new(begun.state.serialize().to_vec()),
        })
    }
}

/// The record that a server keeps of a password.
///
/// # Errors
/// [`OpaqueError::Malformed`].
pub fn record(upload: &[u8]) -> Result<Vec<u8>, OpaqueError> {
    let upload = RegistrationUpload::<Suite>::deserialize(upload).map_err(malformed)?;
    Ok(ServerRegistration::finish(upload).serialize().to_vec())
}

/// Finishes a login on the server; returns the token that lets the client in.
///
/// # Errors
/// [`OpaqueError::Wrong`] when the client does not know the password.
pub fn finish(state: &[u8], finalization: &[u8], own: IdentityKey) -> Result<Token, OpaqueError> {
    let state = ServerLogin::<Suite>::deserialize(state).map_err(malformed)?;
    let message = CredentialFinalization::deserialize(finalization).map_err(malformed)?;
    let name = server_name(own);
    let finished = state.finish(message, parameters(&name));
    let finished = finished.map_err(|_| OpaqueError::Wrong)?;
    Ok(login_token(&Zeroizing::new(finished.session_key)))
}

fn parameters(server: &str) -> ServerLoginParameters<'_, '_> {
    ServerLoginParameters {
        context: None,
        identifiers: identifiers(server),
    }
}
