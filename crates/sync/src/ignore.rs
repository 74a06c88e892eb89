//! Which entries of a sync folder are never looked at.
//!
//! Rules of the user's own are not here yet: an entry that becomes ignored after it was synced
//! must stay known (SC-079), which takes more than leaving it out of the scan.

use hythe_model::name::RESERVED_NAME;
use hythe_model::{EntryName, NameError, NodeKind};

/// Why an entry on disk has no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    /// Hythe's own folder: marker and staging area. Not worth telling.
    #[error("belongs to Hythe")]
    Ours,
    /// A socket, pipe or device (T4). Listed.
    #[error("is a socket, a pipe or a device, which is not synced")]
    Special,
    /// A name that a log cannot hold. Listed.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// The name of an entry found on disk, if it is to be synced. `kind` is none for what is neither
/// file, directory nor symlink.
///
/// # Errors
/// Why it is not to be synced.
pub fn entry_name(name: &[u8], kind: Option<NodeKind>) -> Result<EntryName, Ignored> {
    if name == RESERVED_NAME {
        return Err(Ignored::Ours);
    }
    match kind {
        Some(_) => Ok(EntryName::new(name)?),
        None => Err(Ignored::Special),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_folder_and_special_files_are_ignored() {
        let file = Some(NodeKind::File);
        assert_eq!(
            entry_name(b".hythe", Some(NodeKind::Directory)),
            Err(Ignored::Ours)
        );
        assert_eq!(entry_name(b"pipe", None), Err(Ignored::Special));
        for name in [
            &b".hythe2"[..],
            b"~$x",
            b".f.swp",
            b"\xff\xfe",
            b"tmp",
            b" ",
        ] {
            assert_eq!(entry_name(name, file).unwrap().as_bytes(), name);
        }
        assert!(matches!(
            entry_name(&[b'a'; 256], file),
            Err(Ignored::Name(NameError::TooLong))
        ));
    }
}
