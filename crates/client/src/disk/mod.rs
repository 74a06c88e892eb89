//! The disk under a sync folder.
//!
//! The only code that turns a [`TreePath`](hythe_model::TreePath) into places of the system, and
//! the only code that changes a user's files. Three rules hold for all of it:
//!
//! * nothing is reached but through the folder's own directory handle (T5);
//! * nothing is replaced, moved or removed unless it is, at that instant, what the caller said it
//!   would be (S2); if not, that is an [`Outcome`], not an error, and the caller plans again;
//! * what was there is kept in `.hythe/out` until nobody writes to it any more.
//!
//! Reading is on [`Root`]; writing is on [`Batch`], which also knows what must reach the disk
//! before the caller may record it.

mod batch;
mod error;
mod identity;
mod marker;
mod out;
mod outcome;
mod part;
mod place;
mod probe;
mod read;
mod relocate;
mod remove;
mod replace;
mod root;
mod staged;
mod stamp;
mod whereabouts;

pub use batch::Batch;
pub use error::{DiskError, Trouble};
pub use identity::{Absence, Inspection, Mismatch, OpenError, Opened, Owner};
pub use marker::{FolderId, Generation, Marker};
pub use out::Late;
pub use outcome::{Change, Outcome};
pub use part::Part;
pub(crate) use place::is_elsewhere;
pub use probe::Grain;
pub(crate) use read::is_young;
pub use read::{Extent, Reading};
pub use root::{HYTHE, Root};
pub use staged::{Staged, StagedReader, Staging};
pub use stamp::{Found, stamp_of};
pub use whereabouts::{Moved, Places};
