//! What devices say of how far they were shown a space, as the server passes it on.

use hythe_model::{Cursor, NodeId, Role, ServerEpoch, SpaceId};
use hythe_server::files::{Denied, FilesError};
use hythe_space::{Draft, Sighting, SignedSighting, flow};

use super::spaces::with_space;
use crate::person::{Person, client_now_ms};
use crate::world::World;

fn sighting(world: &World, person: &Person) -> Sighting {
    Sighting {
        suite: 1,
        space: person.space,
        head: person.fold.head(),
        epoch: world.files.epoch(),
        account: person.account.id(),
        device: person.key.device_id(),
        time_ms: client_now_ms(),
    }
}

/// What a person's device says, and which devices it hears of.
async fn exchange(
    world: &World,
    person: &Person,
    said: Sighting,
) -> Result<Vec<Sighting>, FilesError> {
    let signed = said.sign(&person.key).encode();
    let heard = world
        .files
        .exchange_sightings(&person.principal, person.space, &signed)
        .await?;
    let read = heard
        .iter()
        .map(|bytes| *SignedSighting::decode(bytes).unwrap().sighting());
    Ok(read.collect())
}

pub async fn a17_sightings_are_kept_if_they_are_true(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let second = ann.second_device(&world).await;
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    ann.commit(&world, draft, vec![]).await.unwrap();
    let good = sighting(&world, &ann);
    assert_eq!(exchange(&world, &ann, good).await.unwrap(), []);
    let behind = sighting(&world, &second);
    assert!(
        behind.head.cursor < good.head.cursor,
        "a position from before"
    );
    assert_eq!(exchange(&world, &second, behind).await.unwrap(), [good]);
    assert_eq!(exchange(&world, &ann, good).await.unwrap(), [behind]);

    let mut other_chain = good;
    other_chain.head.chain.0[0] ^= 1;
    let mut ahead = good;
    ahead.head.cursor = Cursor(1000);
    let mut other_life = good;
    other_life.epoch = ServerEpoch([7; 16]);
    for lie in [other_chain, ahead, other_life] {
        let refused = exchange(&world, &ann, lie).await;
        assert!(
            matches!(refused, Err(FilesError::Diverged { .. })),
            "{refused:?}"
        );
    }
    let mut other_space = good;
    other_space.space = SpaceId([7; 32]);
    let mut other_account = good;
    other_account.account = hythe_model::AccountId([7; 32]);
    for lie in [other_space, other_account] {
        let refused = exchange(&world, &ann, lie).await;
        assert!(
            matches!(refused, Err(FilesError::Invalid(_))),
            "{refused:?}"
        );
    }
    let mut forged = good.sign(&ann.key).encode();
    *forged.last_mut().unwrap() ^= 1;
    for bytes in [forged, behind.sign(&second.key).encode()] {
        let refused = world
            .files
            .exchange_sightings(&ann.principal, ann.space, &bytes)
            .await;
        assert!(
            matches!(refused, Err(FilesError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(
        exchange(&world, &second, behind).await.unwrap(),
        [good],
        "as it was"
    );
}

pub async fn a17_sightings_go_to_who_may_read_and_come_from_who_may(world: World) {
    let mut ann = with_space(&world, "ann", true).await;
    let mut second = ann.second_device(&world).await;
    let bob = Person::register(&world, "bob").await;
    let own = sighting(&world, &ann);
    let as_stranger = Person::in_space_of(bob, &ann);
    let said = sighting(&world, &as_stranger);
    let refused = exchange(&world, &as_stranger, said).await;
    assert!(
        matches!(refused, Err(FilesError::Denied(Denied::NotAMember))),
        "{refused:?}"
    );
    let draft = ann.admit(&as_stranger, Role::Drop);
    ann.commit(&world, draft, vec![]).await.unwrap();
    let refused = exchange(&world, &as_stranger, said).await;
    assert!(
        matches!(refused, Err(FilesError::Denied(Denied::Role))),
        "{refused:?}"
    );
    let draft = ann.admit(&as_stranger, Role::Viewer);
    ann.commit(&world, draft, vec![]).await.unwrap();
    assert_eq!(exchange(&world, &as_stranger, said).await.unwrap(), []);
    exchange(&world, &second, sighting(&world, &second))
        .await
        .unwrap();
    let heard = exchange(&world, &ann, own).await.unwrap();
    assert_eq!(heard.len(), 2, "bob's and the second device's");

    // Who is removed is heard of no more.
    let device = second.key.device_id();
    let now = client_now_ms();
    let removal = flow::remove_device(
        &ann.account,
        &ann.key,
        &ann.keys,
        device,
        now,
        &mut ann.entropy,
    );
    ann.append(&world, &removal.unwrap(), None).await.unwrap();
    second.account = ann.account.clone();
    assert_eq!(exchange(&world, &ann, own).await.unwrap(), [said]);
}
