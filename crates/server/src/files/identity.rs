//! The server as an account with one device: a member of open spaces like any other (D2).

use hythe_content::{Purpose, open_under, seal_under};
use hythe_model::{AccountId, DeviceId, Head, Secret32, ServerEpoch};
use hythe_space::flow::create_account;
use hythe_space::{AccountKeys, AccountState, ChangeSet, Entropy, KemSecret, SigningKey};
use zeroize::Zeroizing;

use super::found;
use super::open::OpenError;
use crate::clock::now_ms;
use crate::metadata::server::{self, ServerRow};
use crate::metadata::{Database, DbError, Tx, logs};
use crate::state::MasterKey;

/// What the keys of the server's device are sealed for.
const KEYS_AT_REST: Purpose = Purpose::new("hythe 1 server device keys");

/// The server's keys and names.
pub(super) struct Identity {
    epoch: ServerEpoch,
    account: AccountId,
    account_head: Head,
    key: SigningKey,
    keys: AccountKeys,
    tls_seed: Secret32,
}

impl Identity {
    pub(super) fn epoch(&self) -> ServerEpoch {
        self.epoch
    }

    pub(super) fn account(&self) -> AccountId {
        self.account
    }

    /// Where the server's own log ends; it does not grow while a server runs.
    pub(super) fn account_head(&self) -> Head {
        self.account_head
    }

    pub(super) fn device(&self) -> DeviceId {
        self.key.device_id()
    }

    pub(super) fn key(&self) -> &SigningKey {
        &self.key
    }

    /// What opens the secrets of the spaces that the server is a member of.
    pub(super) fn keys(&self) -> &AccountKeys {
        &self.keys
    }

    pub(super) fn tls_seed(&self) -> Secret32 {
        self.tls_seed.clone()
    }

    pub(super) fn set_epoch(&mut self, epoch: ServerEpoch) {
        self.epoch = epoch;
    }

    /// The identity of a server that has a row in the database, opened with its master key.
    ///
    /// # Errors
    /// [`OpenError::OtherKey`] when the row was made under another master key.
    pub(super) fn open(
        row: &ServerRow,
        state: &AccountState,
        master: &MasterKey,
    ) -> Result<Self, OpenError> {
        let aad = row.device.as_bytes();
        let opened = open_under(&master.sealing_secret(), KEYS_AT_REST, aad, &row.secrets);
        let opened = Zeroizing::new(opened.map_err(|_| OpenError::OtherKey)?);
        let (seeds, []) = opened.as_chunks::<32>() else {
            return Err(OpenError::OtherKey);
        };
        let [seed, kem] = *<&[[u8; 32]; 2]>::try_from(seeds).map_err(|_| OpenError::OtherKey)?;
        let key = SigningKey::from_seed(&Secret32::new(seed));
        if key.device_id() != row.device {
            return Err(OpenError::OtherKey);
        }
        let kem = KemSecret::from_seed(Secret32::new(kem));
        let keys = AccountKeys::open(state, row.device, &kem);
        Ok(Self {
            epoch: row.epoch,
            account: row.account,
            account_head: state.head(),
            key,
            keys: keys.map_err(|_| OpenError::OtherKey)?,
            tls_seed: master.identity_seed(),
        })
    }
}

/// Makes the server's account at its first start, unless another replica has.
///
/// # Errors
/// The database's, or the system's when it has no randomness.
pub(super) async fn found(database: &Database, master: &MasterKey) -> Result<(), OpenError> {
    let mut entropy =
        Entropy::system().map_err(|error| OpenError::Io(std::io::Error::other(error)))?;
    let made = create_account(now_ms(), &mut entropy)
        .map_err(|error| OpenError::Io(std::io::Error::other(error)))?;
    let device = made.key.device_id();
    let mut secrets = Zeroizing::new(Vec::with_capacity(64));
    secrets.extend_from_slice(made.key.seed().expose());
    secrets.extend_from_slice(made.device_kem.seed().expose());
    let row = ServerRow {
        epoch: ServerEpoch(entropy.bytes()),
        starts: 0,
        account: made.state.id(),
        device,
        secrets: seal_under(
            &master.sealing_secret(),
            KEYS_AT_REST,
            device.as_bytes(),
            &secrets,
        ),
    };
    let log: Vec<ChangeSet> = made.log;
    database
        .write(move |tx| {
            if server::get(tx)?.is_none() {
                server::insert(tx, &row, now_ms())?;
                found::account(tx, &log, now_ms())?;
            }
            Ok::<_, super::FilesError>(())
        })
        .await?;
    Ok(())
}

/// The row of the server and the state of its account.
///
/// # Errors
/// The database's.
pub(super) fn load(tx: &mut dyn Tx) -> Result<Option<(ServerRow, AccountState)>, DbError> {
    let Some(row) = server::get(tx)? else {
        return Ok(None);
    };
    let log = logs::get(tx, row.account.as_bytes())?.ok_or(DbError::Shape("the server's log"))?;
    let state = super::accounts::read_state(&log)?;
    Ok(Some((row, state)))
}
