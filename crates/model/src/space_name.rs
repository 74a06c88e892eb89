//! Names of spaces: text that is typed in front of paths.

use std::fmt;

/// The longest name of a space, in bytes.
pub const MAX_SPACE_NAME_BYTES: usize = 100;

/// The name of a space, as its members call it.
///
/// It stands in commands as `NAME:/path`, in lists and in messages, so it is text that can be
/// shown, and cannot be taken for a path, an option or an id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceName(Box<str>);

/// Why text is not the name of a space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpaceNameError {
    /// It is empty, or nothing but blanks.
    #[error("the name is empty")]
    Empty,
    /// It has more than [`MAX_SPACE_NAME_BYTES`] bytes.
    #[error("the name is longer than 100 bytes")]
    TooLong,
    /// It has `/`, a control character, one that turns the direction of text, or blanks at its ends.
    #[error("the name has \"/\", a character that cannot be shown, or blanks at its ends")]
    Character,
    /// It begins with `-` or is written like an id.
    #[error("the name could be taken for an option or an id")]
    Mistakable,
}

impl SpaceName {
    /// Checks and keeps a name.
    ///
    /// # Errors
    /// See [`SpaceNameError`].
    pub fn new(text: &str) -> Result<Self, SpaceNameError> {
        if text.trim().is_empty() {
            Err(SpaceNameError::Empty)
        } else if text.len() > MAX_SPACE_NAME_BYTES {
            Err(SpaceNameError::TooLong)
        } else if text.trim() != text || text.chars().any(is_bad) {
            Err(SpaceNameError::Character)
        } else if text.starts_with('-') || is_like_an_id(text) {
            Err(SpaceNameError::Mistakable)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Separators, controls, and what turns the direction of text around it.
fn is_bad(c: char) -> bool {
    c == '/'
        || c.is_control()
        || matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}')
        || matches!(c, '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

fn is_like_an_id(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl fmt::Display for SpaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_text_that_can_be_shown_and_taken_for_nothing_else() {
        for good in ["photos", "two words", "Familie Müller", "a:b", "家", "x-y"] {
            assert_eq!(SpaceName::new(good).unwrap().as_str(), good);
        }
        let long = "x".repeat(101);
        let id = "0a".repeat(32);
        for (bad, why) in [
            ("", SpaceNameError::Empty),
            ("  ", SpaceNameError::Empty),
            (long.as_str(), SpaceNameError::TooLong),
            ("a/b", SpaceNameError::Character),
            (" a", SpaceNameError::Character),
            ("a\nb", SpaceNameError::Character),
            ("a\u{202E}b", SpaceNameError::Character),
            ("-rf", SpaceNameError::Mistakable),
            (id.as_str(), SpaceNameError::Mistakable),
        ] {
            assert_eq!(SpaceName::new(bad), Err(why), "{bad:?}");
        }
    }
}
