//! `.hythe/out`: what was taken out of the tree, until it is certain that nobody needs it.
//!
//! The name of each file says what it should be, so that after a crash each can be judged without
//! any record: what was expected to come out of the tree, and, when something was put in its
//! place, what that was. A file that is neither is a user's value and comes back as [`Late`].

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use hythe_model::{ContentHash, Timestamp, TreePath};
use hythe_sync::DiskStamp;
use minicbor::{Decode, Encode};

use super::batch::Batch;
use super::error::DiskError;
use super::outcome::{Change, Outcome};
use super::place::Place;
use super::root::Root;
use super::stamp::{Found, stamp_of};
use crate::os::{self, FileKind, Info, Listing, Want, Writers};

/// How long a file is kept when the system does not say whether somebody writes to it.
const DOUBT: Duration = Duration::from_secs(3600);
/// Ends the name of the note beside a kept file.
const NOTE: &[u8] = b".note";
const MAX_NOTE_BYTES: u64 = 1 << 20;

/// A value that was written to a file after its name had gone to another value, or that could not
/// be put back. Give it a name with [`Batch::place_late`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    name: Vec<u8>,
    /// What it is.
    pub kind: FileKind,
    /// Its state.
    pub stamp: DiskStamp,
    /// Where it came from, as far as known.
    pub origin: Option<TreePath>,
    /// The inode it was expected to have; its record in the state database may tell the origin.
    pub expected_inode: Option<u64>,
}

/// What stays the same of a file when it is renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Core {
    inode: u64,
    size: u64,
    modified: Timestamp,
}

impl Core {
    fn of(stamp: &DiskStamp) -> Self {
        Self {
            inode: stamp.inode,
            size: stamp.size,
            modified: stamp.modified,
        }
    }

    fn encode(&self) -> String {
        let Timestamp { seconds, nanos } = self.modified;
        format!(
            "-{:x}-{:x}-{:x}-{nanos:x}",
            self.inode,
            self.size,
            seconds.cast_unsigned()
        )
    }

    fn decode<'a>(parts: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut next = || u64::from_str_radix(parts.next()?, 16).ok();
        let (inode, size, seconds, nanos) = (next()?, next()?, next()?, next()?);
        let modified = Timestamp {
            seconds: seconds.cast_signed(),
            nanos: nanos.try_into().ok()?,
        };
        Some(Self {
            inode,
            size,
            modified,
        })
    }
}

/// The name of a file in `.hythe/out`: `RANDOM[-out-CORE][-in-CORE]`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutName {
    random: String,
    /// What may come out of the tree and be thrown away; none when whatever comes out is kept.
    expected: Option<Core>,
    /// What is to go into the tree.
    staged: Option<Core>,
}

impl OutName {
    pub(super) fn new(
        expected: Option<&DiskStamp>,
        staged: Option<&DiskStamp>,
    ) -> io::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        Ok(Self {
            random: data_encoding::HEXLOWER.encode(&random),
            expected: expected.map(Core::of),
            staged: staged.map(Core::of),
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let part = |label: &str, core: &Option<Core>| {
            core.map(|core| format!("-{label}{}", core.encode()))
                .unwrap_or_default()
        };
        let (expected, staged) = (part(GOES_OUT, &self.expected), part(GOES_IN, &self.staged));
        format!("{}{expected}{staged}", self.random).into_bytes()
    }

    fn decode(name: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(name).ok()?.split('-').peekable();
        let random = parts.next()?.to_owned();
        let mut core = |label| match parts.next_if(|part| *part == label) {
            Some(_) => Core::decode(&mut parts).map(Some),
            None => Some(None),
        };
        let (expected, staged) = (core(GOES_OUT)?, core(GOES_IN)?);
        parts.next().is_none().then_some(Self {
            random,
            expected,
            staged,
        })
    }
}

const GOES_OUT: &str = "out";
const GOES_IN: &str = "in";

/// What is written beside a file that is kept because somebody may still write to it.
#[derive(Debug, Default, Encode, Decode)]
struct Note {
    /// Where it came from.
    #[cbor(n(0), with = "minicbor::bytes")]
    origin: Vec<u8>,
    /// Hash of what it held.
    #[n(1)]
    hash: Option<ContentHash>,
}

impl Root {
    /// Lets a file go that came out of the tree as expected: at once when nobody writes to it,
    /// else later.
    pub(super) fn retire(
        &self,
        name: &[u8],
        origin: &TreePath,
        hash: Option<ContentHash>,
    ) -> io::Result<()> {
        match self.writers_of(name) {
            Writers::None => os::remove_file(self.out(), name),
            Writers::Some | Writers::Unknown => {
                let note = Note {
                    origin: origin.to_bytes(),
                    hash,
                };
                self.write_note(name, &note)
            }
        }
    }

    /// Looks through everything in `.hythe/out`: lets go what nobody writes to any more, and
    /// returns what holds a value of the user's. To be called at start and from time to time
    /// while [`Self::keeps_any_out`].
    ///
    /// # Errors
    /// The system's.
    pub fn settle_out(&self) -> Result<Vec<Late>, DiskError> {
        let _busy = self.out_busy();
        let settle = || -> io::Result<Vec<Late>> {
            let mut late = Vec::new();
            for name in self.names_out()? {
                late.extend(self.settle_one(&name)?);
            }
            Ok(late)
        };
        settle().map_err(DiskError::own("look through", "out"))
    }

    /// Whether anything is kept in `.hythe/out`.
    ///
    /// # Errors
    /// The system's.
    pub fn keeps_any_out(&self) -> Result<bool, DiskError> {
        Ok(!self
            .names_out()
            .map_err(DiskError::own("look through", "out"))?
            .is_empty())
    }

    fn names_out(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        let directory = os::open_at(self.out(), b".", Want::Directory)?;
        Listing::default().read(directory, |name, _| {
            if !name.ends_with(NOTE) {
                names.push(name.to_vec());
            }
        })?;
        Ok(names)
    }

    fn settle_one(&self, name: &[u8]) -> io::Result<Option<Late>> {
        let info = os::info_at(self.out(), name)?;
        let stamp = stamp_of(&info);
        let core = Core::of(&stamp);
        let decoded = OutName::decode(name);
        if decoded
            .as_ref()
            .is_some_and(|decoded| decoded.staged == Some(core))
        {
            // Ours, and never exchanged: the process ended just before. The server has it.
            os::remove_file(self.out(), name)?;
            return Ok(None);
        }
        let expected = decoded.and_then(|decoded| decoded.expected);
        let writers = if info.kind == FileKind::File {
            self.writers_of(name)
        } else {
            Writers::None
        };
        if writers == Writers::Some || (writers == Writers::Unknown && !self.is_old(&info)) {
            return Ok(None);
        }
        let note = self.read_note(name)?.unwrap_or_default();
        if expected == Some(core) && self.holds(name, note.hash)? {
            self.drop_note(name)?;
            os::remove_file(self.out(), name)?;
            return Ok(None);
        }
        let origin = TreePath::parse(&note.origin)
            .ok()
            .filter(|path| !path.is_root());
        let expected_inode = expected.map(|core| core.inode);
        Ok(Some(Late {
            name: name.to_vec(),
            kind: info.kind,
            stamp,
            origin,
            expected_inode,
        }))
    }

    /// Whether a file whose stamp is as expected holds what it held. Memory that was mapped before
    /// can be written without a new time, so a file that had a writer is read.
    fn holds(&self, name: &[u8], hash: Option<ContentHash>) -> io::Result<bool> {
        let Some(hash) = hash else { return Ok(true) };
        let file = File::from(os::open_at(self.out(), name, Want::Content)?);
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file)?;
        Ok(hasher.finalize().as_bytes() == hash.as_bytes())
    }

    fn is_old(&self, info: &Info) -> bool {
        let now = self
            .now()
            .map(|now| now.seconds)
            .unwrap_or(info.changed.seconds);
        now.saturating_sub(info.changed.seconds).cast_unsigned() > DOUBT.as_secs()
    }

    fn writers_of(&self, name: &[u8]) -> Writers {
        match os::info_at(self.out(), name) {
            Ok(info) if info.kind == FileKind::File => {}
            _ => return Writers::None,
        }
        match os::open_at(self.out(), name, Want::Content) {
            Ok(file) => os::writers(&file.into()),
            Err(_) => Writers::Unknown,
        }
    }

    fn write_note(&self, name: &[u8], note: &Note) -> io::Result<()> {
        let bytes = minicbor::to_vec(note).map_err(io::Error::other)?;
        let mut file = os::create_file(self.out(), &note_name(name))?;
        file.write_all(&bytes)?;
        os::sync(file.as_fd())
    }

    fn read_note(&self, name: &[u8]) -> io::Result<Option<Note>> {
        let file = match os::open_at(self.out(), &note_name(name), Want::Content) {
            Ok(file) => File::from(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_NOTE_BYTES).read_to_end(&mut bytes)?;
        // A note torn by a crash says nothing; the file beside it is judged without.
        Ok(minicbor::decode(&bytes).ok())
    }

    fn drop_note(&self, name: &[u8]) -> io::Result<()> {
        match os::remove_file(self.out(), &note_name(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Batch<'_> {
    /// Gives a late value a name in the tree, which must be free.
    ///
    /// # Errors
    /// The system's.
    pub fn place_late(
        &mut self,
        late: &Late,
        path: &TreePath,
    ) -> Result<Outcome<Found>, DiskError> {
        let failed = || DiskError::at("keep a late change as", path);
        let Some(place) = Place::of(self.root, path)? else {
            return Ok(Outcome::Changed(Change::NoParent));
        };
        let _busy = self.root.out_busy();
        match os::move_new(self.root.out(), &late.name, &place.directory, &place.name) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(Outcome::Changed(Change::Taken));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Outcome::Changed(Change::Instead(None)));
            }
            Err(error) => return Err(failed()(error)),
        }
        self.root.drop_note(&late.name).map_err(failed())?;
        let found = place.look(self.root).map_err(failed())?;
        self.touch(place.directory);
        Ok(found.map_or(Outcome::Changed(Change::Instead(None)), Outcome::Done))
    }
}

fn note_name(name: &[u8]) -> Vec<u8> {
    [name, NOTE].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_out_says_what_the_file_should_be() {
        let stamp = DiskStamp {
            device: 0,
            inode: u64::MAX,
            size: u64::MAX,
            modified: Timestamp {
                seconds: -5,
                nanos: 999_999_999,
            },
            changed: Timestamp::default(),
            born: None,
        };
        let every = [
            (None, None),
            (Some(&stamp), None),
            (None, Some(&stamp)),
            (Some(&stamp), Some(&stamp)),
        ];
        for (expected, staged) in every {
            let name = OutName::new(expected, staged).unwrap();
            let bytes = name.encode();
            assert!(bytes.len() <= 255 - NOTE.len());
            assert_eq!(OutName::decode(&bytes), Some(name));
        }
        for wrong in [
            "a-1",
            "a-out",
            "a-out-1-2-3",
            "a-out-1-2-3-4-5",
            "a-in-g-2-3-4",
            "a-in-1-2-3-4-out-1-2-3-4",
        ] {
            assert_eq!(OutName::decode(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
