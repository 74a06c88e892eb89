//! The fold: what a change set makes of the state, or why it may not.
//!
//! Server and clients run the same function. It reads clear fields and hashes of sealed parts,
//! never a key, and either refuses a change set whole or returns every record it changes.

mod authority;
mod governance;
mod join;
mod moving;
mod nodes;
mod overlay;

use hythe_model::Head;

use crate::account::Devices;
use crate::chain::head_next;
use crate::changeset::ChangeSet;
use crate::digest::LtHash;
use crate::record::Record;
use crate::refusal::Refusal;
use crate::structure::Class;
use crate::view::{Moment, View};
use overlay::Overlay;

/// One record that a change set makes or replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The record before; none when it is new.
    pub old: Option<Record>,
    /// The record from now on.
    pub new: Record,
}

/// What a change set does.
#[derive(Debug, Clone)]
pub struct Effects {
    /// The head afterwards.
    pub head: Head,
    /// Every record that is new or replaced, once, by ascending [`crate::RecordKey`].
    pub changes: Vec<Change>,
    /// To be [combined](LtHash::combine) with the sum before.
    pub digest: LtHash,
}

/// Why there are no effects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError<E> {
    /// The change set is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The state could not be read; nothing is said about the change set.
    #[error("the state of the space cannot be read")]
    View(#[source] E),
}

impl<E> FoldError<E> {
    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::View(_) => None,
        }
    }
}

/// Judges `change_set` as the next one after `head` and says what it changes.
///
/// Checks, in this order: log and head, the author's device, its signature and chain, key epoch,
/// role, and each operation against the state the earlier ones left. `view` must show the state
/// at `head`; `devices` must know the accounts of the space's members.
///
/// # Errors
/// [`FoldError::Refused`] when it may not stand there, [`FoldError::View`] when reading failed.
pub fn fold<V, D>(
    view: &V,
    devices: &D,
    moment: Moment,
    head: Head,
    change_set: &ChangeSet,
) -> Result<Effects, FoldError<V::Error>>
where
    V: View + ?Sized,
    D: Devices + ?Sized,
{
    let overlay = match change_set.class() {
        Class::SpaceGenesis => {
            let standing = authority::admit_genesis(view, devices, moment, head, change_set)?;
            governance::start(view, standing, change_set)?
        }
        class @ (Class::Space | Class::Join | Class::Nodes) => {
            let admitted = authority::admit(view, devices, moment, head, change_set)?;
            authority::check_role(&admitted, class, change_set)?;
            let mut overlay = Overlay::new(view, admitted.space.clone());
            match class {
                Class::Space => {
                    let author = admitted.member.account;
                    governance::apply(&mut overlay, head, author, moment, change_set)?;
                }
                Class::Join => join::apply(&mut overlay, &admitted.member, moment, change_set)?,
                _ => nodes::apply(&mut overlay, change_set)?,
            }
            authority::record_author(&mut overlay, &admitted, change_set)?;
            overlay
        }
        Class::AccountGenesis | Class::Account => {
            return Err(Refusal::NotAllowed(crate::Denied::WrongLog).into());
        }
    };
    Ok(finish(
        head_next(head, change_set.hash()),
        overlay.take_changes(),
    ))
}

fn finish(head: Head, mut changes: Vec<Change>) -> Effects {
    changes.sort_by_key(|change| change.new.key());
    let mut digest = LtHash::default();
    for change in &changes {
        if let Some(old) = &change.old {
            digest.remove(&old.encode());
        }
        digest.add(&change.new.encode());
    }
    Effects {
        head,
        changes,
        digest,
    }
}
