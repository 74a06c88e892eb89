//! What every test here stands on: a sync folder and a state database in a temporary directory.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use hythe_client::disk::{FolderId, Generation, Marker, Outcome, Owner, Root, Staged};
use hythe_client::scan::{Scan, ScanError, ScanReport, Scope};
use hythe_client::state::{FolderNumber, FolderRow, LocalRow, State};
use hythe_model::{Attributes, DeviceId, NodeId, SpaceId, Timestamp, TreePath};
use hythe_sync::DiskStamp;

/// The directory of the space that the folder shows. Not the root, so that confusing them shows.
pub const TOP: NodeId = NodeId([0xaa; 16]);
pub const DEVICE: DeviceId = DeviceId([1; 32]);
pub const FOLDER: FolderId = FolderId([2; 16]);

pub struct Ground {
    pub root: Root,
    pub state: State,
    pub folder: FolderNumber,
    pub home: tempfile::TempDir,
}

impl Ground {
    pub fn new() -> Self {
        Self::at_home(tempfile::tempdir().unwrap())
    }

    pub fn at_home(home: tempfile::TempDir) -> Self {
        let path = home.path().join("folder");
        std::fs::create_dir(&path).unwrap();
        let root = Root::create(&path, marker()).unwrap();
        let (state, _) = State::open(&home.path().join("state.db")).unwrap();
        let folder = add_folder(&state, &path);
        Self {
            root,
            state,
            folder,
            home,
        }
    }

    /// A place of the system below the folder.
    pub fn at(&self, path: &str) -> PathBuf {
        self.home.path().join("folder").join(path)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let place = self.at(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, content).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    pub fn stamp(&self, path: &str) -> DiskStamp {
        self.root.stat(&tree(path)).unwrap().unwrap().stamp
    }

    pub fn staged(&self, content: &str) -> Staged {
        let mut staging = self.root.stage().unwrap();
        staging.write_at(content.as_bytes(), 0).unwrap();
        staging.finish(content.len() as u64, attributes()).unwrap()
    }

    /// Names in one of Hythe's own directories.
    pub fn own(&self, name: &str) -> Vec<String> {
        names(&self.at(".hythe").join(name))
    }

    pub fn try_scan(&self, scope: &Scope) -> Result<ScanReport, ScanError> {
        let scan = Scan {
            root: &self.root,
            state: &self.state,
            folder: self.folder,
            entering: None,
        };
        scan.run(scope)
    }

    pub fn scan(&self) -> ScanReport {
        self.try_scan(&Scope::Whole).unwrap()
    }

    pub fn scan_places(&self, places: &[&str]) -> ScanReport {
        let places: BTreeSet<TreePath> = places.iter().map(|path| tree(path)).collect();
        self.try_scan(&Scope::Places(places)).unwrap()
    }

    /// The Local tree by path.
    pub fn local(&self) -> BTreeMap<String, LocalRow> {
        self.state
            .read(|rows| -> Result<_, hythe_client::state::StateError> {
                let mut found = BTreeMap::new();
                let mut open = vec![(String::new(), TOP)];
                while let Some((above, node)) = open.pop() {
                    for row in rows.local_list(self.folder, node)? {
                        let name = String::from_utf8_lossy(row.node.place.name.as_bytes());
                        let path = format!("{above}{name}");
                        open.push((format!("{path}/"), row.node.id));
                        assert!(found.insert(path, row).is_none(), "two rows for one place");
                    }
                }
                let count = rows.local_count(self.folder)?;
                assert_eq!(count, found.len() as u64, "rows that hang below nothing");
                Ok(found)
            })
            .unwrap()
    }

    pub fn id(&self, path: &str) -> NodeId {
        self.local()
            .get(path)
            .unwrap_or_else(|| panic!("no row for {path}"))
            .node
            .id
    }

    /// The Local tree says exactly what is on the disk.
    pub fn assert_local_is_disk(&self) {
        let local: BTreeMap<String, DiskStamp> = self
            .local()
            .into_iter()
            .map(|(path, row)| (path, row.node.stamp))
            .collect();
        let disk = self.on_disk();
        let only = |these: &BTreeMap<String, DiskStamp>, those: &BTreeMap<String, DiskStamp>| {
            let these = these
                .iter()
                .filter(|(path, stamp)| those.get(*path) != Some(*stamp));
            these
                .map(|(path, stamp)| (path.clone(), stamp.inode, stamp.size))
                .collect::<Vec<_>>()
        };
        let (known, found) = (only(&local, &disk), only(&disk, &local));
        assert!(
            local == disk,
            "only in Local: {known:?}; only on disk: {found:?}"
        );
    }

    fn on_disk(&self) -> BTreeMap<String, DiskStamp> {
        let mut found = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(above) = open.pop() {
            for name in names(&self.at(&above)) {
                if above.is_empty() && name == ".hythe" {
                    continue;
                }
                let path = format!("{above}{name}");
                if self.at(&path).symlink_metadata().unwrap().is_dir() {
                    open.push(format!("{path}/"));
                }
                found.insert(path.clone(), self.stamp(&path));
            }
        }
        found
    }

    pub fn problems(&self) -> Vec<String> {
        let problems = self.state.read(|rows| rows.problems(self.folder)).unwrap();
        problems
            .iter()
            .map(|one| String::from_utf8_lossy(&one.path).into_owned())
            .collect()
    }
}

pub fn marker() -> Marker {
    Marker {
        device: DEVICE,
        folder: FOLDER,
        space: SpaceId([3; 32]),
        node: TOP,
        file_system: 0,
        inode: 0,
        generation: Generation {
            number: 1,
            token: [4; 16],
        },
    }
}

pub fn owner(generations: &[Generation]) -> Owner {
    Owner {
        device: DEVICE,
        folder: FOLDER,
        generations: generations.to_vec(),
    }
}

pub fn add_folder(state: &State, path: &Path) -> FolderNumber {
    let path = path.to_owned();
    state
        .write_blocking(
            move |tx| -> Result<FolderNumber, hythe_client::state::StateError> {
                tx.add_folder(&FolderRow {
                    id: FOLDER,
                    space: tx.space_number(SpaceId([3; 32]))?,
                    root: TOP,
                    path,
                    paused: false,
                    generation: Some(marker().generation),
                    next_generation: None,
                    within: None,
                })
            },
        )
        .unwrap()
}

pub fn tree(path: &str) -> TreePath {
    TreePath::parse(path.as_bytes()).unwrap()
}

pub fn attributes() -> Attributes {
    let modified = Timestamp {
        seconds: 1_600_000_000,
        nanos: 123_456_789,
    };
    Attributes {
        executable: false,
        modified,
    }
}

/// The value of an outcome that must be done.
#[track_caller]
pub fn done<T: std::fmt::Debug>(outcome: Result<Outcome<T>, hythe_client::disk::DiskError>) -> T {
    match outcome.unwrap() {
        Outcome::Done(value) => value,
        Outcome::Changed(change) => panic!("not done: {change:?}"),
    }
}

pub fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names
        .map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned())
        .collect();
    names.sort();
    names
}

/// A small file system of its own, mounted for as long as this lives.
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts at a directory. Says loudly when this user may not, and the caller then returns.
    pub fn tmpfs(at: &Path, options: &str) -> Option<Self> {
        let mut mount = std::process::Command::new("mount");
        let mount = mount
            .args(["-t", "tmpfs", "-o", options, "hythe-test"])
            .arg(at);
        if mount.status().is_ok_and(|status| status.success()) {
            return Some(Self(at.to_owned()));
        }
        eprintln!("SKIPPED: this test mounts a file system, which takes root");
        None
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}

/// Says that a thread ended, also when it panicked: nobody waits for it for ever.
pub struct Ends<'a>(pub &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
