//! The names of one directory, in order.

use std::io;
use std::os::fd::AsFd;

use crate::os::Listing;

/// Names in one buffer, which is reused from directory to directory.
#[derive(Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    /// Where each name is in `bytes`.
    spans: Vec<(u32, u8)>,
}

impl Names {
    /// Reads a directory and sorts its names as the state database sorts them: by bytes.
    pub(super) fn read(&mut self, listing: &mut Listing, directory: impl AsFd) -> io::Result<()> {
        self.bytes.clear();
        self.spans.clear();
        let Self { bytes, spans } = self;
        let mut too_many = false;
        listing.read(directory, |name, _| {
            let (Ok(start), Ok(length)) = (u32::try_from(bytes.len()), u8::try_from(name.len()))
            else {
                too_many = true;
                return;
            };
            bytes.extend_from_slice(name);
            spans.push((start, length));
        })?;
        if too_many {
            // A name of more than 255 bytes, or four gigabytes of names: no such file system.
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        spans.sort_unstable_by(|left, right| at(bytes, *left).cmp(at(bytes, *right)));
        Ok(())
    }

    /// The names, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().map(|span| at(&self.bytes, *span))
    }

    /// Whether a name is among them.
    pub(super) fn contains(&self, name: &[u8]) -> bool {
        self.spans
            .binary_search_by(|span| at(&self.bytes, *span).cmp(name))
            .is_ok()
    }
}

fn at(bytes: &[u8], (start, length): (u32, u8)) -> &[u8] {
    let start = start as usize;
    bytes
        .get(start..start + usize::from(length))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os;

    #[test]
    fn names_are_complete_and_in_byte_order() {
        let directory = tempfile::tempdir().unwrap();
        let wanted: Vec<String> = (0..3000)
            .map(|n| format!("{:x}", n * 7919 % 4096))
            .collect();
        for name in &wanted {
            std::fs::write(directory.path().join(name), b"").unwrap();
        }
        let mut names = Names::default();
        let mut listing = Listing::default();
        names
            .read(&mut listing, os::open_root(directory.path()).unwrap())
            .unwrap();
        let mut sorted: Vec<&[u8]> = wanted.iter().map(|name| name.as_bytes()).collect();
        sorted.sort_unstable();
        assert!(names.iter().eq(sorted));
        assert!(names.contains(b"0"));
        assert!(!names.contains(b"absent"));
    }
}
