//! Ids in JSON: their text form, lower-case hexadecimal.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Writes the text form.
pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// Reads the text form.
pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr,
    T::Err: Display,
    D: Deserializer<'de>,
{
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// The same for a value that may be absent.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Display, Error, FromStr, Serializer};

    /// Writes the text form, or null.
    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    /// Reads the text form, or null.
    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr,
        T::Err: Display,
        D: Deserializer<'de>,
    {
        match Option::<String>::deserialize(from)? {
            Some(text) => text.parse().map(Some).map_err(D::Error::custom),
            None => Ok(None),
        }
    }
}

/// The same for 32 bytes that are no id.
pub(crate) mod bytes32 {
    use data_encoding::HEXLOWER;

    use super::{Deserialize, Deserializer, Error, Serializer};

    /// Writes them in hexadecimal.
    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&HEXLOWER.encode(bytes))
    }

    /// Reads 64 hexadecimal digits.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        let wrong = || D::Error::custom("expected 64 hexadecimal digits");
        let bytes = HEXLOWER
            .decode(String::deserialize(from)?.as_bytes())
            .map_err(|_| wrong())?;
        bytes.try_into().map_err(|_| wrong())
    }
}

/// The same for a list.
pub(crate) mod list {
    use super::{Deserialize, Deserializer, Display, Error, FromStr, Serializer};

    /// Writes the text forms.
    pub(crate) fn serialize<T: Display, S: Serializer>(
        values: &[T],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(T::to_string))
    }

    /// Reads the text forms.
    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr,
        T::Err: Display,
        D: Deserializer<'de>,
    {
        let texts = Vec::<String>::deserialize(from)?;
        texts
            .iter()
            .map(|text| text.parse().map_err(D::Error::custom))
            .collect()
    }
}

/// A few bytes in base64url without padding.
pub(crate) mod bytes {
    use data_encoding::BASE64URL_NOPAD;

    use super::{Deserialize, Deserializer, Error, Serializer};

    /// Writes them.
    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64URL_NOPAD.encode(bytes))
    }

    /// Reads them.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        BASE64URL_NOPAD
            .decode(String::deserialize(from)?.as_bytes())
            .map_err(|_| D::Error::custom("expected base64url without padding"))
    }
}

/// The same for bytes that may be absent.
pub(crate) mod bytes_or_none {
    use data_encoding::BASE64URL_NOPAD;

    use super::{Deserialize, Deserializer, Error, Serializer};

    /// Writes them, or null.
    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => to.serialize_str(&BASE64URL_NOPAD.encode(bytes)),
            None => to.serialize_none(),
        }
    }

    /// Reads them, or null.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| BASE64URL_NOPAD.decode(text.as_bytes()))
            .transpose()
            .map_err(|_| D::Error::custom("expected base64url without padding"))
    }
}
