//! What a traced process asked of the system, in order, as `strace -f -y -xx` writes it down.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The calls that change what a disk holds, that make it durable, or that tell somebody else.
pub const TRACED_CALLS: &str = "trace=openat,creat,mkdir,mkdirat,rename,renameat,renameat2,link,\
     linkat,symlink,symlinkat,unlink,unlinkat,rmdir,write,pwrite64,writev,pwritev,pwritev2,\
     truncate,ftruncate,fallocate,copy_file_range,sendfile,splice,mmap,lseek,fsync,fdatasync,sync,\
     syncfs,sync_file_range,sendto,sendmsg";

/// Longer than any write of the recorded run.
pub const LONGEST_STRING: &str = "4194304";

/// One thing that happened to a disk, or on it.
#[derive(Debug, Clone)]
pub enum Step {
    /// A file was opened to be made if it was not there, or to be emptied.
    Opened { path: PathBuf, empties: bool },
    /// A folder was made.
    Folder(PathBuf),
    /// Bytes were written.
    Wrote {
        path: PathBuf,
        at: u64,
        bytes: Vec<u8>,
    },
    /// A file was given a length.
    Sized { path: PathBuf, length: u64 },
    /// A name was exchanged for another, which may have been taken.
    Renamed { from: PathBuf, to: PathBuf },
    /// A file got a second name.
    Linked { from: PathBuf, to: PathBuf },
    /// A name was removed.
    Removed(PathBuf),
    /// Somebody began to wait for a file or folder to be on the disk.
    SyncBegan { path: PathBuf, call: usize },
    /// That wait was over, without an error.
    SyncDone { call: usize },
    /// Bytes went to somebody else: a socket, a pipe.
    Sent(Vec<u8>),
}

/// A call with its arguments, and what came of it.
struct Call<'t> {
    name: &'t str,
    args: Vec<&'t str>,
    text: &'t str,
}

/// Reads a trace; only what happened below `root`, and what was sent.
///
/// # Panics
/// When a file below `root` is changed in a way that is not understood here.
pub fn read(trace: &str, root: &Path) -> Vec<Step> {
    let mut reader = Reader {
        root,
        steps: Vec::new(),
        positions: HashMap::new(),
    };
    // The beginnings of calls that other threads' calls came in between.
    let mut begun: HashMap<&str, (&str, usize)> = HashMap::new();
    for (number, line) in trace.lines().enumerate() {
        let Some((pid, line)) = line.split_once(' ') else {
            continue;
        };
        let line = line.trim_start();
        if let Some(first) = line.strip_suffix(" <unfinished ...>") {
            reader.begins(&Call::of(first), number);
            begun.insert(pid, (first, number));
        } else if let Some(rest) = line.strip_prefix("<... ") {
            let (first, number) = begun.remove(pid).unwrap();
            let (_, rest) = rest.split_once(" resumed>").unwrap();
            let whole = format!("{first}{rest}");
            reader.ends(&whole, number);
        } else if !line.starts_with(['+', '-']) {
            reader.begins(&Call::of(line), number);
            reader.ends(line, number);
        }
    }
    reader.steps
}

impl<'t> Call<'t> {
    fn of(text: &'t str) -> Self {
        let (name, rest) = text.split_once('(').unwrap();
        let args = rest.rsplit_once(") ").map_or(rest, |(args, _)| args);
        Self {
            name,
            args: args.split(", ").collect(),
            text,
        }
    }

    fn number(&self, at: usize) -> u64 {
        self.args[at].trim_end_matches(')').parse().unwrap()
    }

    /// The file behind the descriptor in an argument.
    fn file(&self, at: usize) -> PathBuf {
        let (_, path) = self.args[at].split_once('<').unwrap_or_default();
        path_of(path.rsplit_once('>').map_or(path, |(path, _)| path))
    }

    fn descriptor(&self, at: usize) -> u64 {
        let digits = self.args[at].split_once('<').unwrap().0;
        digits.parse().unwrap()
    }

    fn path(&self, at: usize) -> PathBuf {
        path_of(self.args[at].trim_matches('"'))
    }

    /// The path in an argument after the folder that it begins at.
    fn path_at(&self, at: usize) -> PathBuf {
        self.file(at).join(self.path(at + 1))
    }

    /// All strings among the arguments, one after the other.
    fn strings(&self) -> Vec<u8> {
        assert!(!self.text.contains("\"..."), "a string was cut short");
        let strings = self.text.split('"').skip(1).step_by(2);
        strings.flat_map(bytes_of).collect()
    }
}

impl Call<'_> {
    /// The bytes that the system took of those that were given.
    fn written(&self, result: &str) -> Vec<u8> {
        let mut bytes = self.strings();
        bytes.truncate(result.parse().unwrap());
        bytes
    }
}

struct Reader<'r> {
    root: &'r Path,
    steps: Vec<Step>,
    /// Where the next `write` to a descriptor goes.
    positions: HashMap<u64, u64>,
}

impl Reader<'_> {
    /// What counts from the moment a call was made.
    fn begins(&mut self, call: &Call<'_>, number: usize) {
        match call.name {
            "fsync" | "fdatasync" => {
                let path = call.file(0);
                if path.starts_with(self.root) {
                    let call = number;
                    self.steps.push(Step::SyncBegan { path, call });
                }
            }
            "write" | "writev" | "sendto" | "sendmsg" if !call.file(0).starts_with("/") => {
                let bytes = call.strings();
                // Threads wake each other by eight bytes.
                if bytes.len() > 8 {
                    self.steps.push(Step::Sent(bytes));
                }
            }
            _ => {}
        }
    }

    /// What counts when a call was done.
    fn ends(&mut self, whole: &str, number: usize) {
        let (_, result) = whole.rsplit_once(" = ").unwrap();
        if result.starts_with(['-', '?']) {
            return;
        }
        let call = Call::of(whole);
        let ours = |path: &Path| path.starts_with(self.root);
        let step = match call.name {
            "fsync" | "fdatasync" if ours(&call.file(0)) => Step::SyncDone { call: number },
            "openat" => return self.opened(&call, result),
            "mkdir" => Step::Folder(call.path(0)),
            "rename" => Step::Renamed {
                from: call.path(0),
                to: call.path(1),
            },
            "renameat" => Step::Renamed {
                from: call.path_at(0),
                to: call.path_at(2),
            },
            "linkat" => Step::Linked {
                from: call.path_at(0),
                to: call.path_at(2),
            },
            "unlink" | "rmdir" => Step::Removed(call.path(0)),
            "unlinkat" => Step::Removed(call.path_at(0)),
            "pwrite64" => Step::Wrote {
                path: call.file(0),
                at: call.number(3),
                bytes: call.written(result),
            },
            "write" if ours(&call.file(0)) => self.written(&call, result),
            "lseek" => {
                let at = result.split(' ').next().unwrap().parse().unwrap();
                self.positions.insert(call.descriptor(0), at);
                return;
            }
            "ftruncate" => Step::Sized {
                path: call.file(0),
                length: call.number(1),
            },
            _ => return self.understood(whole),
        };
        if self.concerns(&step) {
            self.steps.push(step);
        }
    }

    fn opened(&mut self, call: &Call<'_>, result: &str) {
        let descriptor = result.split('<').next().unwrap();
        self.positions.insert(descriptor.parse().unwrap(), 0);
        let (path, flags) = (call.path_at(0), call.args[2]);
        assert!(!flags.contains("O_TMPFILE"), "{}", call.text);
        if path.starts_with(self.root) && (flags.contains("O_CREAT") || flags.contains("O_TRUNC")) {
            let empties = flags.contains("O_TRUNC");
            self.steps.push(Step::Opened { path, empties });
        }
    }

    fn written(&mut self, call: &Call<'_>, result: &str) -> Step {
        let bytes = call.written(result);
        let position = self.positions.entry(call.descriptor(0)).or_default();
        let at = *position;
        *position += bytes.len() as u64;
        Step::Wrote {
            path: call.file(0),
            at,
            bytes,
        }
    }

    fn concerns(&self, step: &Step) -> bool {
        match step {
            // A socket holds nothing, and is made anew at each start.
            Step::Renamed { to: path, .. } | Step::Removed(path)
                if path.to_string_lossy().contains("/admin.sock") =>
            {
                false
            }
            Step::Folder(path) | Step::Removed(path) => path.starts_with(self.root),
            Step::Wrote { path, .. } | Step::Sized { path, .. } => path.starts_with(self.root),
            Step::Renamed { from, to } | Step::Linked { from, to } => {
                from.starts_with(self.root) || to.starts_with(self.root)
            }
            _ => true,
        }
    }

    /// Fails where a call that this does not know changes a file below the root.
    fn understood(&self, whole: &str) {
        let is_read = whole.starts_with("mmap(")
            && !(whole.contains("MAP_SHARED") && whole.contains("PROT_WRITE"));
        // The index of the write-ahead log is made anew after a crash, whatever it holds.
        let is_index = whole.contains(&hex("-shm"));
        let root = hex(&self.root.to_string_lossy());
        assert!(
            is_read || is_index || !whole.contains(&root),
            "a call that the model does not know: {whole}"
        );
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()
}

/// The bytes of a string of `\x..` digits.
fn bytes_of(text: &str) -> Vec<u8> {
    let digits = |four: &[u8]| match four {
        [b'\\', b'x', high, low] => (digit(*high) << 4) | digit(*low),
        _ => panic!("no hexadecimal string: {text}"),
    };
    text.as_bytes().chunks(4).map(digits).collect()
}

fn digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        _ => character - b'a' + 10,
    }
}

/// A path; sockets and pipes, which `strace` names in plain text, are none below `/`.
fn path_of(text: &str) -> PathBuf {
    if text.starts_with("\\x") {
        PathBuf::from(OsString::from_vec(bytes_of(text)))
    } else {
        PathBuf::from(text)
    }
}
