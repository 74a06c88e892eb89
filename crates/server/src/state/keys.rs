//! The server's master key: one file, from which every other secret of the server is derived.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use data_encoding::HEXLOWER;
use hythe_model::Secret32;
use zeroize::Zeroizing;

use super::{make_private_folder, sync_folder};

/// Length of the file: 64 hexadecimal digits and a newline.
const FILE_BYTES: usize = 65;

/// What is derived: each context is used for one thing only, and never changes.
const IDENTITY: &str = "hythe 1 server identity key";
const SEALING: &str = "hythe 1 server keys at rest";

/// 256 random bits that make a server what it is. Never stored anywhere but in its file.
pub struct MasterKey(Secret32);

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("the master key cannot be read or made")]
    Io(#[from] io::Error),
    /// The file can be read by others than its owner.
    #[error("the master key can be read by others: set its mode to 600 (chmod 600 FILE)")]
    Exposed,
    /// The file is not a master key.
    #[error("the master key is damaged: put back a copy of it")]
    Damaged,
}

impl MasterKey {
    /// Reads the master key.
    ///
    /// # Errors
    /// See [`KeyError`]; an error of kind `NotFound` when there is no such file.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Exposed);
        }
        if metadata.len() != FILE_BYTES as u64 {
            return Err(KeyError::Damaged);
        }
        let mut text = Zeroizing::new([0; FILE_BYTES]);
        file.read_exact(text.as_mut())?;
        let mut key = Zeroizing::new([0; 32]);
        match (HEXLOWER.decode_mut(&text[..64], key.as_mut()), text[64]) {
            (Ok(_), b'\n') => Ok(Self(Secret32::new(*key))),
            _ => Err(KeyError::Damaged),
        }
    }

    /// Draws a new master key and writes it to a file that must not be there.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn create(path: &Path) -> Result<Self, KeyError> {
        let folder = path
            .parent()
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        make_private_folder(folder)?;
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut()).map_err(|error| io::Error::other(error.to_string()))?;
        let text = Zeroizing::new(HEXLOWER.encode(key.as_ref()) + "\n");
        // Written whole under another name first: a crash leaves no half key behind.
        let draft = path.with_extension("new");
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::hard_link(&draft, path)?;
        fs::remove_file(&draft)?;
        sync_folder(folder)?;
        Ok(Self(Secret32::new(*key)))
    }

    /// Seed of the Ed25519 key that clients pin.
    pub fn identity_seed(&self) -> Secret32 {
        self.derive(IDENTITY)
    }

    /// What the keys of the server's device are sealed under in the database.
    pub fn sealing_secret(&self) -> Secret32 {
        self.derive(SEALING)
    }

    fn derive(&self, context: &str) -> Secret32 {
        Secret32::new(blake3::derive_key(context, self.0.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_private_survives_and_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master");
        assert!(matches!(MasterKey::load(&path), Err(KeyError::Io(_))));
        let made = MasterKey::create(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let read = MasterKey::load(&path).unwrap();
        assert!(made.sealing_secret() == read.sealing_secret());
        assert!(made.sealing_secret() != read.identity_seed());
        assert!(matches!(MasterKey::create(&path), Err(KeyError::Io(_))));
    }

    #[test]
    fn an_exposed_or_damaged_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master");
        MasterKey::create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(MasterKey::load(&path), Err(KeyError::Exposed)));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "not a key\n").unwrap();
        assert!(matches!(MasterKey::load(&path), Err(KeyError::Damaged)));
    }
}
