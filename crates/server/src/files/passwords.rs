//! The server's secrets for checking passwords.

use hythe_content::{Purpose, open_under, seal_under};
use hythe_model::{AccountId, Secret32};
use hythe_wire::opaque::{Begun, OpaqueError, PasswordServer};
use hythe_wire::{IdentityKey, opaque};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::open::OpenError;
use super::{Denied, FilesError, LoginDenied};
use crate::clock::now_ms;
use crate::metadata::credentials::{self, CredentialRow};
use crate::metadata::{Database, DbError, Tx};
use crate::state::MasterKey;

/// The row of the protocol's secrets.
const SETUP: &str = "opaque";

/// What the protocol's secrets are sealed for.
const SETUP_AT_REST: Purpose = Purpose::new("hythe 1 server opaque setup");

/// What a login that was begun is sealed for.
const SESSION: Purpose = Purpose::new("hythe 1 server login session");

/// What the secret of an authenticator is sealed for.
const FACTOR: Purpose = Purpose::new("hythe 1 server second factor");

/// How long a client may take for the other half of a login: Argon2id on a slow phone.
pub(super) const SESSION_MS: i64 = 60 * 1000;

/// The secrets.
pub(super) struct Passwords {
    server: PasswordServer,
    sessions: Secret32,
    factors: Secret32,
    identity: IdentityKey,
}

/// What the server wants to see again: who began a login, when, and how far it came.
#[derive(Encode, Decode)]
struct Session {
    /// None where no such account has a password.
    #[n(0)]
    account: Option<AccountId>,
    #[n(1)]
    begun_ms: i64,
    #[cbor(n(2), with = "minicbor::bytes")]
    state: Vec<u8>,
}

impl Drop for Session {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.state);
    }
}

/// A login that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginBegun {
    /// To be shown again with the other half; sealed.
    pub session: Vec<u8>,
    /// The protocol's response.
    pub response: Vec<u8>,
}

impl Passwords {
    /// Reads the secrets; draws them where there are none yet.
    pub(super) async fn open(
        database: &Database,
        master: &MasterKey,
        identity: IdentityKey,
    ) -> Result<Self, OpenError> {
        let sealing = master.sealing_secret();
        let drawn = PasswordServer::draw().to_bytes();
        let drawn = seal_under(&sealing, SETUP_AT_REST, SETUP.as_bytes(), &drawn);
        let known = database.read(|tx| credentials::secret(tx, SETUP)).await?;
        let sealed = match known {
            Some(sealed) => sealed,
            // Of replicas that start at once, the first one's stays.
            None => {
                database
                    .write(move |tx| {
                        credentials::offer_secret(tx, SETUP, &drawn)?;
                        let there = credentials::secret(tx, SETUP)?;
                        there.ok_or(DbError::Shape("a secret of the server"))
                    })
                    .await?
            }
        };
        let setup = open_under(&sealing, SETUP_AT_REST, SETUP.as_bytes(), &sealed);
        let setup = Zeroizing::new(setup.map_err(|_| OpenError::OtherKey)?);
        let server = PasswordServer::from_bytes(&setup)
            .map_err(|_| DbError::Shape("the server's secrets for passwords"))?;
        let sessions = blake3::derive_key("hythe 1 server login sessions", &setup);
        let factors = blake3::derive_key("hythe 1 server second factors", &setup);
        Ok(Self {
            server,
            sessions: Secret32::new(sessions),
            factors: Secret32::new(factors),
            identity,
        })
    }

    /// Answers the first half of setting a password.
    pub(super) fn register(
        &self,
        request: &[u8],
        credential: &[u8],
    ) -> Result<Vec<u8>, FilesError> {
        Ok(self.server.register(request, credential)?)
    }

    /// Answers the first half of a login. Takes the same steps whether there is a record or not.
    pub(super) fn begin(
        &self,
        login: &str,
        row: Option<&CredentialRow>,
        request: &[u8],
    ) -> Result<LoginBegun, FilesError> {
        let nobody = self.nobody(login);
        let credential = row.map_or(nobody.as_slice(), |row| row.credential.as_slice());
        let record = row.map(|row| row.record.as_slice());
        let Begun { response, state } =
            self.server
                .begin(request, credential, record, self.identity)?;
        let session = Session {
            account: row.map(|row| row.account),
            begun_ms: now_ms(),
            state: state.to_vec(),
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(512));
        minicbor::encode(&session, &mut *bytes)
            .map_err(|_| FilesError::invalid("the login cannot be kept"))?;
        // Of one length with and without an account: the sealed text must not tell.
        bytes.resize(SESSION_BYTES, 0);
        Ok(LoginBegun {
            session: seal_under(&self.sessions, SESSION, &[], &bytes),
            response,
        })
    }

    /// Takes the other half of a login, if it was begun so long ago at most: whose it is, and the
    /// token that both sides now know.
    pub(super) fn finish(
        &self,
        session: &[u8],
        finalization: &[u8],
        patience_ms: i64,
    ) -> Result<(AccountId, hythe_wire::Token), FilesError> {
        let wrong = || FilesError::from(Denied::Login(LoginDenied::Wrong));
        let bytes = open_under(&self.sessions, SESSION, &[], session).map_err(|_| wrong())?;
        let bytes = Zeroizing::new(bytes);
        let session: Session = minicbor::decode(&bytes).map_err(|_| wrong())?;
        if now_ms().saturating_sub(session.begun_ms) > patience_ms {
            return Err(wrong());
        }
        let token = opaque::finish(&session.state, finalization, self.identity);
        match (session.account, token) {
            (Some(account), Ok(token)) => Ok((account, token)),
            _ => Err(wrong()),
        }
    }

    /// Seals the secret of an account's authenticator.
    pub(super) fn seal_factor(&self, account: AccountId, secret: &[u8]) -> Vec<u8> {
        seal_under(&self.factors, FACTOR, account.as_bytes(), secret)
    }

    /// Opens it again.
    pub(super) fn open_factor(
        &self,
        account: AccountId,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, FilesError> {
        open_under(&self.factors, FACTOR, account.as_bytes(), sealed)
            .map(Zeroizing::new)
            .map_err(|_| DbError::Shape("the secret of an authenticator").into())
    }

    /// The record's name for a login name that nobody has: always the same for one name.
    fn nobody(&self, login: &str) -> [u8; 32] {
        *blake3::keyed_hash(self.sessions.expose(), login.as_bytes()).as_bytes()
    }
}

/// Length of a session before it is sealed; the protocol's state has 192 bytes.
const SESSION_BYTES: usize = 384;

impl From<OpaqueError> for FilesError {
    fn from(error: OpaqueError) -> Self {
        match error {
            OpaqueError::Malformed => Self::invalid(error.to_string()),
            OpaqueError::Wrong => Denied::Login(LoginDenied::Wrong).into(),
        }
    }
}

/// The record of whoever has a login name.
pub(super) fn find(tx: &mut dyn Tx, login: &str) -> Result<Option<CredentialRow>, DbError> {
    credentials::by_login(tx, login)
}
