//! The sync folders as `verify` looks at them: those that are open, and the others opened for it.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use hythe_control::Failure;

use super::super::words::broke_off;
use super::Report;
use crate::daemon::{Ask, Door};
use crate::disk::{Opened, Owner, Root};
use crate::state::{FolderNumber, FolderRow};

/// A folder and its disk.
pub(super) struct Folder {
    pub number: FolderNumber,
    pub row: FolderRow,
    pub root: Arc<Root>,
}

impl Folder {
    /// A path of the folder, for findings.
    pub fn item(&self, path: &hythe_model::TreePath) -> Vec<u8> {
        let mut item = self.row.path.as_os_str().as_bytes().to_vec();
        item.push(b'/');
        item.extend(path.to_bytes());
        item
    }
}

/// All folders that can be looked at. Of the others it is found that they cannot.
pub(super) async fn folders(door: &Door, report: &mut Report<'_>) -> Result<Vec<Folder>, Failure> {
    let mut found = Vec::new();
    for (number, row) in door.shared.state.read(|rows| rows.numbered_folders())? {
        let open = door.ask(|reply| Ask::Folder(number, reply)).await?;
        let root = match open {
            Some(setting) => Ok(setting.root),
            None => open_root(door, &row).await?,
        };
        match root {
            Ok(root) => found.push(Folder { number, row, root }),
            Err(problem) => {
                let item = row.path.as_os_str().as_bytes().to_vec();
                let action = "Bring the folder back, or end it with `hythe unsync`.";
                report.found("disk", item, problem, action).await;
            }
        }
    }
    Ok(found)
}

/// Opens a folder that the loop has not open.
async fn open_root(door: &Door, row: &FolderRow) -> Result<Result<Arc<Root>, String>, Failure> {
    let owner = Owner {
        device: door.shared.device.device,
        folder: row.id,
        generations: row.generations(),
    };
    let path = row.path.clone();
    let opening = move || match Root::open(&path, &owner) {
        Ok(Opened::Ready(root)) => Ok(Arc::new(root)),
        Ok(Opened::Reconcile(..)) => {
            Err("the folder is not as this device left it; the daemon compares it anew".to_owned())
        }
        Ok(Opened::Away(absence)) => Err(absence.reason().to_owned()),
        Err(error) => Err(error.to_string()),
    };
    tokio::task::spawn_blocking(opening)
        .await
        .map_err(broke_off)
}
