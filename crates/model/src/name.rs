//! Names of entries: bytes, kept exactly, checked when they are made.

use std::fmt;

/// The longest name, in bytes: what Linux file systems hold (`NAME_MAX`).
pub const MAX_NAME_BYTES: usize = 255;

/// The entry of a sync folder that belongs to Hythe (marker and staging area).
pub const RESERVED_NAME: &[u8] = b".hythe";

/// The name of a node below its parent.
///
/// Any bytes except those that could make it mean another place. Whether a given platform can
/// store it is asked elsewhere (D8).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName(Box<[u8]>);

/// Why bytes are not a name. A node with such a name is quarantined: listed, and never placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There are no bytes.
    #[error("the name is empty")]
    Empty,
    /// It has more than [`MAX_NAME_BYTES`] bytes.
    #[error("the name is longer than 255 bytes")]
    TooLong,
    /// It is `.` or `..`.
    #[error("the name is \".\" or \"..\"")]
    Dots,
    /// It contains `/` or NUL.
    #[error("the name contains \"/\" or a NUL byte")]
    Separator,
    /// It is the name of Hythe's own folder.
    #[error("the name \".hythe\" is Hythe's own")]
    Reserved,
}

impl EntryName {
    /// Checks and keeps a name.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, NameError> {
        let bytes = bytes.into();
        match bytes.as_slice() {
            [] => Err(NameError::Empty),
            b"." | b".." => Err(NameError::Dots),
            RESERVED_NAME => Err(NameError::Reserved),
            long if long.len() > MAX_NAME_BYTES => Err(NameError::TooLong),
            other if other.iter().any(|b| matches!(b, b'/' | 0)) => Err(NameError::Separator),
            _ => Ok(Self(bytes.into_boxed_slice())),
        }
    }

    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name as text where it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Display for EntryName {
    /// For people: control, bidirectional and invalid bytes are escaped, so that a name can
    /// neither move a terminal's cursor nor pass for another name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.utf8_chunks() {
            for c in part.valid().chars() {
                if c.is_control() || is_format(c) {
                    write!(f, "{}", c.escape_unicode())?;
                } else {
                    write!(f, "{c}")?;
                }
            }
            for byte in part.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Characters that reorder or hide text: bidirectional controls, zero-width and line separators.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc048_names_that_mean_another_place_are_refused() {
        for (bytes, why) in [
            (&b""[..], NameError::Empty),
            (b".", NameError::Dots),
            (b"..", NameError::Dots),
            (b"a/b", NameError::Separator),
            (b"/etc/x", NameError::Separator),
            (b"a\0b", NameError::Separator),
            (b".hythe", NameError::Reserved),
        ] {
            assert_eq!(EntryName::new(bytes), Err(why));
        }
        assert_eq!(EntryName::new(vec![b'a'; 256]), Err(NameError::TooLong));
        assert!(EntryName::new(vec![b'a'; 255]).is_ok());
    }

    #[test]
    fn sc042_sc047_bytes_are_kept_and_shown_escaped() {
        let name = EntryName::new(*b"a\xff\xfe\x1b[2J\n").unwrap();
        assert_eq!(name.as_bytes(), b"a\xff\xfe\x1b[2J\n");
        assert_eq!(name.to_string(), "a\\xff\\xfe\\u{1b}[2J\\u{a}");
        let bidi = EntryName::new("txt\u{202e}exe").unwrap();
        assert_eq!(bidi.to_string(), "txt\\u{202e}exe");
    }
}
