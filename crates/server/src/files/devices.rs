//! Devices of an account, as they are shown to it.

use hythe_wire::device::{DeviceFolder, DevicePatch, DeviceView};
use hythe_wire::limits::{MAX_FOLDERS, MAX_TEXT_BYTES};

use super::{Files, FilesError, Principal};
use crate::metadata::devices::{self, DeviceRow};
use crate::metadata::{DbError, Tx};

/// Longest path of a sync folder that a device tells: what Linux allows, escaped.
const MAX_FOLDER_BYTES: usize = 4 * 4096;

impl Files {
    /// The devices of the caller's account, oldest first, removed ones not among them.
    ///
    /// # Errors
    /// The database's.
    pub async fn devices(&self, principal: &Principal) -> Result<Vec<DeviceView>, FilesError> {
        self.still_valid(principal).await?;
        let account = principal.account();
        let rows: Vec<DeviceRow> = self
            .inner
            .database
            .read(move |tx| devices::of_account(tx, account))
            .await?;
        let rows = rows.into_iter().filter(|row| row.removed_ms.is_none());
        rows.map(|row| self.view(principal, row)).collect()
    }

    fn view(&self, principal: &Principal, row: DeviceRow) -> Result<DeviceView, FilesError> {
        // What was seen since it was last written down is newer than the row.
        let seen = self.inner.sessions.visit(row.device);
        let (address, port, last_seen_ms) = match seen {
            Some(seen) => (
                seen.address.or(row.address),
                seen.port.or(row.port),
                Some(seen.seen_ms),
            ),
            None => (row.address, row.port, row.last_seen_ms),
        };
        let folders: Vec<DeviceFolder> = serde_json::from_str(&row.folders)
            .map_err(|_| DbError::Shape("the folders of a device"))?;
        Ok(DeviceView {
            id: row.device,
            name: row.name,
            platform: row.platform,
            version: row.version,
            address,
            port,
            created_ms: row.created_ms,
            last_seen_ms,
            folders,
            current: row.device == principal.device(),
        })
    }

    /// Sets what the calling device tells about itself; what is absent stays.
    ///
    /// # Errors
    /// [`FilesError::Invalid`] when it is too long, or the database's.
    pub async fn describe_device(
        &self,
        principal: &Principal,
        patch: DevicePatch,
    ) -> Result<(), FilesError> {
        self.still_valid(principal).await?;
        if patch
            .name
            .as_ref()
            .is_some_and(|name| name.len() > MAX_TEXT_BYTES)
        {
            return Err(FilesError::invalid("the name of the device is too long"));
        }
        let folders = patch.folders.as_deref().map(encode_folders).transpose()?;
        let device = principal.device();
        let write = move |tx: &mut dyn Tx| {
            devices::describe(tx, device, patch.name.as_deref(), folders.as_deref())
        };
        Ok(self.inner.database.write(write).await?)
    }
}

fn encode_folders(folders: &[DeviceFolder]) -> Result<String, FilesError> {
    let fits = folders.len() <= MAX_FOLDERS
        && folders
            .iter()
            .all(|folder| folder.path.len() <= MAX_FOLDER_BYTES);
    if !fits {
        return Err(FilesError::invalid("the device has too many folders"));
    }
    serde_json::to_string(folders).map_err(|error| FilesError::Storage(Box::new(error)))
}
