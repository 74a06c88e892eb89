//! Recovery codes: what a person writes down to get into the account when nothing else is left.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use zeroize::{Zeroize, Zeroizing};

/// Random bytes of a code.
pub const RECOVERY_BYTES: usize = 20;

/// Characters of the text form that carry the bytes; two more check them.
const DIGITS: usize = 32;

/// Characters in a group of the text form.
const GROUP: usize = 4;

/// Longest text that is looked at, with every separator somebody may type.
const MAX_TEXT_BYTES: usize = 256;

/// Base32 by Crockford: no letter that looks like a digit or like another one.
static CROCKFORD: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification
        .translate
        .from
        .push_str("abcdefghjkmnpqrstvwxyzOoIiLl");
    specification
        .translate
        .to
        .push_str("ABCDEFGHJKMNPQRSTVWXYZ001111");
    specification.ignore.push_str("- ");
    specification.encoding().ok()
});

/// 160 random bits. No `Debug`, wiped when dropped; `Display` writes the secret: it is what the user
/// is given.
///
/// The text has eight groups of four characters, and two more that find a slip of the pen.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode([u8; RECOVERY_BYTES]);

/// A text is not a recovery code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// It is too short or too long, or has other characters.
    #[error("a recovery code has 34 letters and digits")]
    Form,
    /// Its last two characters do not fit to the others.
    #[error("the recovery code has a mistake in it: compare it with what you wrote down")]
    Check,
}

impl RecoveryCode {
    /// The code with these random bytes.
    pub fn new(bytes: [u8; RECOVERY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The random bytes.
    pub fn expose(&self) -> &[u8; RECOVERY_BYTES] {
        &self.0
    }

    /// Ten bits that follow from all others.
    fn check(&self) -> [u8; 2] {
        let hash = Zeroizing::new(blake3::derive_key("hythe 1 recovery code check", &self.0));
        [hash[0], hash[1] & 0xc0]
    }

    /// The characters without separators.
    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(DIGITS + 4));
        if let Some(base32) = &*CROCKFORD {
            base32.encode_append(&self.0, &mut text);
            base32.encode_append(&self.check(), &mut text);
        }
        // Of the four characters for two bytes only ten bits say something.
        text.truncate(DIGITS + 2);
        text
    }
}

impl fmt::Display for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text();
        let (digits, check) = text.split_at(DIGITS.min(text.len()));
        for group in digits.as_bytes().chunks(GROUP) {
            write!(f, "{}-", String::from_utf8_lossy(group))?;
        }
        f.write_str(check)
    }
}

impl FromStr for RecoveryCode {
    type Err = RecoveryError;

    fn from_str(text: &str) -> Result<Self, RecoveryError> {
        let base32 = CROCKFORD.as_ref().ok_or(RecoveryError::Form)?;
        if text.len() > MAX_TEXT_BYTES {
            return Err(RecoveryError::Form);
        }
        let mut plain = Zeroizing::new(text.trim().replace(['-', ' '], ""));
        if !plain.is_ascii() || plain.len() != DIGITS + 2 {
            return Err(RecoveryError::Form);
        }
        plain.make_ascii_uppercase();
        let check = Zeroizing::new(plain.split_off(DIGITS));
        let bytes = base32.decode(plain.as_bytes());
        let bytes = Zeroizing::new(bytes.map_err(|_| RecoveryError::Form)?);
        let bytes = bytes
            .as_slice()
            .try_into()
            .map_err(|_| RecoveryError::Form)?;
        let code = Self(bytes);
        let typed: String = check.chars().map(as_meant).collect();
        if code.text().get(DIGITS..) == Some(typed.as_str()) {
            Ok(code)
        } else {
            Err(RecoveryError::Check)
        }
    }
}

/// A character as Crockford reads it.
fn as_meant(typed: char) -> char {
    match typed {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    }
}

impl Drop for RecoveryCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
