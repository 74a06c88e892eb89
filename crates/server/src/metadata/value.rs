//! Values as SQL sees them, the same for both databases.

use std::borrow::Cow;

use super::error::DbError;

/// A parameter of a statement or a column of a row.
///
/// Four types are enough: booleans and times are integers, ids are bytes. One SQL text can then be
/// given to SQLite and to PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum V<'a> {
    /// SQL's NULL.
    Null,
    /// INTEGER in SQLite, BIGINT in PostgreSQL.
    Int(i64),
    /// BLOB in SQLite, BYTEA in PostgreSQL.
    Bytes(Cow<'a, [u8]>),
    /// TEXT in both.
    Text(Cow<'a, str>),
}

impl From<i64> for V<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for V<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<u64> for V<'_> {
    /// Saturates at 2^63 - 1: nothing that is counted here gets there, and a bound that a client
    /// sent (a cursor beyond every log) keeps its meaning.
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for V<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl<'a> From<&'a [u8]> for V<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for V<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl From<Vec<u8>> for V<'_> {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(value))
    }
}

impl<'a> From<&'a str> for V<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a, T: Into<V<'a>>> From<Option<T>> for V<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer. Columns are taken by their place in the statement's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub(super) Vec<V<'static>>);

impl Row {
    /// The integer in column `at`.
    ///
    /// # Errors
    /// When the column is not there or holds something else, as with the other readers.
    pub fn int(&self, at: usize) -> Result<i64, DbError> {
        match self.0.get(at) {
            Some(V::Int(value)) => Ok(*value),
            _ => Err(DbError::Shape("an integer")),
        }
    }

    /// The non-negative integer in column `at`.
    ///
    /// # Errors
    /// As [`Row::int`], and when it is negative.
    pub fn count(&self, at: usize) -> Result<u64, DbError> {
        u64::try_from(self.int(at)?).map_err(|_| DbError::Shape("a count"))
    }

    /// The boolean in column `at`, stored as 0 or 1.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn flag(&self, at: usize) -> Result<bool, DbError> {
        Ok(self.int(at)? != 0)
    }

    /// The integer in column `at`, or nothing for NULL.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn int_or_null(&self, at: usize) -> Result<Option<i64>, DbError> {
        match self.0.get(at) {
            Some(V::Null) => Ok(None),
            _ => self.int(at).map(Some),
        }
    }

    /// The bytes in column `at`.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn bytes(&self, at: usize) -> Result<&[u8], DbError> {
        match self.0.get(at) {
            Some(V::Bytes(value)) => Ok(value),
            _ => Err(DbError::Shape("bytes")),
        }
    }

    /// The bytes in column `at`, or nothing for NULL.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn bytes_or_null(&self, at: usize) -> Result<Option<&[u8]>, DbError> {
        match self.0.get(at) {
            Some(V::Null) => Ok(None),
            _ => self.bytes(at).map(Some),
        }
    }

    /// Takes the bytes out of column `at` without a copy.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn take_bytes(&mut self, at: usize) -> Result<Vec<u8>, DbError> {
        match self
            .0
            .get_mut(at)
            .map(|value| std::mem::replace(value, V::Null))
        {
            Some(V::Bytes(value)) => Ok(value.into_owned()),
            _ => Err(DbError::Shape("bytes")),
        }
    }

    /// Takes the bytes out of column `at`, or nothing for NULL.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn take_bytes_or_null(&mut self, at: usize) -> Result<Option<Vec<u8>>, DbError> {
        match self.0.get(at) {
            Some(V::Null) => Ok(None),
            _ => self.take_bytes(at).map(Some),
        }
    }

    /// The bytes of a fixed length in column `at`: an id or a hash.
    ///
    /// # Errors
    /// As [`Row::int`], and when the length is another.
    pub fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], DbError> {
        self.bytes(at)?
            .try_into()
            .map_err(|_| DbError::Shape("bytes of a fixed length"))
    }

    /// The text in column `at`.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn text(&self, at: usize) -> Result<&str, DbError> {
        match self.0.get(at) {
            Some(V::Text(value)) => Ok(value),
            _ => Err(DbError::Shape("text")),
        }
    }

    /// The text in column `at`, or nothing for NULL.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn text_or_null(&self, at: usize) -> Result<Option<&str>, DbError> {
        match self.0.get(at) {
            Some(V::Null) => Ok(None),
            _ => self.text(at).map(Some),
        }
    }
}
