//! Values to columns and back. What cannot be read back is an error, never a guess.

use hythe_model::NameError;
use hythe_model::{
    ChainHash, ContentHash, EntryName, HeaderHash, NameTag, NodeId, NodeKind, Role, ServerEpoch,
    SpaceId, Timestamp, VersionId,
};
use hythe_sync::{DiskStamp, Quarantine};
use rusqlite::Row;

use super::error::StateError;
use super::rows::Result;
use crate::disk::{FolderId, Generation};

/// Reads a column of a row.
pub(super) fn get<T: Column>(row: &Row<'_>, at: usize) -> Result<T> {
    T::from_bytes(
        row.get_ref(at)?
            .as_blob()
            .map_err(|_| StateError::Invalid(T::WHAT))?,
    )
    .ok_or(StateError::Invalid(T::WHAT))
}

/// Reads a column that may be NULL.
pub(super) fn get_some<T: Column>(row: &Row<'_>, at: usize) -> Result<Option<T>> {
    match row.get_ref(at)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => get(row, at).map(Some),
    }
}

/// A value kept as bytes.
pub(super) trait Column: Sized {
    /// What it is, for an error.
    const WHAT: &'static str;

    /// Reads the bytes back.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

macro_rules! id_columns {
    ($($id:ty, $what:literal;)*) => {$(
        impl Column for $id {
            const WHAT: &'static str = $what;

            fn from_bytes(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }
        }
    )*};
}

id_columns! {
    NodeId, "node id";
    VersionId, "version id";
    SpaceId, "space id";
    FolderId, "folder id";
    ContentHash, "content hash";
    NameTag, "name tag";
    ChainHash, "chain hash";
    HeaderHash, "header hash";
    ServerEpoch, "server epoch";
}

impl Column for EntryName {
    const WHAT: &'static str = "name";

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(bytes).ok()
    }
}

impl Column for Vec<u8> {
    const WHAT: &'static str = "byte string";

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

impl Column for Timestamp {
    const WHAT: &'static str = "time";

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (seconds, rest) = bytes.split_first_chunk()?;
        let nanos = rest.try_into().ok()?;
        Some(Self {
            seconds: i64::from_le_bytes(*seconds),
            nanos: u32::from_le_bytes(nanos),
        })
    }
}

impl Column for DiskStamp {
    const WHAT: &'static str = "stamp";

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (inode, rest) = bytes.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk()?;
        let (modified, rest) = rest.split_first_chunk::<TIME>()?;
        let (changed, rest) = rest.split_first_chunk::<TIME>()?;
        let born = match rest {
            [] => None,
            born => Some(Timestamp::from_bytes(born)?),
        };
        Some(Self {
            device: 0,
            inode: u64::from_le_bytes(*inode),
            size: u64::from_le_bytes(*size),
            modified: Timestamp::from_bytes(modified)?,
            changed: Timestamp::from_bytes(changed)?,
            born,
        })
    }
}

impl Column for Generation {
    const WHAT: &'static str = "generation";

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, token) = bytes.split_first_chunk()?;
        Some(Self {
            number: u64::from_le_bytes(*number),
            token: token.try_into().ok()?,
        })
    }
}

const TIME: usize = 12;

/// Stored form of a time: seconds, then nanoseconds, low byte first.
pub(super) fn time_bytes(time: Timestamp) -> [u8; TIME] {
    let mut bytes = [0; TIME];
    bytes[..8].copy_from_slice(&time.seconds.to_le_bytes());
    bytes[8..].copy_from_slice(&time.nanos.to_le_bytes());
    bytes
}

/// Stored form of a stamp. Equal stamps have equal bytes, which is all that a scan compares.
#[derive(Clone, Copy)]
pub(crate) struct StampBytes {
    bytes: [u8; 16 + 3 * TIME],
    length: usize,
}

impl StampBytes {
    pub(crate) fn new(stamp: &DiskStamp) -> Self {
        let mut bytes = [0; 16 + 3 * TIME];
        bytes[..8].copy_from_slice(&stamp.inode.to_le_bytes());
        bytes[8..16].copy_from_slice(&stamp.size.to_le_bytes());
        bytes[16..28].copy_from_slice(&time_bytes(stamp.modified));
        bytes[28..40].copy_from_slice(&time_bytes(stamp.changed));
        bytes[40..].copy_from_slice(&time_bytes(stamp.born.unwrap_or_default()));
        Self {
            bytes,
            length: if stamp.born.is_some() { 52 } else { 40 },
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Stored form of a generation.
pub(super) fn generation_bytes(generation: &Generation) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&generation.number.to_le_bytes());
    bytes[8..].copy_from_slice(&generation.token);
    bytes
}

/// Reads a column that holds an unsigned number.
pub(super) fn number(row: &Row<'_>, at: usize) -> Result<u64> {
    Ok(row.get::<_, i64>(at)?.cast_unsigned())
}

/// An unsigned number as SQLite keeps it. Numbers above 2^63 are negative there; nothing compares
/// them in SQL.
pub(super) fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// Stored form of a kind.
pub(crate) fn kind_number(kind: NodeKind) -> i64 {
    match kind {
        NodeKind::Directory => 0,
        NodeKind::File => 1,
        NodeKind::Symlink => 2,
        NodeKind::Attachment => 3,
    }
}

/// Reads a kind.
pub(super) fn kind(row: &Row<'_>, at: usize) -> Result<NodeKind> {
    match row.get::<_, i64>(at)? {
        0 => Ok(NodeKind::Directory),
        1 => Ok(NodeKind::File),
        2 => Ok(NodeKind::Symlink),
        3 => Ok(NodeKind::Attachment),
        _ => Err(StateError::Invalid("node kind")),
    }
}

/// Stored form of a role.
pub(super) fn role_number(role: Role) -> i64 {
    match role {
        Role::Owner => 0,
        Role::Editor => 1,
        Role::Viewer => 2,
        Role::Drop => 3,
    }
}

/// Reads a role.
pub(super) fn role(row: &Row<'_>, at: usize) -> Result<Role> {
    match row.get::<_, i64>(at)? {
        0 => Ok(Role::Owner),
        1 => Ok(Role::Editor),
        2 => Ok(Role::Viewer),
        3 => Ok(Role::Drop),
        _ => Err(StateError::Invalid("role")),
    }
}

/// Stored form of a name that is or is not quarantined.
pub(super) fn name_columns(
    name: &std::result::Result<EntryName, Quarantine>,
) -> (Option<&[u8]>, i64) {
    match name {
        Ok(name) => (Some(name.as_bytes()), 0),
        Err(Quarantine::Name(NameError::Empty)) => (None, 1),
        Err(Quarantine::Name(NameError::TooLong)) => (None, 2),
        Err(Quarantine::Name(NameError::Dots)) => (None, 3),
        Err(Quarantine::Name(NameError::Separator)) => (None, 4),
        Err(Quarantine::Name(NameError::Reserved)) => (None, 5),
        Err(Quarantine::Tag) => (None, 10),
        Err(Quarantine::Sealed) => (None, 11),
    }
}

/// Reads a name that is or is not quarantined.
pub(super) fn name(
    row: &Row<'_>,
    name: usize,
    quarantine: usize,
) -> Result<std::result::Result<EntryName, Quarantine>> {
    Ok(Err(match row.get::<_, i64>(quarantine)? {
        0 => return get(row, name).map(Ok),
        1 => NameError::Empty.into(),
        2 => NameError::TooLong.into(),
        3 => NameError::Dots.into(),
        4 => NameError::Separator.into(),
        5 => NameError::Reserved.into(),
        10 => Quarantine::Tag,
        11 => Quarantine::Sealed,
        _ => return Err(StateError::Invalid("quarantine")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_round_trips_and_keeps_an_unknown_birth_apart_from_1970() {
        let zero = DiskStamp {
            device: 0,
            inode: u64::MAX,
            size: 1,
            modified: Timestamp {
                seconds: -1,
                nanos: 5,
            },
            changed: Timestamp::default(),
            born: None,
        };
        let epoch = DiskStamp {
            born: Some(Timestamp::default()),
            ..zero
        };
        for stamp in [zero, epoch] {
            assert_eq!(
                DiskStamp::from_bytes(StampBytes::new(&stamp).as_slice()),
                Some(stamp)
            );
        }
        assert_ne!(
            StampBytes::new(&zero).as_slice(),
            StampBytes::new(&epoch).as_slice()
        );
        assert_eq!(DiskStamp::from_bytes(&[0; 39]), None);
    }
}
