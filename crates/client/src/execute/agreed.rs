//! What a user saved is agreed on with the server before the system has written it to the disk. A power cut
//! may then take it away here; and if it were on record as agreed on, its absence would look like a
//! delete, and what is left of it like an edit. So it is made durable before it is recorded (S4, S10).

use hythe_sync::Trees;

use super::books::{Books, Entry};
use super::places::Places;
use super::{Context, RunError};
use crate::disk::Batch;

/// Records what was agreed on without a change to the disk, once the disk has it for good.
pub(super) fn record(cx: &Context, trees: &dyn Trees, books: &mut Books) -> Result<(), RunError> {
    let mut batch = cx.root.batch();
    let mut places = Places::new(trees);
    for entry in books.entries() {
        if batch.includes_all() {
            break;
        }
        include(&mut batch, &mut places, trees, entry)?;
    }
    batch.finish()?;
    cx.record(books)
}

fn include(
    batch: &mut Batch,
    places: &mut Places,
    trees: &dyn Trees,
    entry: &Entry,
) -> Result<(), RunError> {
    match entry {
        Entry::Synced(row) => match places.path(&row.place)? {
            Some(path) if !path.is_root() => batch.include(&path)?,
            // Its directory has another id from now on.
            _ => batch.include_all(),
        },
        Entry::Forgotten(node) => {
            // A file whose removal is not durable comes back, and would look like a new one.
            let place = trees.synced(*node)?.map(|row| row.place);
            let path = place.map(|place| places.path(&place)).transpose()?;
            if let Some(path) = path.flatten() {
                batch.include(&path)?;
            }
        }
        _ => {}
    }
    Ok(())
}
