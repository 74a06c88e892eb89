//! A home whose device was removed from its account and asked to delete its copies: keys, state and
//! logs go too.
//!
//! What is open cannot go under somebody's hands, so it is begun with a mark, and finished by whoever
//! takes the home next, before anything else: at once by the daemon that ends, or after a crash by the
//! next command. A sentence stays, for whoever wonders what became of the device.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::home::Home;

/// The mark: what is here is to go.
const LEAVING: &str = "leaving";

/// What is told afterwards.
const SAID: &str = "removed";

/// Longer is no sentence of ours.
const MAX_SAID: u64 = 64 << 10;

/// What begins so in the home goes. Data of a server that runs there (`server`) is not the account's.
const GOES: [&str; 2] = ["state.db", "daemon.log"];

/// Marks a home as one to be left, for good once this returns.
///
/// # Errors
/// What the file system said: then nothing goes.
pub fn begin(home: &Home, said: &str) -> io::Result<()> {
    let directory = home.directory();
    write(&directory.join(SAID), said)?;
    write(&directory.join(LEAVING), "")?;
    File::open(directory)?.sync_all()
}

/// Whether a home is marked and not left yet.
pub fn is_begun(home: &Home) -> bool {
    home.directory().join(LEAVING).exists()
}

/// Removes what a marked home holds; nothing where there is no mark. Only for who holds its lock.
///
/// # Errors
/// What the file system said; whoever takes the home next goes on.
pub fn finish(home: &Home) -> io::Result<()> {
    if !is_begun(home) {
        return Ok(());
    }
    remove(&home.keys_path(), |_| true)?;
    remove(home.directory(), |name| {
        GOES.iter().any(|begin| name.starts_with(begin))
    })?;
    File::open(home.directory())?.sync_all()?;
    fs::remove_file(home.directory().join(LEAVING))
}

/// What is told of the device that was here; none where there was none such.
pub fn told(home: &Home) -> Option<String> {
    let mut said = String::new();
    let file = File::open(home.directory().join(SAID)).ok()?;
    file.take(MAX_SAID).read_to_string(&mut said).ok()?;
    Some(said)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Removes files of a directory by their names.
fn remove(directory: &Path, goes: impl Fn(&str) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let named = entry.file_name().to_str().is_some_and(&goes);
        if named && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(home: &Home) -> Vec<String> {
        let entries = fs::read_dir(home.directory()).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_marked_home_is_emptied_by_who_takes_it_next_and_once() {
        let place = tempfile::tempdir().unwrap();
        let home = Home::open(place.path()).unwrap();
        let file = |name: &str| place.path().join(name);
        fs::create_dir(home.keys_path()).unwrap();
        fs::create_dir(home.server_path()).unwrap();
        for name in [
            "keys/device",
            "server/hythe.db",
            "state.db",
            "state.db-wal",
            "daemon.log",
        ] {
            fs::write(file(name), "canary").unwrap();
        }
        drop(home.clone().lock().unwrap());
        assert!(file("keys/device").exists() && told(&home).is_none());

        begin(&home, "it was removed").unwrap();
        assert!(file("state.db").exists(), "nobody may be using it");
        drop(home.clone().lock().unwrap());
        assert_eq!(names(&home), ["keys", "lock", "removed", "server"]);
        assert!(!file("keys/device").exists() && file("server/hythe.db").exists());
        assert_eq!(told(&home).as_deref(), Some("it was removed"));

        // What a new device puts there stays.
        fs::write(file("keys/device"), "new").unwrap();
        drop(home.lock().unwrap());
        assert!(file("keys/device").exists());
    }
}
