//! A file system gives new inodes new numbers and times. After a real power cut the old ones are there:
//! so what a device remembers of them is put into terms of the new ones, and of nothing else.

use std::fs;
use std::path::Path;

use hythe_testkit::power_cut::{Placed, Time};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use super::stage::{Plan, SUBJECT};

/// Where a change time begins in a stored stamp, and where a time of birth.
const CHANGED: usize = 28;
const BORN: usize = 40;
const TIME: usize = 12;

pub fn restamp(plan: &Plan, placed: &[Placed]) {
    names_out(&plan.folder(SUBJECT).join(".hythe/out"), placed);
    // A state that cannot be read is the device's to deal with.
    let _ = rows(&plan.home(SUBJECT).join("state.db"), placed);
}

/// The names in `.hythe/out` carry numbers of inodes.
fn names_out(directory: &Path, placed: &[Placed]) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (mut parts, mut next_is_number) = (Vec::new(), false);
        for part in name.split('-') {
            let number = next_is_number.then(|| u64::from_str_radix(part, 16).unwrap());
            let now = number.and_then(|number| {
                let found = placed.iter().find(|placed| placed.known.number == number);
                found.map(|placed| format!("{:x}", placed.number))
            });
            next_is_number = part == "out" || part == "in";
            parts.push(now.unwrap_or_else(|| part.to_owned()));
        }
        fs::rename(&path, path.with_file_name(parts.join("-"))).unwrap();
    }
}

fn rows(path: &Path, placed: &[Placed]) -> rusqlite::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let connection = Connection::open(path)?;
    // The log is to be there when the device starts.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    for table in ["local", "synced", "pending"] {
        let all = format!("SELECT DISTINCT stamp FROM {table}");
        let stamps: Vec<Vec<u8>> = connection
            .prepare(&all)?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        for stamp in stamps {
            let Some((number, now)) = now(&stamp, placed) else {
                continue;
            };
            if table == "local" {
                let set = "UPDATE local SET inode = ?1 WHERE stamp = ?2";
                connection.execute(set, params![number.cast_signed(), stamp])?;
            }
            let set = format!("UPDATE {table} SET stamp = ?1 WHERE stamp = ?2");
            connection.execute(&set, params![now, stamp])?;
        }
    }
    Ok(())
}

/// The number and stamp that an inode has now; none when it is not there.
fn now(stamp: &[u8], placed: &[Placed]) -> Option<(u64, Vec<u8>)> {
    let number = u64::from_le_bytes(stamp[..8].try_into().unwrap());
    let is_it = |placed: &&Placed| {
        let born = stamp.get(BORN..);
        let born = born.filter(|born| !born.is_empty());
        placed.known.number == number && born.is_none_or(|born| born == bytes(placed.known.born))
    };
    let placed = placed.iter().find(is_it)?;
    let mut now = stamp.to_vec();
    now[..8].copy_from_slice(&placed.number.to_le_bytes());
    let changed = CHANGED..CHANGED + TIME;
    if placed.is_as_known && stamp[changed.clone()] == bytes(placed.known.changed) {
        now[changed].copy_from_slice(&bytes(placed.changed));
    }
    if let (Some(born), Some(stored)) = (placed.born, now.get_mut(BORN..BORN + TIME)) {
        stored.copy_from_slice(&bytes(born));
    }
    Some((placed.number, now))
}

fn bytes((seconds, nanos): Time) -> [u8; TIME] {
    let mut bytes = [0; TIME];
    bytes[..8].copy_from_slice(&seconds.to_le_bytes());
    bytes[8..].copy_from_slice(&u32::try_from(nanos).unwrap().to_le_bytes());
    bytes
}
