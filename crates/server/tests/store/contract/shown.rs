//! What links into sealed spaces show counts for the space, and as long as the links stand.

use futures::future::join_all;
use hythe_model::{LinkId, NodeId};
use hythe_server::files::{Actor, FilesError, QuotaName, Refused};
use hythe_space::flow;
use hythe_wire::link::{CapsulePart, DirectoryCapsules, LinkCapsule};

use super::links::give_as;
use super::quotas::used;
use super::spaces::with_space;
use crate::person::{Person, client_now_ms};
use crate::world::World;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// So many bytes of what a link shows.
fn capsules(bytes: usize) -> Vec<DirectoryCapsules> {
    let capsule = LinkCapsule {
        seal: vec![1; 10].into(),
        sealed: vec![2; bytes - 26].into(),
    };
    let part = CapsulePart {
        nodes: vec![NodeId([3; 16])],
        capsule,
    };
    vec![DirectoryCapsules {
        directory: None,
        parts: vec![part],
    }]
}

async fn put(world: &World, person: &Person, n: u8, bytes: usize) -> Result<(), FilesError> {
    let (link, made) = (LinkId([n; 16]), capsules(bytes));
    let files = &world.files;
    files
        .put_link_capsules(&person.principal, person.space, link, made)
        .await
}

async fn give(world: &World, person: &Person, n: u8, expires_ms: Option<i64>) {
    let link = LinkId([n; 16]);
    give_as(world, person, link, NodeId::ROOT, expires_ms, None).await;
}

fn is_over(result: &Result<(), FilesError>) -> bool {
    matches!(result, Err(FilesError::Refused(Refused::Quota(_))))
}

pub async fn sc156_d5_what_links_show_is_counted_while_they_stand(world: World) {
    let mut ann = with_space(&world, "ann", true).await;
    let before = used(&world, &ann).await;
    let name = QuotaName::Of("ann".into());
    let limit = Some(before + 3500);
    let set = world.files.set_quota(Actor::Machine, name, limit).await;
    set.unwrap();
    for n in 0..8 {
        give(&world, &ann, n, None).await;
    }
    // Room for three and a half of eight, at once.
    let results = join_all((0..8).map(|n| put(&world, &ann, n, 1000))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    assert_eq!(results.iter().filter(|result| is_over(result)).count(), 5);
    assert_eq!(used(&world, &ann).await, before + 3000);

    // What takes the place of something counts for the difference.
    let stored = u8::try_from(results.iter().position(Result::is_ok).unwrap()).unwrap();
    put(&world, &ann, stored, 1500).await.unwrap();
    assert!(is_over(&put(&world, &ann, stored, 1501).await));
    put(&world, &ann, stored, 100).await.unwrap();
    assert_eq!(used(&world, &ann).await, before + 2100);
    assert_eq!(world.files.recount().await.unwrap(), 0);

    let link = LinkId([stored; 16]);
    let revoked = world.files.revoke_link(&ann.principal, ann.space, link);
    revoked.await.unwrap();
    assert_eq!(used(&world, &ann).await, before + 2000);
    assert!(put(&world, &ann, stored, 100).await.is_err());

    // One ends at its time, one with its device.
    let now = client_now_ms();
    give(&world, &ann, 20, Some(now + HOUR_MS)).await;
    put(&world, &ann, 20, 300).await.unwrap();
    let phone = ann.second_device(&world).await;
    give(&world, &phone, 21, None).await;
    put(&world, &phone, 21, 400).await.unwrap();
    assert_eq!(world.files.forget_ended_links(now).await.unwrap(), 0);
    assert_eq!(used(&world, &ann).await, before + 2700);
    let device = phone.principal.device();
    let (account, keys) = (&ann.account, &ann.keys);
    let removal = flow::remove_device(account, &ann.key, keys, device, now, &mut ann.entropy);
    ann.append(&world, &removal.unwrap(), None).await.unwrap();
    assert_eq!(world.files.forget_ended_links(now).await.unwrap(), 1);
    assert_eq!(used(&world, &ann).await, before + 2300);
    let later = now + 2 * HOUR_MS;
    assert_eq!(world.files.forget_ended_links(later).await.unwrap(), 1);
    assert_eq!(used(&world, &ann).await, before + 2000);
}
