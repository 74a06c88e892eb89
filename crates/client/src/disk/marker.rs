//! The marker: what makes a directory a sync folder of this device.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use hythe_model::{DeviceId, NodeId, SpaceId};
use minicbor::{Decode, Encode};

use crate::os::{self, Want};

/// Name inside `.hythe`.
const NAME: &[u8] = b"marker";
/// Where a new marker is written before it takes its name.
const NEXT: &[u8] = b"marker.next";
/// The first bytes of every marker, format version included.
const MAGIC: &[u8; 8] = b"HYTHEMK1";
/// No marker is longer; anything longer is none.
const MAX_BYTES: u64 = 1024;

/// A sync folder, for the life of its registration; random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct FolderId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

impl fmt::Display for FolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for FolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FolderId({self})")
    }
}

/// One period of use of a folder. Folder and state database each keep the newest; when they
/// differ, one of them is an older copy (SC-089, SC-138, SC-142).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Generation {
    /// Counts the periods.
    #[n(0)]
    pub number: u64,
    /// Random: two histories that reach the same number still differ here.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub token: [u8; 16],
}

impl Generation {
    /// The first period of a new folder.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn first() -> io::Result<Self> {
        Self::with_number(1)
    }

    /// The period after this one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn next(self) -> io::Result<Self> {
        Self::with_number(self.number.saturating_add(1))
    }

    fn with_number(number: u64) -> io::Result<Self> {
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(io::Error::other)?;
        Ok(Self { number, token })
    }
}

/// What stands in `.hythe/marker`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Marker {
    /// The device whose folder this is.
    #[n(0)]
    pub device: DeviceId,
    /// The folder.
    #[n(1)]
    pub folder: FolderId,
    /// The space it shows.
    #[n(2)]
    pub space: SpaceId,
    /// The directory of the space that it shows.
    #[n(3)]
    pub node: NodeId,
    /// The file system that held the folder when the marker was written.
    #[n(4)]
    pub file_system: u64,
    /// The inode of the folder itself at that time.
    #[n(5)]
    pub inode: u64,
    /// The period of use.
    #[n(6)]
    pub generation: Generation,
}

impl Marker {
    /// Reads the marker from an open `.hythe`; none when there is none, or none that is whole.
    pub(super) fn read(own: BorrowedFd<'_>) -> io::Result<Option<Self>> {
        let file = match os::open_at(own, NAME, Want::Content) {
            Ok(file) => std::fs::File::from(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes)?;
        Ok(Self::decode(&bytes))
    }

    /// The marker of a directory, if it has one that can be read.
    pub(crate) fn of(directory: BorrowedFd<'_>, name: &[u8]) -> Option<Self> {
        let below = [name, b"/", super::HYTHE].concat();
        let own = os::open_below(directory, &below, Want::Directory).ok()?;
        Self::read(own.as_fd()).ok().flatten()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let body = bytes.strip_prefix(MAGIC)?;
        let mut decoder = minicbor::Decoder::new(body);
        let marker: Self = decoder.decode().ok()?;
        (decoder.position() == body.len()).then_some(marker)
    }

    /// Puts the marker in place of the one before, so that a crash leaves one of the two.
    pub(super) fn write(&self, own: BorrowedFd<'_>) -> io::Result<()> {
        let body = minicbor::to_vec(self).map_err(io::Error::other)?;
        match os::remove_file(own, NEXT) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = os::create_file(own, NEXT)?;
        file.write_all(MAGIC)?;
        file.write_all(&body)?;
        os::sync(&file)?;
        os::move_over(own, NEXT, own, NAME)?;
        os::sync(own.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        Marker {
            device: DeviceId([1; 32]),
            folder: FolderId([2; 16]),
            space: SpaceId([3; 32]),
            node: NodeId([4; 16]),
            file_system: 5,
            inode: u64::MAX,
            generation: Generation {
                number: 7,
                token: [8; 16],
            },
        }
    }

    #[test]
    fn a_marker_round_trips_and_damage_makes_it_none() {
        let directory = tempfile::tempdir().unwrap();
        let own = os::open_root(directory.path()).unwrap();
        assert_eq!(Marker::read(own.as_fd()).unwrap(), None);
        marker().write(own.as_fd()).unwrap();
        let again = Marker {
            inode: 1,
            ..marker()
        };
        again.write(own.as_fd()).unwrap();
        assert_eq!(Marker::read(own.as_fd()).unwrap(), Some(again));

        let path = directory.path().join("marker");
        let whole = std::fs::read(&path).unwrap();
        for damaged in [
            &whole[..whole.len() - 1],
            &[whole.as_slice(), b"x"].concat(),
            b"",
            b"HYTHEMK1",
        ] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(Marker::read(own.as_fd()).unwrap(), None);
        }
    }
}
