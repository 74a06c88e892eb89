//! Names that the planner gives: to conflict copies (S12) and to entries that step aside.

use hythe_model::name::MAX_NAME_BYTES;
use hythe_model::{EntryName, NodeId, NodeKind};

/// What the bracket of a conflict name begins with.
const OPENING: &str = " (conflict ";

/// How many bytes of the device's name are shown. Long enough to know it by, short enough that
/// the file's own name keeps most of the 255 bytes.
const MAX_DEVICE_BYTES: usize = 40;

/// How many bytes of an ending count as one; `.jpeg` is an ending, a sentence is not.
const MAX_ENDING_BYTES: usize = 16;

/// What a conflict name says besides the name itself.
#[derive(Debug, Clone, Copy)]
pub struct ConflictMark<'a> {
    /// The device whose value was moved aside.
    pub device: &'a str,
    /// The day that happened, `YYYY-MM-DD`.
    pub date: &'a str,
    /// Three bytes of the version that keeps the name.
    pub tag: [u8; 3],
}

/// The name of the conflict copy of `name`: `name (conflict <device> <date> <6 hex>).ext`.
///
/// The copy of a conflict copy takes the bracket's place, so names never grow by copying. A name
/// that would be too long loses the end of its stem, at a character's border.
pub fn conflict_name(name: &EntryName, kind: NodeKind, mark: &ConflictMark) -> EntryName {
    let (stem, ending) = split_ending(name.as_bytes(), kind);
    let [a, b, c] = mark.tag;
    let device = plain_device(mark.device);
    let bracket = format!("{OPENING}{device} {} {a:02x}{b:02x}{c:02x})", mark.date);
    let room = MAX_NAME_BYTES.saturating_sub(bracket.len() + ending.len());
    let stem = shorten(split_bracket(stem).map_or(stem, |(bare, _)| bare), room);
    let bytes = [stem, bracket.as_bytes(), ending].concat();
    // A valid name with a plain bracket inside is a valid name: no separator, not reserved, and
    // not too long as long as the date is one.
    EntryName::new(bytes).unwrap_or_else(|_| name.clone())
}

/// What a conflict name was made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Original {
    /// The name without the bracket.
    pub name: Vec<u8>,
    /// The six digits: three bytes of the version that kept the name.
    pub tag: [u8; 3],
}

/// Reads a conflict name back; none if `name` is no such name.
pub fn original(name: &EntryName, kind: NodeKind) -> Option<Original> {
    let (stem, ending) = split_ending(name.as_bytes(), kind);
    let (bare, tag) = split_bracket(stem)?;
    Some(Original {
        name: [bare, ending].concat(),
        tag,
    })
}

/// The name an entry has while it stands aside within one plan.
///
/// It tells which node it is, so that after a crash in the middle it is known to be nobody's
/// rename. No user file is mistaken for one: the name must fit the entry's own id.
pub fn aside_name(id: NodeId) -> EntryName {
    let name = EntryName::new(format!(".hythe-aside-{id}"));
    name.unwrap_or_else(|_| unreachable!("45 plain bytes are a name"))
}

/// Splits `name.ext` before its last dot. Directories and dot files have no ending.
fn split_ending(name: &[u8], kind: NodeKind) -> (&[u8], &[u8]) {
    let dot = name.iter().rposition(|byte| *byte == b'.');
    match dot {
        Some(at) if at > 0 && kind != NodeKind::Directory => {
            let (stem, ending) = name.split_at(at);
            if ending.len() <= MAX_ENDING_BYTES {
                (stem, ending)
            } else {
                (name, b"")
            }
        }
        _ => (name, b""),
    }
}

/// Splits a stem before its conflict bracket, and reads the bracket's digits.
fn split_bracket(stem: &[u8]) -> Option<(&[u8], [u8; 3])> {
    let opening = OPENING.as_bytes();
    let at = stem
        .windows(opening.len())
        .rposition(|window| window == opening)?;
    let tag = read_bracket(&stem[at + opening.len()..])?;
    (at > 0).then(|| (&stem[..at], tag))
}

/// The digits of `<device> <date> <6 hex>)`.
fn read_bracket(rest: &[u8]) -> Option<[u8; 3]> {
    let mut words = rest.strip_suffix(b")")?.rsplitn(3, |byte| *byte == b' ');
    let (hex, date, _device) = (words.next()?, words.next()?, words.next()?);
    let date_like = |(at, byte): (usize, &u8)| match at {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    if date.len() != 10 || !date.iter().enumerate().all(date_like) {
        return None;
    }
    let digits = std::str::from_utf8(hex).ok().filter(|hex| hex.len() == 6)?;
    let [_, a, b, c] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([a, b, c])
}

/// A device's name without what has a meaning inside a file name or a bracket.
fn plain_device(device: &str) -> String {
    let plain: String = device
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '/' | '\\' | ':' | '(' | ')') {
                '-'
            } else {
                c
            }
        })
        .collect();
    let mut end = plain.len().min(MAX_DEVICE_BYTES);
    while !plain.is_char_boundary(end) {
        end -= 1;
    }
    let trimmed = plain[..end].trim();
    if trimmed.is_empty() {
        "device".to_owned()
    } else {
        trimmed.to_owned()
    }
}

/// The longest beginning of `bytes` with at most `room` of them that cuts no UTF-8 character.
fn shorten(bytes: &[u8], room: usize) -> &[u8] {
    if bytes.len() <= room {
        return bytes;
    }
    // A continuation byte is 10xxxxxx; a character has at most three. In bytes that are no UTF-8
    // there may be more of them, and then any cut is as good as another.
    let cut = (room.saturating_sub(3)..=room)
        .rev()
        .find(|at| bytes[*at] & 0xc0 != 0x80);
    &bytes[..cut.unwrap_or(room)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: ConflictMark = ConflictMark {
        device: "laptop",
        date: "2026-03-01",
        tag: [0xab, 0x0c, 0xde],
    };

    fn copy_of(name: &[u8]) -> Vec<u8> {
        let name = EntryName::new(name).unwrap();
        conflict_name(&name, NodeKind::File, &MARK)
            .as_bytes()
            .to_vec()
    }

    #[test]
    fn s12_the_bracket_goes_before_the_ending() {
        assert_eq!(
            copy_of(b"a.txt"),
            b"a (conflict laptop 2026-03-01 ab0cde).txt"
        );
        assert_eq!(
            copy_of(b"Makefile"),
            b"Makefile (conflict laptop 2026-03-01 ab0cde)"
        );
        assert_eq!(
            copy_of(b".profile"),
            b".profile (conflict laptop 2026-03-01 ab0cde)"
        );
        let directory = EntryName::new("v1.2").unwrap();
        let copy = conflict_name(&directory, NodeKind::Directory, &MARK);
        assert_eq!(copy.as_bytes(), b"v1.2 (conflict laptop 2026-03-01 ab0cde)");
    }

    #[test]
    fn sc007_the_copy_of_a_copy_has_one_bracket() {
        let other = b"a (conflict my phone 2025-12-31 000000).txt";
        assert_eq!(copy_of(other), b"a (conflict laptop 2026-03-01 ab0cde).txt");
        let read = original(&EntryName::new(*other).unwrap(), NodeKind::File);
        assert_eq!(
            read,
            Some(Original {
                name: b"a.txt".to_vec(),
                tag: [0; 3]
            })
        );
    }

    #[test]
    fn sc051_a_user_file_that_looks_similar_keeps_its_name() {
        for name in [
            &b"a (conflict).txt"[..],
            b"a (conflict of interest).txt",
            b"(conflict x",
        ] {
            assert_eq!(
                original(&EntryName::new(name).unwrap(), NodeKind::File),
                None
            );
        }
        let bare = EntryName::new(*b" (conflict laptop 2026-03-01 ab0cde)").unwrap();
        assert_eq!(original(&bare, NodeKind::File), None);
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let name = "ä".repeat(125) + ".txt";
        let copy = copy_of(name.as_bytes());
        assert!(copy.len() <= 255 && copy.len() >= 254);
        assert!(String::from_utf8(copy).unwrap().ends_with("ab0cde).txt"));
        assert_eq!(copy_of(&[0x80; 255]).len(), 255);
    }

    #[test]
    fn a_device_name_cannot_leave_the_bracket() {
        let mark = ConflictMark {
            device: "a/b)\n(c",
            ..MARK
        };
        let copy = conflict_name(&EntryName::new("f").unwrap(), NodeKind::File, &mark);
        assert_eq!(copy.as_bytes(), b"f (conflict a-b---c 2026-03-01 ab0cde)");
        let empty = ConflictMark { device: "", ..MARK };
        let copy = conflict_name(&EntryName::new("f").unwrap(), NodeKind::File, &empty);
        assert_eq!(copy.as_bytes(), b"f (conflict device 2026-03-01 ab0cde)");
        let long = ConflictMark {
            device: &"ß".repeat(200),
            ..MARK
        };
        let copy = conflict_name(&EntryName::new("f").unwrap(), NodeKind::File, &long);
        assert!(copy.as_str().is_some_and(|name| name.len() < 90));
    }

    #[test]
    fn sc052_an_aside_name_fits_one_node_only() {
        assert_ne!(aside_name(NodeId([1; 16])), aside_name(NodeId([2; 16])));
    }
}
