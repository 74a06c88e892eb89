//! Recovery codes: what a person writes down to get into the account when nothing else is left.

use std::fmt;
use std::str::FromStr;

use zeroize::{Zeroize, Zeroizing};

use crate::crockford;

/// Random bytes of a code.
pub const RECOVERY_BYTES: usize = 20;

/// Characters of the text form that carry the bytes.
const DIGITS: usize = 32;

/// Characters after them that find a slip of the pen.
const CHECK: usize = 2;

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
        let mut text = crockford::encode(&self.0);
        text.push_str(&crockford::encode(&self.check()));
        // Of the four characters for two bytes only ten bits say something.
        text.truncate(DIGITS + CHECK);
        text
    }
}

impl fmt::Display for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crockford::write_groups(f, &self.text())
    }
}

impl FromStr for RecoveryCode {
    type Err = RecoveryError;

    fn from_str(text: &str) -> Result<Self, RecoveryError> {
        let typed = crockford::as_meant(text, DIGITS + CHECK).ok_or(RecoveryError::Form)?;
        let digits = typed.get(..DIGITS).and_then(crockford::decode);
        let digits = digits.ok_or(RecoveryError::Form)?;
        let bytes = digits.as_slice().try_into();
        let code = Self(bytes.map_err(|_| RecoveryError::Form)?);
        if *code.text() == *typed {
            Ok(code)
        } else {
            Err(RecoveryError::Check)
        }
    }
}

impl Drop for RecoveryCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
