//! Keys under which records of the fold lie in the state.

use hythe_model::AccountId;
use hythe_space::RecordKey;

/// What the keys of all members begin with.
pub(super) const MEMBERS: &[u8] = &[2];
/// What the keys of all offers to join begin with.
pub(super) const OFFERS: &[u8] = &[5];
/// What the keys of all epochs begin with.
pub(super) const EPOCHS: &[u8] = &[1];

/// The stored form of a key; none for nodes, which have a table of their own.
pub(super) fn stored_key(key: RecordKey) -> Option<Vec<u8>> {
    let with = |kind: u8, id: &[u8]| Some([&[kind], id].concat());
    match key {
        RecordKey::Space => Some(vec![0]),
        RecordKey::Epoch(epoch) => with(1, &epoch.0.to_be_bytes()),
        RecordKey::Member(account) => with(2, account.as_bytes()),
        RecordKey::Author(device) => with(3, device.as_bytes()),
        RecordKey::JoinOffer(key) => with(5, key.as_bytes()),
        RecordKey::Node(_) => None,
    }
}

/// The key of one member.
pub(super) fn member_key(account: AccountId) -> Vec<u8> {
    [MEMBERS, account.as_bytes()].concat()
}
