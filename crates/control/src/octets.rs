//! Bytes that are usually text: names and paths.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name or path, byte for byte (D8).
///
/// In JSON a string where the bytes are UTF-8, and otherwise an object `{"b64": "…"}` with the
/// bytes in base 64, so that nothing is lost and nothing needs escaping rules of ours.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Octets(pub Vec<u8>);

impl Octets {
    /// The exact bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, where the bytes are UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The bytes as a path of this system.
    pub fn to_path(&self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.0.clone()))
    }
}

impl From<&Path> for Octets {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

impl From<&str> for Octets {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<Vec<u8>> for Octets {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Octets {
    /// For people: control, reordering and invalid bytes are escaped, so that a name can neither
    /// move a terminal's cursor nor pass for another name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(&self.0, f)
    }
}

/// Escapes as `hythe_model::EntryName` does, for bytes that may hold `/` or be no name at all.
fn write_escaped(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for part in bytes.utf8_chunks() {
        for c in part.valid().chars() {
            if c.is_control() || moves_text(c) {
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

/// Characters that reorder or hide text: bidirectional controls, zero-width and line separators.
fn moves_text(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(text) = self.as_str() {
            return serializer.serialize_str(text);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("b64", &BASE64.encode(&self.0))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OctetsVisitor)
    }
}

struct OctetsVisitor;

impl<'de> Visitor<'de> for OctetsVisitor {
    type Value = Octets;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or an object with the one key \"b64\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Octets, E> {
        Ok(Octets(text.as_bytes().to_vec()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Octets, A::Error> {
        let (key, text): (String, String) = map
            .next_entry()?
            .ok_or_else(|| de::Error::missing_field("b64"))?;
        if key != "b64" || map.next_key::<String>()?.is_some() {
            return Err(de::Error::custom("expected exactly the key \"b64\""));
        }
        BASE64
            .decode(text.as_bytes())
            .map(Octets)
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sc042_bytes_survive_json_whether_text_or_not() {
        for (bytes, json) in [
            (&b"a\"\n"[..], r#""a\"\n""#),
            (b"\xff\xfe", r#"{"b64":"//4="}"#),
            (b"", r#""""#),
        ] {
            let octets = Octets(bytes.to_vec());
            assert_eq!(serde_json::to_string(&octets).unwrap(), json);
            assert_eq!(serde_json::from_str::<Octets>(json).unwrap(), octets);
        }
    }

    #[test]
    fn other_objects_are_refused() {
        for json in [
            r#"{}"#,
            r#"{"b46":"//4="}"#,
            r#"{"b64":"//4=","x":"y"}"#,
            r#"{"b64":"*"}"#,
            "7",
        ] {
            assert!(serde_json::from_str::<Octets>(json).is_err(), "{json}");
        }
    }
}
