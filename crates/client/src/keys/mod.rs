//! The secrets of this device, at rest in `HYTHE_HOME/keys` (0700, files 0600).
//!
//! ```text
//! keys/device       who this device is, once it is enrolled
//! keys/enrolling    an enrolment whose reply has not been seen yet
//! keys/recovery     a recovery code, until its owner typed it back
//! ```
//!
//! Each is one file, written whole, so that no crash leaves half of a device behind.

mod file;

use std::path::PathBuf;

use hythe_model::{AccountId, DeviceId, Secret32};
use hythe_space::Told;
use hythe_wire::Token;
use hythe_wire::recovery::{RECOVERY_BYTES, RecoveryCode};
use minicbor::{Decode, Encode};

pub use file::KeyFileError;
use file::SecretFile;

/// First byte of each file.
const FORMAT: u8 = 1;
/// No honest file is longer; a longer one is refused before it is read.
const MAX_BYTES: u64 = 4 << 20;

/// The server this device belongs to, and how it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ServerPin {
    /// Base address, `https://host:port/`.
    #[n(0)]
    pub url: String,
    /// The server's identity key. Whoever cannot prove it is not this server.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub identity: [u8; 32],
}

/// All that makes this device itself. No `Debug`; wiped when dropped.
#[derive(Clone, Encode, Decode)]
pub struct DeviceKeys {
    /// Whose device this is.
    #[n(0)]
    pub account: AccountId,
    /// This device.
    #[n(1)]
    pub device: DeviceId,
    /// Seed of the Ed25519 key that signs.
    #[n(2)]
    pub signing: Secret32,
    /// Seed of the X-Wing key to which the account's log wraps the account's secret for this device.
    #[n(3)]
    pub agreement: Secret32,
    /// How the server knows this device again: it drew the token itself.
    #[n(4)]
    pub token: Token,
    /// Where the server is and how this device knows it.
    #[n(5)]
    pub server: ServerPin,
    /// How far the device that let this one in was shown the account's spaces.
    #[n(6)]
    pub told: Option<Told>,
}

/// An enrolment that was begun: enough to send exactly the same request again (C6).
#[derive(Clone, Encode, Decode)]
pub struct Enrolling {
    /// BLAKE3 of the URL that was used: another URL begins another enrolment.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub url_hash: [u8; 32],
    /// What becomes of this device when the server accepts.
    #[n(1)]
    pub keys: DeviceKeys,
    /// The request's body, byte for byte.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub request: Vec<u8>,
    /// The random bytes of the new account's recovery code.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub recovery: Option<minicbor::bytes::ByteArray<RECOVERY_BYTES>>,
}

impl Enrolling {
    /// Account and device, to be compared with the server's reply.
    pub fn names(&self) -> (AccountId, DeviceId) {
        (self.keys.account, self.keys.device)
    }
}

/// A recovery code as it is kept.
#[derive(Encode, Decode)]
struct KeptCode {
    #[cbor(n(0), with = "minicbor::bytes")]
    code: minicbor::bytes::ByteArray<RECOVERY_BYTES>,
}

/// The directory that holds them.
#[derive(Debug, Clone)]
pub struct KeyStore {
    device: SecretFile,
    enrolling: SecretFile,
    recovery: SecretFile,
}

impl KeyStore {
    /// Uses a directory, which is made (0700) if it is not there and closed to others if it is open.
    ///
    /// # Errors
    /// [`KeyFileError::Io`] when it cannot be made or closed.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, KeyFileError> {
        let directory = directory.into();
        file::make_private(&directory)?;
        Ok(Self {
            device: SecretFile::new(&directory, "device"),
            enrolling: SecretFile::new(&directory, "enrolling"),
            recovery: SecretFile::new(&directory, "recovery"),
        })
    }

    /// Who this device is; none before it is enrolled.
    ///
    /// # Errors
    /// When the file is there and cannot be read or understood.
    pub fn device(&self) -> Result<Option<DeviceKeys>, KeyFileError> {
        self.device.load(FORMAT, MAX_BYTES)
    }

    /// Durably becomes this device, and forgets the enrolment that led to it.
    ///
    /// # Errors
    /// [`KeyFileError::Io`]; then the previous content is still there.
    pub fn set_device(&self, keys: &DeviceKeys) -> Result<(), KeyFileError> {
        self.device.store(FORMAT, keys)?;
        self.enrolling.remove()
    }

    /// The enrolment whose reply has not been seen, if there is one.
    ///
    /// # Errors
    /// When the file is there and cannot be read or understood.
    pub fn enrolling(&self) -> Result<Option<Enrolling>, KeyFileError> {
        self.enrolling.load(FORMAT, MAX_BYTES)
    }

    /// Durably keeps an enrolment before its request is sent.
    ///
    /// # Errors
    /// [`KeyFileError::Io`].
    pub fn set_enrolling(&self, enrolling: &Enrolling) -> Result<(), KeyFileError> {
        self.enrolling.store(FORMAT, enrolling)
    }

    /// The recovery code that nobody has typed back yet; none when there is none such.
    ///
    /// # Errors
    /// When the file is there and cannot be read or understood.
    pub fn unconfirmed_recovery(&self) -> Result<Option<RecoveryCode>, KeyFileError> {
        let kept: Option<KeptCode> = self.recovery.load(FORMAT, MAX_BYTES)?;
        Ok(kept.map(|kept| RecoveryCode::new(*kept.code)))
    }

    /// Durably keeps a recovery code until it is confirmed.
    ///
    /// # Errors
    /// [`KeyFileError::Io`].
    pub fn set_unconfirmed_recovery(&self, code: &RecoveryCode) -> Result<(), KeyFileError> {
        let code = (*code.expose()).into();
        self.recovery.store(FORMAT, &KeptCode { code })
    }

    /// Forgets the recovery code: its owner has it.
    ///
    /// # Errors
    /// [`KeyFileError::Io`].
    pub fn forget_recovery(&self) -> Result<(), KeyFileError> {
        self.recovery.remove()
    }

    /// Forgets an enrolment that was refused.
    ///
    /// # Errors
    /// [`KeyFileError::Io`].
    pub fn forget_enrolling(&self) -> Result<(), KeyFileError> {
        self.enrolling.remove()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn keys(token: u8) -> DeviceKeys {
        DeviceKeys {
            account: AccountId([1; 32]),
            device: DeviceId([2; 32]),
            signing: Secret32::new([4; 32]),
            agreement: Secret32::new([5; 32]),
            token: Token(Secret32::new([token; 32])),
            server: ServerPin {
                url: "https://localhost:7443/".into(),
                identity: [7; 32],
            },
            told: None,
        }
    }

    #[test]
    fn a_device_is_stored_privately_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = KeyStore::open(directory.path().join("keys")).unwrap();
        assert!(store.device().unwrap().is_none());
        let enrolling = Enrolling {
            url_hash: [9; 32],
            keys: keys(0),
            request: vec![1, 2, 3],
            recovery: None,
        };
        store.set_enrolling(&enrolling).unwrap();
        assert_eq!(store.enrolling().unwrap().unwrap().request, [1, 2, 3]);
        store.set_device(&keys(8)).unwrap();
        assert!(store.enrolling().unwrap().is_none());

        let again = KeyStore::open(directory.path().join("keys"))
            .unwrap()
            .device()
            .unwrap()
            .unwrap();
        assert!(again.token == Token(Secret32::new([8; 32])));
        assert!(again.signing == Secret32::new([4; 32]));
        let mode = |path: &str| {
            let at = directory.path().join(path);
            std::fs::metadata(at).unwrap().permissions().mode() & 0o777
        };
        assert_eq!((mode("keys"), mode("keys/device")), (0o700, 0o600));
    }

    #[test]
    fn a_damaged_or_newer_file_is_refused_and_named() {
        let directory = tempfile::tempdir().unwrap();
        let store = KeyStore::open(directory.path()).unwrap();
        store.set_device(&keys(8)).unwrap();
        let path = directory.path().join("device");
        let good = std::fs::read(&path).unwrap();
        for bad in [
            &good[..good.len() - 1],
            &[good.as_slice(), b"x"].concat(),
            b"",
            b"\x02\x80",
        ] {
            std::fs::write(&path, bad).unwrap();
            let error = store.device().err().unwrap().to_string();
            assert!(error.contains("device"), "{error}");
        }
    }

    #[test]
    fn files_left_open_to_others_are_closed() {
        let directory = tempfile::tempdir().unwrap();
        let store = KeyStore::open(directory.path()).unwrap();
        store.set_device(&keys(8)).unwrap();
        let path = directory.path().join("device");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        store.device().unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
