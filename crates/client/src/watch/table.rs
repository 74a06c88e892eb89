//! Which directory each watch is on. Directories are kept by name and directory above, so that a
//! move of a whole tree changes one entry.

use std::collections::HashMap;

use hythe_model::{EntryName, TreePath};

use crate::os::WatchId;

/// The watched directories of one folder.
#[derive(Default)]
pub(super) struct Table {
    directories: HashMap<WatchId, Watched>,
    root: Option<WatchId>,
}

struct Watched {
    /// The directory above and the name in it; none for the folder itself.
    place: Option<(WatchId, Box<[u8]>)>,
    /// Watched directories right in it.
    children: HashMap<Box<[u8]>, WatchId>,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.directories.len()
    }

    pub(super) fn is_root(&self, id: WatchId) -> bool {
        self.root == Some(id)
    }

    /// Enters a watch on the directory at `path`, or corrects where it is. Says whether it is new.
    pub(super) fn put(&mut self, id: WatchId, path: &[u8]) -> bool {
        let is_new = !self.directories.contains_key(&id);
        let place = match split(path) {
            None => {
                self.root = Some(id);
                None
            }
            Some((above, name)) => self.find(above).map(|above| (above, name)),
        };
        self.directories.entry(id).or_insert_with(|| Watched {
            place: None,
            children: HashMap::new(),
        });
        self.place(id, place.map(|(above, name)| (above, name.into())));
        is_new
    }

    /// The watched directory with a name right in another.
    pub(super) fn child(&self, above: WatchId, name: &[u8]) -> Option<WatchId> {
        self.directories.get(&above)?.children.get(name).copied()
    }

    /// Puts a directory, with all below it, at another place; none when it left the folder.
    pub(super) fn place(&mut self, id: WatchId, place: Option<(WatchId, Box<[u8]>)>) {
        let Some(directory) = self.directories.get_mut(&id) else {
            return;
        };
        let before = std::mem::replace(&mut directory.place, place.clone());
        if let Some((above, name)) = before {
            self.unlink(above, &name, id);
        }
        if let Some((above, name)) = place
            && let Some(above) = self.directories.get_mut(&above)
        {
            above.children.insert(name, id);
        }
    }

    /// Forgets a directory and returns it with all below it.
    pub(super) fn remove(&mut self, id: WatchId) -> Vec<WatchId> {
        let (mut removed, mut open) = (Vec::new(), vec![id]);
        self.place(id, None);
        while let Some(id) = open.pop() {
            if let Some(directory) = self.directories.remove(&id) {
                open.extend(directory.children.into_values());
                removed.push(id);
            }
        }
        removed
    }

    /// The path of a name in a directory; none when the directory is not in the folder any more,
    /// or the name cannot be a node's.
    pub(super) fn path(&self, at: WatchId, name: &[u8]) -> Option<TreePath> {
        let mut names = vec![EntryName::new(name).ok()?];
        let mut at = at;
        while !self.is_root(at) {
            let (above, name) = self.directories.get(&at)?.place.as_ref()?;
            names.push(EntryName::new(name.as_ref()).ok()?);
            at = *above;
        }
        names.reverse();
        Some(TreePath::new(names))
    }

    fn find(&self, path: &[u8]) -> Option<WatchId> {
        let mut names = path
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty());
        names.try_fold(self.root?, |above, name| self.child(above, name))
    }

    fn unlink(&mut self, above: WatchId, name: &[u8], id: WatchId) {
        if let Some(above) = self.directories.get_mut(&above)
            && above.children.get(name) == Some(&id)
        {
            above.children.remove(name);
        }
    }
}

/// Directory and name of a path; none for the folder itself.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.is_empty() {
        return None;
    }
    let cut = path.iter().rposition(|byte| *byte == b'/');
    Some(cut.map_or((&[][..], path), |cut| (&path[..cut], &path[cut + 1..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: WatchId = WatchId(1);
    const A: WatchId = WatchId(2);
    const B: WatchId = WatchId(3);
    const DEEP: WatchId = WatchId(4);

    fn table() -> Table {
        let mut table = Table::default();
        for (id, path) in [(ROOT, ""), (A, "a"), (B, "b"), (DEEP, "a/x")] {
            assert!(table.put(id, path.as_bytes()));
        }
        table
    }

    fn path(table: &Table, at: WatchId) -> Option<String> {
        table.path(at, b"f").map(|path| path.to_string())
    }

    #[test]
    fn t2_a_moved_directory_takes_what_is_below_along() {
        let mut table = table();
        assert_eq!(path(&table, DEEP).unwrap(), "/a/x/f");
        table.place(A, Some((B, b"c".as_slice().into())));
        assert_eq!(path(&table, DEEP).unwrap(), "/b/c/x/f");
        assert_eq!(table.child(ROOT, b"a"), None);
        assert!(!table.put(DEEP, b"b/c/x"), "known already");
    }

    #[test]
    fn what_left_the_folder_has_no_path() {
        let mut table = table();
        let mut gone = table.remove(A);
        gone.sort_by_key(|id| id.0);
        assert_eq!(gone, [A, DEEP]);
        assert_eq!(path(&table, DEEP), None);
        assert_eq!(path(&table, B).unwrap(), "/b/f");
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn a_scan_corrects_what_events_got_wrong() {
        let mut table = table();
        assert!(!table.put(DEEP, b"b/y"));
        assert_eq!(path(&table, DEEP).unwrap(), "/b/y/f");
        assert_eq!(table.child(A, b"x"), None);
    }
}
