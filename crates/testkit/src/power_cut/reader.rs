//! From calls to changes.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::log::{Change, Inode, Log, Look, Node, Slot, Time};
use super::names::Entries;
use super::trace::{Call, field, number, path_of, string, strings};

/// What the program asks these files for is no promise to anybody: SQLite makes them anew.
const NOT_KEPT: &[u8] = b"-shm";

/// What new files do not get. Only the right to execute matters here.
const UMASK: u32 = 0o022;

/// An open file.
struct Open {
    inode: Inode,
    position: u64,
    appends: bool,
}

/// Follows a program through its calls.
pub(super) struct Reader {
    roots: Vec<Vec<u8>>,
    marks: Vec<u8>,
    entries: Entries,
    lengths: HashMap<Inode, u64>,
    open: HashMap<i64, Open>,
    /// How many changes there were when so many calls had ended.
    before: Vec<usize>,
    log: Log,
}

impl Reader {
    pub fn new(roots: &[PathBuf], marks: &Path) -> Self {
        let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
        let nodes = (0..roots.len()).map(|volume| (Node::Directory, volume));
        Self {
            roots: roots.iter().map(|root| bytes(root)).collect(),
            marks: bytes(marks),
            entries: Entries::default(),
            lengths: HashMap::new(),
            open: HashMap::new(),
            before: Vec::new(),
            log: Log {
                nodes: nodes.collect(),
                ..Log::default()
            },
        }
    }

    /// What the program did.
    pub fn end(self) -> Log {
        self.log
    }

    /// The next call.
    pub fn read(&mut self, call: &Call) {
        self.before.push(self.log.changes.len());
        let understood = self.names(call) || self.bytes(call) || self.syncs(call);
        if !understood {
            let touched = |path: Vec<u8>| self.below(&path).is_some();
            let paths = call.arguments.iter();
            let mut paths = paths.flat_map(|part| path_of(part).or_else(|| string(part)));
            assert!(!paths.any(touched), "not understood: {call:?}");
        }
    }

    /// Calls about names and attributes; false for any other.
    fn names(&mut self, call: &Call) -> bool {
        let argument = |at: usize| call.argument(at);
        match call.name.as_str() {
            "open" | "creat" | "openat" | "openat2" => self.opens(call),
            "rename" => self.renames([None, None], [argument(0), argument(1)], ""),
            "renameat" | "renameat2" => self.renames(
                [Some(argument(0)), Some(argument(2))],
                [argument(1), argument(3)],
                argument(4),
            ),
            "unlink" | "rmdir" => self.removes(None, argument(0)),
            "unlinkat" => self.removes(Some(argument(0)), argument(1)),
            "mkdir" => self.makes(None, argument(0), argument(1), Node::Directory),
            "mkdirat" => self.makes(Some(argument(0)), argument(1), argument(2), Node::Directory),
            "symlink" => self.makes(None, argument(1), "", link(argument(0))),
            "symlinkat" => self.makes(Some(argument(1)), argument(2), "", link(argument(0))),
            "utimensat" => self.sets_time(call),
            "chmod" => self.sets_mode(None, argument(0), argument(1)),
            "fchmod" => self.sets_mode(Some(argument(0)), "", argument(1)),
            "fchmodat" => self.sets_mode(Some(argument(0)), argument(1), argument(2)),
            "statx" => self.looks(call),
            _ => return false,
        }
        true
    }

    /// Calls about what is in files; false for any other.
    fn bytes(&mut self, call: &Call) -> bool {
        match call.name.as_str() {
            "close" => {
                self.open.remove(&number(call.argument(0)).unwrap_or(-1));
            }
            "lseek" => {
                let open = number(call.argument(0)).and_then(|fd| self.open.get_mut(&fd));
                if let Some(open) = open {
                    open.position = call.result.cast_unsigned();
                }
            }
            "write" | "writev" => self.writes_on(call),
            "pwrite64" | "pwritev" | "pwritev2" => {
                if let Some(inode) = self.by_descriptor(call.argument(0)) {
                    self.write(inode, call.number(3), written(call));
                }
            }
            "ftruncate" => {
                if let Some(inode) = self.by_descriptor(call.argument(0)) {
                    self.set_length(inode, call.number(1));
                }
            }
            "fallocate" => self.allocates(call),
            _ => return false,
        }
        true
    }

    /// Calls that make things durable; false for any other.
    fn syncs(&mut self, call: &Call) -> bool {
        match call.name.as_str() {
            "fsync" | "fdatasync" => {
                if let Some(inode) = self.by_descriptor(call.argument(0)) {
                    let since = self.before[call.began];
                    self.log.changes.push(Change::Sync { inode, since });
                }
            }
            "syncfs" => {
                let path = path_of(call.argument(0)).unwrap_or_default();
                let volume = self.below(&path).map(|(volume, _)| volume);
                if let Some(volume) = volume {
                    self.syncs_all(volume, call);
                }
            }
            "sync" => (0..self.roots.len()).for_each(|volume| self.syncs_all(volume, call)),
            _ => return false,
        }
        true
    }

    fn syncs_all(&mut self, volume: usize, call: &Call) {
        let since = self.before[call.began];
        self.log.changes.push(Change::SyncAll { volume, since });
    }

    /// Which root a path is below, and the rest of the path.
    fn below<'p>(&self, path: &'p [u8]) -> Option<(usize, &'p [u8])> {
        let roots = self.roots.iter().enumerate();
        let mut found = roots.filter_map(|(volume, root)| {
            let rest = path.strip_prefix(root.as_slice())?;
            matches!(rest.first(), None | Some(b'/')).then_some((volume, rest))
        });
        found.next().filter(|_| !path.ends_with(NOT_KEPT))
    }

    fn by_path(&self, path: &[u8]) -> Option<Inode> {
        let (volume, rest) = self.below(path)?;
        self.entries.find(Inode(volume), rest)
    }

    fn by_descriptor(&self, argument: &str) -> Option<Inode> {
        self.by_path(&path_of(argument)?)
    }

    /// The whole path of an argument, below a directory where there is one.
    fn whole(directory: Option<&str>, path: &str) -> Option<Vec<u8>> {
        let path = string(path).unwrap_or_default();
        if path.starts_with(b"/") {
            return Some(path);
        }
        let mut whole = path_of(directory?)?;
        if !path.is_empty() {
            whole.push(b'/');
            whole.extend(path);
        }
        Some(whole)
    }

    /// The directory and the last name of a path; none when it is elsewhere, or a root.
    fn slot(&self, path: &[u8]) -> Option<Slot> {
        let at = path.iter().rposition(|byte| *byte == b'/')?;
        let (directory, name) = path.split_at(at);
        self.below(path)?;
        Some((self.by_path(directory)?, name[1..].to_vec()))
    }

    fn make(&mut self, slot: Slot, node: Node) -> Inode {
        let inode = Inode(self.log.nodes.len());
        let volume = self.log.volume(slot.0);
        self.log.nodes.push((node, volume));
        self.entries.put(&slot, inode);
        self.log.changes.push(Change::Make { slot, inode });
        inode
    }

    fn opens(&mut self, call: &Call) {
        let slot = call.opened.as_ref().and_then(|path| self.slot(path));
        let Some(slot) = slot else { return };
        let flags = call.arguments.join(" ");
        assert!(!flags.contains("O_TMPFILE"), "not understood: {call:?}");
        let inode = match self.entries.get(&slot) {
            Some(inode) => {
                let is_empty = self.lengths.get(&inode).is_none_or(|length| *length == 0);
                if flags.contains("O_TRUNC") && !is_empty {
                    self.set_length(inode, 0);
                }
                inode
            }
            None => {
                let makes = flags.contains("O_CREAT") || call.name == "creat";
                assert!(makes, "opened, and never made: {call:?}");
                let inode = self.make(slot, Node::File);
                let mode = octal(call.arguments.last().map_or("", String::as_str));
                self.log.changes.push(Change::Mode(inode, mode & !UMASK));
                inode
            }
        };
        let open = Open {
            inode,
            position: 0,
            appends: flags.contains("O_APPEND"),
        };
        self.open.insert(call.result, open);
    }

    fn writes_on(&mut self, call: &Call) {
        let argument = call.argument(0);
        let Some(inode) = self.by_descriptor(argument) else {
            return;
        };
        let bytes = written(call);
        let end = self.lengths.get(&inode).copied().unwrap_or_default();
        let open = number(argument).and_then(|fd| self.open.get_mut(&fd));
        let open = open.expect("written to, and never opened");
        assert_eq!(
            open.inode, inode,
            "another file has the descriptor: {call:?}"
        );
        if open.appends {
            open.position = end;
        }
        let offset = open.position;
        open.position += bytes.len() as u64;
        self.write(inode, offset, bytes);
    }

    fn write(&mut self, inode: Inode, offset: u64, bytes: Vec<u8>) {
        let length = self.lengths.entry(inode).or_default();
        *length = (*length).max(offset + bytes.len() as u64);
        self.log.changes.push(Change::Write {
            inode,
            offset,
            bytes,
        });
    }

    fn set_length(&mut self, inode: Inode, length: u64) {
        self.lengths.insert(inode, length);
        self.log.changes.push(Change::Length(inode, length));
    }

    fn allocates(&mut self, call: &Call) {
        let Some(inode) = self.by_descriptor(call.argument(0)) else {
            return;
        };
        let (start, end) = (call.number(2), call.number(2) + call.number(3));
        if call.argument(1).contains("PUNCH_HOLE") {
            self.log.changes.push(Change::Hole(inode, start, end));
        } else {
            assert_eq!(call.argument(1), "0", "not understood: {call:?}");
            let before = self.lengths.get(&inode).copied().unwrap_or_default();
            self.set_length(inode, before.max(end));
        }
    }

    fn renames(&mut self, directories: [Option<&str>; 2], paths: [&str; 2], how: &str) {
        let slot = |at: usize| self.slot(&Self::whole(directories[at], paths[at])?);
        let (from, to) = (slot(0), slot(1));
        assert_eq!(from.is_some(), to.is_some(), "renamed from or to elsewhere");
        let Some((from, to)) = from.zip(to) else {
            return;
        };
        let inode = self.entries.get(&from).expect("renamed, and never made");
        let there = self.entries.get(&to);
        self.entries.put(&to, inode);
        if how.contains("RENAME_EXCHANGE") {
            let other = there.expect("exchanged, and never made");
            self.entries.put(&from, other);
            let (slots, inodes) = ([from, to], [inode, other]);
            self.log.changes.push(Change::Exchange { slots, inodes });
        } else {
            self.log.changes.push(Change::Rename {
                from,
                to,
                inode,
                replaced: there,
            });
        }
    }

    fn removes(&mut self, directory: Option<&str>, path: &str) {
        let slot = Self::whole(directory, path).and_then(|path| self.slot(&path));
        let Some(slot) = slot else { return };
        let inode = self.entries.get(&slot).expect("removed, and never made");
        self.entries.remove(&slot, inode);
        self.log.changes.push(Change::Remove { slot, inode });
    }

    fn makes(&mut self, directory: Option<&str>, path: &str, mode: &str, node: Node) {
        let Some(path) = Self::whole(directory, path) else {
            return;
        };
        if let Some(mark) = path.strip_prefix(self.marks.as_slice()) {
            let mark = String::from_utf8_lossy(mark);
            let mark = mark.trim_start_matches('/').to_owned();
            self.log.changes.push(Change::Mark(mark));
            return;
        }
        let Some(slot) = self.slot(&path) else { return };
        let inode = self.make(slot, node);
        if !mode.is_empty() {
            self.log
                .changes
                .push(Change::Mode(inode, octal(mode) & !0o022));
        }
    }

    fn sets_time(&mut self, call: &Call) {
        let argument = |at: usize| call.argument(at);
        let path = Self::whole(Some(argument(0)), argument(1));
        let Some(inode) = path.and_then(|path| self.by_path(&path)) else {
            return;
        };
        let last = argument(2).rsplit_once("{tv_sec").map(|(_, last)| last);
        let time = last.and_then(|last| Some((field(last, "")?, field(last, "tv_nsec")?)));
        let kept = argument(2)
            .trim_end_matches([']', '}'])
            .ends_with("UTIME_OMIT");
        if !kept {
            self.log.changes.push(Change::Modified(inode, time));
        }
    }

    fn sets_mode(&mut self, directory: Option<&str>, path: &str, mode: &str) {
        let Some(path) = Self::whole(directory, path) else {
            return;
        };
        let handle = path.strip_prefix(b"/proc/self/fd/");
        let handle = handle.and_then(|fd| std::str::from_utf8(fd).ok()?.parse().ok());
        let inode = match handle {
            Some(fd) => self.open.get::<i64>(&fd).map(|open| open.inode),
            None => self.by_path(&path),
        };
        if let Some(inode) = inode {
            self.log.changes.push(Change::Mode(inode, octal(mode)));
        }
    }

    fn looks(&mut self, call: &Call) {
        let argument = |at: usize| call.argument(at);
        let path = Self::whole(Some(argument(0)), argument(1));
        let Some(inode) = path.and_then(|path| self.by_path(&path)) else {
            return;
        };
        let said = argument(4);
        let time = |key: &str| -> Time {
            let (_, rest) = said.split_once(key).unwrap_or_default();
            let part = |key| field(rest, key).unwrap_or_default();
            (part("tv_sec"), part("tv_nsec"))
        };
        self.log.looks.push(Look {
            inode,
            after: self.log.changes.len(),
            number: field(said, "stx_ino").unwrap_or_default().cast_unsigned(),
            modified: time("stx_mtime"),
            changed: time("stx_ctime"),
            born: time("stx_btime"),
        });
    }
}

fn link(target: &str) -> Node {
    Node::Link(string(target).unwrap_or_default())
}

fn octal(mode: &str) -> u32 {
    u32::from_str_radix(mode, 8).unwrap_or(0o644)
}

/// The bytes that a call really wrote.
fn written(call: &Call) -> Vec<u8> {
    let mut bytes: Vec<u8> = strings(call.argument(1)).flatten().collect();
    bytes.truncate(usize::try_from(call.result).unwrap_or_default());
    bytes
}
