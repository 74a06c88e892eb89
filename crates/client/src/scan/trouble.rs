//! What cannot be synced or read, in words.

use std::io;

use hythe_sync::ignore::Ignored;

use crate::os::Special;

/// A reason and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub reason: String,
    pub action: &'static str,
}

impl Trouble {
    pub(super) fn special(special: Special) -> Self {
        let what = match special {
            Special::Fifo => "a named pipe",
            Special::Socket => "a socket",
            Special::Device => "a device",
            Special::Unknown => "of an unknown kind",
        };
        Self {
            reason: format!("it is {what}, which is not synced"),
            action: "Nothing: it stays on this disk only.",
        }
    }

    pub(super) fn ignored(ignored: Ignored) -> Self {
        Self {
            reason: format!("it is not synced: {ignored}"),
            action: "Rename it, and it will be synced.",
        }
    }

    pub(super) fn not_shown() -> Self {
        Self {
            reason: "it stands for a space that is not shown here, so what is in it is not synced"
                .to_owned(),
            action: "Take part in that space (`hythe spaces`), or move the files elsewhere.",
        }
    }

    pub(super) fn mounted() -> Self {
        Self {
            reason: "another file system is mounted here, which is not synced".to_owned(),
            action: "Make a sync folder of its own for it, if you want it synced.",
        }
    }

    pub(super) fn unreadable(error: &io::Error) -> Self {
        let action = match error.kind() {
            io::ErrorKind::PermissionDenied => "Give yourself the right to read it.",
            _ => "Check the disk; what was synced before is still on the server.",
        };
        Self {
            reason: format!("it cannot be read: {error}"),
            action,
        }
    }
}
