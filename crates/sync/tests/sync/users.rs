//! What users do on a disk.

use hythe_model::{EntryName, NodeKind};

use crate::disk::{Content, Disk, ROOT};

/// One deed. Numbers pick entries, directories and names, whatever there is: the n-th of those
/// there are, in order of their paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// A new file; an existing one is written instead.
    File {
        directory: u8,
        name: u8,
        content: Content,
    },
    /// A new directory.
    Directory { directory: u8, name: u8 },
    /// A new symlink.
    Link {
        directory: u8,
        name: u8,
        content: Content,
    },
    /// Writes in place.
    Write { entry: u8, content: Content },
    /// Saves as editors do: a new file renamed over the old one.
    Save { entry: u8, content: Content },
    /// Changes the time only.
    Touch { entry: u8 },
    /// Turns the executable bit over.
    Chmod { entry: u8 },
    /// Removes, with all inside.
    Remove { entry: u8 },
    /// Moves or renames; a file replaces a file that is there.
    Move { entry: u8, directory: u8, name: u8 },
    /// Exchanges the places of two entries.
    Swap { one: u8, other: u8 },
    /// Makes a file of a directory or the other way round, under the same name.
    Retype { entry: u8 },
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What [`Edit::Retype`] writes into the new file.
const RETYPED: Content = 9;

fn name(number: u8) -> EntryName {
    EntryName::new(NAMES[usize::from(number) % NAMES.len()]).unwrap()
}

fn pick(from: &[u64], number: u8) -> Option<u64> {
    (!from.is_empty()).then(|| from[usize::from(number) % from.len()])
}

fn any(disk: &Disk, number: u8) -> Option<u64> {
    pick(
        &disk.of_kind(&[NodeKind::File, NodeKind::Directory, NodeKind::Symlink]),
        number,
    )
}

fn file(disk: &Disk, number: u8) -> Option<u64> {
    pick(&disk.of_kind(&[NodeKind::File]), number)
}

fn directory(disk: &Disk, number: u8) -> u64 {
    let mut all = vec![ROOT];
    all.extend(disk.of_kind(&[NodeKind::Directory]));
    all[usize::from(number) % all.len()]
}

/// Does an edit. What cannot be done, is not; then this says nothing.
pub fn apply(disk: &mut Disk, edit: Edit) -> Option<()> {
    match edit {
        Edit::File {
            directory: at,
            name: n,
            content,
        } => {
            let (parent, name) = (directory(disk, at), name(n));
            match disk.at(parent, &name) {
                None => drop(disk.create(parent, &name, NodeKind::File, content)),
                Some(inode) if disk.is_file(inode) => disk.write(inode, content),
                Some(_) => {}
            }
        }
        Edit::Directory {
            directory: at,
            name: n,
        } => {
            create(disk, directory(disk, at), n, NodeKind::Directory, 0);
        }
        Edit::Link {
            directory: at,
            name: n,
            content,
        } => {
            create(disk, directory(disk, at), n, NodeKind::Symlink, content);
        }
        Edit::Write { entry, content } => disk.write(file(disk, entry)?, content),
        Edit::Save { entry, content } => {
            replace(disk, file(disk, entry)?, NodeKind::File, content);
        }
        Edit::Touch { entry } => disk.touch(file(disk, entry)?),
        Edit::Chmod { entry } => disk.chmod(file(disk, entry)?),
        Edit::Remove { entry } => disk.remove(any(disk, entry)?),
        Edit::Move {
            entry,
            directory: at,
            name: n,
        } => {
            shift(disk, any(disk, entry)?, directory(disk, at), &name(n));
        }
        Edit::Swap { one, other } => swap(disk, any(disk, one)?, any(disk, other)?),
        Edit::Retype { entry } => {
            let inode = any(disk, entry)?;
            match disk.entries[&inode].kind {
                NodeKind::Directory => replace(disk, inode, NodeKind::File, RETYPED),
                _ => replace(disk, inode, NodeKind::Directory, 0),
            }
        }
    }
    Some(())
}

fn create(disk: &mut Disk, parent: u64, n: u8, kind: NodeKind, content: Content) {
    let name = name(n);
    if disk.at(parent, &name).is_none() {
        disk.create(parent, &name, kind, content);
    }
}

fn replace(disk: &mut Disk, inode: u64, kind: NodeKind, content: Content) {
    let old = disk.entries[&inode].clone();
    disk.remove(inode);
    disk.create(old.parent, &old.name, kind, content);
}

fn shift(disk: &mut Disk, inode: u64, parent: u64, name: &EntryName) {
    if disk.is_in(parent, inode) {
        return;
    }
    match disk.at(parent, name) {
        Some(other) if other == inode || !disk.is_file(inode) || !disk.is_file(other) => return,
        Some(other) => disk.remove(other),
        None => {}
    }
    disk.rename(inode, parent, name);
}

fn swap(disk: &mut Disk, one: u64, other: u64) {
    if disk.is_in(one, other) || disk.is_in(other, one) {
        return;
    }
    let (a, b) = (disk.entries[&one].clone(), disk.entries[&other].clone());
    disk.rename(one, ROOT, &EntryName::new("swapping").unwrap());
    disk.rename(other, a.parent, &a.name);
    disk.rename(one, b.parent, &b.name);
}
