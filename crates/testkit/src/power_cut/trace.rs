//! Running a program under `strace`, and reading what it wrote.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::process::Command;

/// Every call that changes what is below a directory, or makes it durable; and those that are needed
/// to understand them: where a file is written next, and what the program was told about it.
const CALLS: &str = "trace=open,creat,openat,openat2,close,lseek,write,pwrite64,writev,pwritev,\
pwritev2,ftruncate,truncate,fallocate,copy_file_range,sendfile,rename,renameat,renameat2,link,\
linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,symlink,symlinkat,utimensat,chmod,fchmod,fchmodat,\
fsync,fdatasync,syncfs,sync,statx";

/// Strings are never longer than what a test writes at once.
const LONGEST_STRING: &str = "67108864";

/// One call that succeeded.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Its arguments as they were printed, strings in hexadecimal.
    pub arguments: Vec<String>,
    /// What it returned.
    pub result: i64,
    /// The path of the descriptor it returned.
    pub opened: Option<Vec<u8>>,
    /// How many calls had ended when it began.
    pub began: usize,
}

impl Call {
    /// An argument as it was printed; nothing where there is none.
    pub(super) fn argument(&self, at: usize) -> &str {
        self.arguments.get(at).map_or("", String::as_str)
    }

    /// An argument that is a number.
    pub(super) fn number(&self, at: usize) -> u64 {
        number(self.argument(at))
            .unwrap_or_default()
            .cast_unsigned()
    }
}

/// The calls of a program that succeeded, in the order in which they ended.
#[derive(Debug, Default)]
pub struct Trace {
    /// The calls.
    pub calls: Vec<Call>,
}

impl Trace {
    /// A command that runs a program under `strace`, which writes to `out`.
    pub fn command(out: &Path) -> Command {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-y", "-v", "-xx", "-s", LONGEST_STRING])
            .args(["--seccomp-bpf", "-e", CALLS, "-e", "signal=none", "-o"])
            .arg(out);
        command
    }

    /// Reads what `strace` wrote.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(out: &Path) -> io::Result<Self> {
        Ok(Self::parse(&std::fs::read_to_string(out)?))
    }

    /// Understands the lines of `strace`.
    pub fn parse(text: &str) -> Self {
        let mut trace = Self::default();
        let mut underway: HashMap<&str, (String, usize)> = HashMap::new();
        for line in text.lines() {
            let Some((process, rest)) = line.split_once(' ') else {
                continue;
            };
            let rest = rest.trim_start();
            if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
                underway.insert(process, (begun.to_owned(), trace.calls.len()));
            } else if let Some(resumed) = rest.strip_prefix("<... ") {
                let end = resumed.split_once(" resumed>").map(|(_, end)| end);
                if let (Some(end), Some((begun, began))) = (end, underway.remove(process)) {
                    trace.calls.extend(call(&(begun + end), began));
                }
            } else {
                let began = trace.calls.len();
                trace.calls.extend(call(rest, began));
            }
        }
        trace
    }
}

/// One whole line; none when the call failed, or when it is no call.
fn call(line: &str, began: usize) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    // Short calls are filled up with spaces.
    let (arguments, end) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    let number = end.split(['<', ' ']).next()?;
    let result: i64 = number.parse().ok()?;
    if result < 0 {
        return None;
    }
    Some(Call {
        name: name.to_owned(),
        arguments: split(arguments),
        result,
        opened: path_of(end),
        began,
    })
}

/// Splits at the commas that are in no brackets. Strings are hexadecimal and have none.
fn split(arguments: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0_i32);
    for character in arguments.chars() {
        match character {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part).trim().to_owned());
                continue;
            }
            _ => {}
        }
        part.push(character);
    }
    if !part.trim().is_empty() {
        parts.push(part.trim().to_owned());
    }
    parts
}

/// The bytes of `\x41\x42…`.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let digit = |character: u8| match character {
        b'0'..=b'9' => character - b'0',
        _ => character.wrapping_sub(b'a') + 10,
    };
    let digits = text.as_bytes().chunks_exact(4);
    digits
        .map(|four| digit(four[2]) << 4 | digit(four[3]))
        .collect()
}

/// The bytes of the first quoted string.
pub(super) fn string(argument: &str) -> Option<Vec<u8>> {
    let (_, rest) = argument.split_once('"')?;
    let (text, end) = rest.split_once('"')?;
    assert!(!end.starts_with("..."), "a string was cut off");
    Some(unescape(text))
}

/// Every quoted string, in order.
pub(super) fn strings(argument: &str) -> impl Iterator<Item = Vec<u8>> {
    argument.split('"').skip(1).step_by(2).map(unescape)
}

/// The path of a descriptor, `5<\x2f…>`; none when its name was removed.
pub(super) fn path_of(argument: &str) -> Option<Vec<u8>> {
    let (_, rest) = argument.split_once('<')?;
    let (path, end) = rest.split_once('>')?;
    (path.starts_with("\\x") && !end.starts_with("(deleted)")).then(|| unescape(path))
}

/// The number of a descriptor, or any other leading number.
pub(super) fn number(argument: &str) -> Option<i64> {
    let end = argument
        .find(|character: char| !character.is_ascii_digit() && character != '-')
        .unwrap_or(argument.len());
    argument.get(..end)?.parse().ok()
}

/// The number after `key=`.
pub(super) fn field(argument: &str, key: &str) -> Option<i64> {
    let (_, rest) = argument.split_once(key)?;
    number(rest.strip_prefix('=')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_whole_also_when_others_came_in_between() {
        let text = "7 pwrite64(4<\\x2f\\x61>, \"\\x00\\xff\", 2, 9 <unfinished ...>\n\
                    8 fsync(5<\\x2f\\x62>(deleted)) = 0\n\
                    8 unlink(\"\\x2f\") = -1 ENOENT (No such file or directory)\n\
                    7 <... pwrite64 resumed>) = 2\n\
                    7 openat(AT_FDCWD<\\x2f>, \"\\x61\", O_RDWR|O_CREAT, 0600) = 3<\\x2f\\x61>\n\
                    7 sync()                            = 0\n";
        let calls = Trace::parse(text).calls;
        let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, ["fsync", "pwrite64", "openat", "sync"]);
        assert_eq!((calls[0].began, calls[1].began, calls[2].began), (0, 0, 2));
        assert_eq!(path_of(&calls[0].arguments[0]), None);
        let write = &calls[1].arguments;
        assert_eq!(string(&write[1]), Some(vec![0, 0xff]));
        assert_eq!(path_of(&write[0]), Some(b"/a".to_vec()));
        assert_eq!((number(&write[0]), number(&write[3])), (Some(4), Some(9)));
        assert_eq!(calls[2].opened, Some(b"/a".to_vec()));
        assert_eq!(calls[3].arguments, [""; 0]);
    }
}
