//! A server's data in a temporary folder.

use std::path::Path;
use std::time::Duration;

use hythe_server::files::{Files, StoreOptions};
use tempfile::TempDir;

/// The rules over a fresh folder, which goes when this is dropped.
pub struct World {
    pub files: Files,
    pub options: StoreOptions,
    folder: TempDir,
}

impl World {
    /// With SQLite, or with the PostgreSQL database of a URL.
    pub async fn open(database: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            data: folder.path().join("data"),
            database,
            key_file: None,
            witness: Some(folder.path().join("witness")),
        };
        let files = Files::open(options.clone()).await.unwrap();
        Self {
            files,
            options,
            folder,
        }
    }

    /// A folder beside the data.
    pub fn beside(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Ends the server and starts it again.
    pub async fn restart(&mut self) {
        self.files.close().await;
        self.files = Files::open(self.options.clone()).await.unwrap();
    }

    /// An invite's token.
    pub async fn invite(&self) -> hythe_wire::Token {
        self.files
            .create_invite(Duration::from_secs(60), false)
            .await
            .unwrap()
            .token
    }
}

/// Copies a folder as it is, as a backup tool would while nobody writes, or as a power cut would
/// leave it.
pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy_folder(&entry.path(), &target),
            kind if kind.is_file() => {
                std::fs::copy(entry.path(), target).unwrap();
            }
            _ => {}
        }
    }
}
