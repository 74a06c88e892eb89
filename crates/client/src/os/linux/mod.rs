//! Linux: `openat2`, `statx`, `renameat2`, leases, inotify.

mod calls;
mod directory;
mod entry;
mod file;
mod info;
mod open;
mod watch;

pub use calls::{Lease, give_memory_back, reuse_buffers, start_write_back, writers};
pub use directory::Listing;
pub use entry::{
    exchange, make_directory, make_link, move_new, move_over, read_link, remove_directory,
    remove_file, set_modified, set_permissions,
};
pub use file::{
    create_file, data_from, file_system_id, make_hole, open_own, set_file_modified,
    set_file_permissions, sync, sync_file_system, umask,
};
pub use info::{info_at, info_of, path_of};
pub use open::{Want, open_at, open_below, open_root};
pub use watch::{Seen, Waker, WatchId, Watches};
