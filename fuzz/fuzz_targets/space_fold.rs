//! A sequence of operations, chosen by the input and signed truly, through the fold: never a panic,
//! a refusal changes nothing, and the digest kept up is the digest of all records.
#![no_main]

use std::sync::LazyLock;

use hythe_model::{KeyEpoch, NameTag, NodeId, NodeKind, OperationId, VersionId};
use hythe_space::draft::{SealedFields, SealedNode};
use hythe_space::flow::{NewAccount, NewSpace, create_account, create_space};
use hythe_space::operation::{Create, Delete, Place, PlaceWrite, Restore, Update};
use hythe_space::{Draft, Entropy, MapView, Moment, Stamp, digest_of};
use libfuzzer_sys::fuzz_target;

/// What every run begins with.
static START: LazyLock<Option<(NewAccount, NewSpace)>> = LazyLock::new(|| {
    let mut entropy = Entropy::from_seed(&[1; 32]);
    let account = create_account(0, &mut entropy).ok()?;
    let space = create_space(&account.state, &account.key, None, 0, &mut entropy).ok()?;
    Some((account, space))
});

fuzz_target!(|bytes: &[u8]| {
    let Some((account, space)) = START.as_ref() else { return };
    let mut view = space.view.clone();
    for step in bytes.chunks_exact(4).take(64) {
        let mut draft = Draft::new();
        write(&mut draft, &view, step);
        let author = view.author_record(account.key.device_id());
        let (seen, mine) = (view.head(), account.state.head());
        let operation = OperationId([0; 16]);
        let stamp =
            Stamp::next(space.space, author.as_ref(), seen, mine, KeyEpoch(1), operation, 0);
        let Ok(change_set) = draft.sign(stamp, &account.key) else { continue };
        let before = view.digest().digest();
        let kept = view.append(&account.state, Moment::Replaying, &change_set).is_ok();
        assert!(kept || before == view.digest().digest());
    }
    assert_eq!(*view.digest(), digest_of(view.records()));
});

/// One operation from four bytes: what, on which node, below which parent, under which name.
fn write(draft: &mut Draft, view: &MapView, step: &[u8]) {
    let [what, node, parent, name] = [step[0], step[1] % 16, step[2] % 16, step[3] % 4];
    let node = NodeId([node; 16]);
    let place = Place { parent: NodeId([parent; 16]), tag: NameTag([name; 32]) };
    let there = view.node_record(node);
    let expected = there.map_or(VersionId([0; 16]), |record| record.place.version);
    let version = VersionId([what; 16]);
    match what % 4 {
        0 => draft.create(
            Create {
                node,
                kind: NodeKind::Directory,
                place,
                place_version: version,
                attributes_version: version,
                body: None,
            },
            SealedNode { name: vec![name], attributes: vec![what], body: None },
        ),
        1 => draft.update(
            Update {
                node,
                place: Some(PlaceWrite { expected, version, place }),
                attributes: None,
                body: None,
            },
            SealedFields { name: Some(vec![name]), ..SealedFields::default() },
        ),
        2 => draft.delete(Delete { node, place: expected, body: None }),
        _ => draft.restore(Restore { node, expected, version, place }, vec![name]),
    }
}
