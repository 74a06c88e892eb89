//! Making a space.

use hythe_model::{KeyEpoch, OperationId, Role, Secret32, SpaceId};

use super::{EpochPlan, FlowError, Recipient, new_epoch};
use crate::account::AccountState;
use crate::changeset::ChangeSet;
use crate::crypto::SigningKey;
use crate::draft::{Draft, Stamp};
use crate::entropy::Entropy;
use crate::fold::FoldError;
use crate::governance::{Member, SpaceGenesis};
use crate::map_view::MapView;
use crate::operation::Operation;
use crate::record::AuthorRecord;
use crate::view::Moment;

/// A new space.
pub struct NewSpace {
    /// Its id.
    pub space: SpaceId,
    /// Its log so far, to be sent in this order: genesis, then members and the first key epoch.
    pub log: Vec<ChangeSet>,
    /// What follows from it.
    pub view: MapView,
    /// The secret of its first key epoch.
    pub secret: Secret32,
}

/// Makes a space of `owner`, signed by its device `key`: an open one with the server's account as
/// `server` (an editor that holds the key), a sealed one without.
///
/// # Errors
/// [`FlowError::Space`] when the device does not belong to the account (any more).
pub fn create_space(
    owner: &AccountState,
    key: &SigningKey,
    server: Option<&Recipient>,
    time_ms: i64,
    entropy: &mut Entropy,
) -> Result<NewSpace, FlowError> {
    let mut view = MapView::default();
    let mut draft = Draft::new();
    draft.push(Operation::SpaceGenesis(SpaceGenesis {
        nonce: entropy.bytes(),
        owner: owner.id(),
        server: server.map(|recipient| recipient.account),
    }));
    let operation = OperationId(entropy.bytes());
    let genesis = draft.sign(Stamp::genesis(operation, owner.head(), time_ms), key)?;
    append(&mut view, owner, &genesis)?;

    let space = genesis.log();
    let secret = entropy.secret();
    let mut draft = Draft::new();
    let mut members = vec![Recipient::of(owner)?];
    if let Some(server) = server.filter(|server| server.account != owner.id()) {
        let (account, role) = (server.account, Some(Role::Editor));
        draft.push(Operation::Member(Member {
            account,
            role,
            wrap: None,
        }));
        members.push(server.clone());
    }
    let epoch = KeyEpoch::FIRST;
    let plan = EpochPlan {
        space,
        epoch,
        secret: &secret,
        members: &members,
        previous: None,
    };
    draft.push(Operation::NewEpoch(new_epoch(plan, entropy)?));
    let author = AuthorRecord {
        device: key.device_id(),
        account: owner.id(),
        counter: 1,
        last: genesis.hash(),
    };
    let stamp = Stamp::next(
        space,
        Some(&author),
        view.head(),
        owner.head(),
        KeyEpoch(0),
        OperationId(entropy.bytes()),
        time_ms,
    );
    let members = draft.sign(stamp, key)?;
    append(&mut view, owner, &members)?;
    Ok(NewSpace {
        space,
        log: vec![genesis, members],
        view,
        secret,
    })
}

fn append(
    view: &mut MapView,
    owner: &AccountState,
    change_set: &ChangeSet,
) -> Result<(), FlowError> {
    match view.append(owner, Moment::Replaying, change_set) {
        Ok(_) => Ok(()),
        Err(FoldError::Refused(refusal)) => Err(refusal.into()),
        Err(FoldError::View(never)) => match never {},
    }
}
