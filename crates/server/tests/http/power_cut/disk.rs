//! A disk as a power cut may find it: what was synced is there, what was not may be.
//!
//! The model is the strictest that POSIX allows. Syncing a file makes its bytes durable and not its
//! name; syncing a folder makes the names in it durable and not the bytes behind them. What was not
//! synced is there up to some point, for each file and folder by itself, and the last write of a
//! file may be half there. A sector (512 bytes) is written whole or not at all.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::trace::Step;

const SECTOR: usize = 512;

/// What of the changes that were not synced is there after the cut.
#[derive(Debug, Clone)]
pub enum Keep {
    /// Nothing.
    Synced,
    /// Everything.
    All,
    /// Everything, but of the last write to the write-ahead log only a half.
    Torn,
    /// Of each file and folder the changes up to some point; repeated by the seed.
    Mixed(u64),
}

/// Files with their bytes, and folders, below the root.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

type Names = BTreeMap<OsString, usize>;

/// All files and folders below a root.
pub struct Disk {
    root: PathBuf,
    nodes: Vec<Node>,
    syncs: HashMap<usize, (usize, u64)>,
}

enum Node {
    File(Durable<Vec<u8>, FileChange>),
    Folder(Durable<Names, FolderChange>),
}

/// What is on the disk, and what was changed since, oldest first.
struct Durable<T, C> {
    synced: T,
    pending: VecDeque<C>,
    /// Changes before the first pending one.
    before: u64,
}

enum FileChange {
    Write(u64, Vec<u8>),
    Length(u64),
}

/// Names that go and come at once.
struct FolderChange {
    gone: Option<OsString>,
    come: Option<(OsString, usize)>,
}

trait Change<T> {
    fn apply(&self, to: &mut T);
}

impl Change<Vec<u8>> for FileChange {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Length(length) => to.resize(usize::try_from(*length).unwrap(), 0),
            Self::Write(at, bytes) => {
                let at = usize::try_from(*at).unwrap();
                let end = at + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[at..end].copy_from_slice(bytes);
            }
        }
    }
}

impl Change<Names> for FolderChange {
    fn apply(&self, to: &mut Names) {
        if let Some(gone) = &self.gone {
            to.remove(gone);
        }
        if let Some((name, node)) = &self.come {
            to.insert(name.clone(), *node);
        }
    }
}

impl<T: Clone + Default, C: Change<T>> Durable<T, C> {
    fn new() -> Self {
        Self {
            synced: T::default(),
            pending: VecDeque::new(),
            before: 0,
        }
    }

    fn now(&self) -> u64 {
        self.before + self.pending.len() as u64
    }

    /// Makes the changes durable that were made before a sync began.
    fn sync(&mut self, until: u64) {
        while self.before < until {
            self.pending.pop_front().unwrap().apply(&mut self.synced);
            self.before += 1;
        }
    }

    fn with(&self, kept: usize) -> T {
        let mut state = self.synced.clone();
        let changes = self.pending.iter().take(kept);
        changes.for_each(|change| change.apply(&mut state));
        state
    }

    fn live(&self) -> T {
        self.with(self.pending.len())
    }
}

impl Disk {
    /// A disk with nothing on it but the folder `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            nodes: vec![Node::Folder(Durable::new())],
            syncs: HashMap::new(),
        }
    }

    /// Does what the traced process did.
    pub fn step(&mut self, step: &Step) {
        match step {
            Step::Opened { path, empties } => match self.find(path) {
                Some(node) if *empties => self.change_file(node, FileChange::Length(0)),
                Some(_) => {}
                None => self.make(path, Node::File(Durable::new())),
            },
            Step::Folder(path) => self.make(path, Node::Folder(Durable::new())),
            Step::Wrote { path, at, bytes } => {
                let node = self.found(path);
                self.change_file(node, FileChange::Write(*at, bytes.clone()));
            }
            Step::Sized { path, length } => {
                let node = self.found(path);
                self.change_file(node, FileChange::Length(*length));
            }
            Step::Renamed { from, to } => self.rename(from, to),
            Step::Linked { from, to } => {
                let node = self.found(from);
                self.change_folder(to, None, Some((name_of(to), node)));
            }
            Step::Removed(path) => {
                self.found(path);
                self.change_folder(path, Some(name_of(path)), None);
            }
            Step::SyncBegan { path, call } => {
                let node = self.found(path);
                let until = match &self.nodes[node] {
                    Node::File(file) => file.now(),
                    Node::Folder(folder) => folder.now(),
                };
                self.syncs.insert(*call, (node, until));
            }
            Step::SyncDone { call } => {
                let begun = self.syncs.remove(call);
                match begun.map(|(node, until)| (&mut self.nodes[node], until)) {
                    Some((Node::File(file), until)) => file.sync(until),
                    Some((Node::Folder(folder), until)) => folder.sync(until),
                    // Its beginning was taken out of the record.
                    None => {}
                }
            }
            Step::Sent(_) => {}
        }
    }

    /// What is there after a cut now.
    pub fn after_cut(&self, keep: &Keep) -> Tree {
        let mut tree = Tree::new();
        self.collect(0, Path::new(""), &mut keep.clone(), &mut tree);
        tree
    }

    fn collect(&self, node: usize, at: &Path, keep: &mut Keep, tree: &mut Tree) {
        match &self.nodes[node] {
            Node::File(file) => {
                tree.insert(at.to_owned(), Some(bytes_after(file, at, keep)));
            }
            Node::Folder(folder) => {
                tree.insert(at.to_owned(), None);
                for (name, child) in folder.with(keep.of(folder.pending.len())) {
                    self.collect(child, &at.join(name), keep, tree);
                }
            }
        }
    }

    fn find(&self, path: &Path) -> Option<usize> {
        let below = path.strip_prefix(&self.root).ok()?;
        below
            .iter()
            .try_fold(0, |node, name| match &self.nodes[node] {
                Node::Folder(folder) => folder.live().get(name).copied(),
                Node::File(_) => None,
            })
    }

    fn found(&self, path: &Path) -> usize {
        let found = self.find(path);
        found.unwrap_or_else(|| panic!("the model lost {}", path.display()))
    }

    fn make(&mut self, path: &Path, node: Node) {
        self.nodes.push(node);
        let come = Some((name_of(path), self.nodes.len() - 1));
        self.change_folder(path, None, come);
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let come = Some((name_of(to), self.found(from)));
        if from.parent() == to.parent() {
            return self.change_folder(to, Some(name_of(from)), come);
        }
        self.change_folder(to, None, come);
        self.change_folder(from, Some(name_of(from)), None);
    }

    fn change_file(&mut self, node: usize, change: FileChange) {
        match &mut self.nodes[node] {
            Node::File(file) => file.pending.push_back(change),
            Node::Folder(_) => panic!("a folder was written to"),
        }
    }

    /// Changes names in the folder of `path`.
    fn change_folder(
        &mut self,
        path: &Path,
        gone: Option<OsString>,
        come: Option<(OsString, usize)>,
    ) {
        let folder = self.found(path.parent().unwrap());
        match &mut self.nodes[folder] {
            Node::Folder(folder) => folder.pending.push_back(FolderChange { gone, come }),
            Node::File(_) => panic!("a file has no names"),
        }
    }
}

fn name_of(path: &Path) -> OsString {
    path.file_name().unwrap().to_owned()
}

fn bytes_after(file: &Durable<Vec<u8>, FileChange>, at: &Path, keep: &mut Keep) -> Vec<u8> {
    let kept = keep.of(file.pending.len());
    let is_log = at.to_string_lossy().ends_with("-wal");
    let last = kept.checked_sub(1).and_then(|last| file.pending.get(last));
    let Some((FileChange::Write(to, bytes), part)) = last.zip(keep.part(is_log)) else {
        return file.with(kept);
    };
    let mut state = file.with(kept - 1);
    let sectors = bytes.len() / SECTOR * part / 100;
    FileChange::Write(*to, bytes[..sectors * SECTOR].to_vec()).apply(&mut state);
    state
}

impl Keep {
    /// How many of some pending changes are there.
    fn of(&mut self, pending: usize) -> usize {
        match self {
            Self::Synced => 0,
            Self::All | Self::Torn => pending,
            Self::Mixed(state) => usize::try_from(random(state) % (pending as u64 + 1)).unwrap(),
        }
    }

    /// How much of a hundred of the last write that is there; none for all of it.
    fn part(&mut self, is_log: bool) -> Option<usize> {
        match self {
            Self::Torn if is_log => Some(50),
            Self::Mixed(state) => {
                let (tears, part) = (random(state).is_multiple_of(2), random(state) % 100);
                tears.then_some(usize::try_from(part).unwrap())
            }
            _ => None,
        }
    }
}

/// The next number of a xorshift; the state is never 0.
pub fn random(state: &mut u64) -> u64 {
    *state |= 1 << 63;
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// A folder in memory, where there is such a file system: what is durable is decided by the model,
/// and thousands of syncs need not wait for a real disk.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let in_memory = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok());
    let anywhere = || tempfile::tempdir().unwrap();
    in_memory.flatten().unwrap_or_else(anywhere)
}

/// Puts a tree into a folder, for its owner only, as a server makes all its files.
pub fn put(tree: &Tree, folder: &Path) {
    for (path, bytes) in tree {
        let path = folder.join(path);
        match bytes {
            None => fs::create_dir_all(&path).unwrap(),
            Some(bytes) => {
                fs::write(&path, bytes).unwrap();
                fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            }
        }
    }
}
