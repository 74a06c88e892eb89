//! Base32 by Crockford, for codes that people copy by hand: no letter looks like a digit or like
//! another one.

use std::fmt;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use zeroize::Zeroizing;

/// Characters in a group of the text form.
const GROUP: usize = 4;

/// Longest text that is looked at, with every separator somebody may type.
const MAX_TEXT_BYTES: usize = 256;

static ENCODING: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification
        .symbols
        .push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    // What is left over of the last character says nothing, and is not looked at.
    specification.check_trailing_bits = false;
    specification.encoding().ok()
});

/// The characters that bytes take, without separators.
pub(crate) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(2)));
    if let Some(encoding) = &*ENCODING {
        encoding.encode_append(bytes, &mut text);
    }
    text
}

/// The bytes of characters without separators; none when there are others among them.
pub(crate) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let encoding = ENCODING.as_ref()?;
    encoding.decode(text.as_bytes()).ok().map(Zeroizing::new)
}

/// Writes characters in groups.
pub(crate) fn write_groups(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for (index, group) in text.as_bytes().chunks(GROUP).enumerate() {
        if index > 0 {
            f.write_str("-")?;
        }
        f.write_str(&Zeroizing::new(String::from_utf8_lossy(group).into_owned()))?;
    }
    Ok(())
}

/// What was typed, as it was meant: without separators, in capitals, with digits for the letters that
/// look like them; none when it is not of this length.
pub(crate) fn as_meant(typed: &str, length: usize) -> Option<Zeroizing<String>> {
    if typed.len() > MAX_TEXT_BYTES || !typed.is_ascii() {
        return None;
    }
    let mut text = Zeroizing::new(String::with_capacity(typed.len()));
    let separators = |sign: &char| *sign == '-' || sign.is_ascii_whitespace();
    for sign in typed.chars().filter(|sign| !separators(sign)) {
        text.push(match sign.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        });
    }
    (text.len() == length).then_some(text)
}
