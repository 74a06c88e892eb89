//! Quotas over the wire: parallel uploads, what they are told, and what the account sees.

use futures::future::join_all;
use hythe_content::{EpochSecret, PackBuilder, Scratch, SpaceKeys, seal_chunk};
use hythe_model::{KeyEpoch, UploadId};
use hythe_server::ServerConfig;
use hythe_server::admin::{self, AdminReply, AdminRequest};
use hythe_server::files::{QuotaName, QuotaReport};
use hythe_wire::chunk::{MissingReply, MissingRequest, PackReply, Reserve};
use hythe_wire::problem::QuotaOf;
use hythe_wire::space::{SpaceList, Usage};
use hythe_wire::{Code, There, headers, routes};

use crate::person::{Person, join};
use crate::world::{World, cbor, problem, reply};

fn config(world: &World) -> ServerConfig {
    ServerConfig::new(world.data.path().to_owned(), "127.0.0.1:0".parse().unwrap())
}

async fn limit(world: &World, limit_bytes: Option<u64>) {
    let of = QuotaName::Of("person-1".into());
    let request = AdminRequest::SetQuota { of, limit_bytes };
    let done = admin::request(&config(world), request).await.unwrap();
    assert!(matches!(done, AdminReply::Done));
}

async fn report(world: &World) -> QuotaReport {
    let request = AdminRequest::Quotas { of: None };
    match admin::request(&config(world), request).await.unwrap() {
        AdminReply::Quotas { report } => report,
        other => panic!("{other:?}"),
    }
}

async fn usage(world: &World, person: &Person) -> Usage {
    let answer = person.get(world, routes::SPACES).send().await.unwrap();
    let list: SpaceList = answer.json().await.unwrap();
    assert_eq!(
        list.spaces[0].usage.unwrap().used_bytes,
        list.usage.unwrap().used_bytes
    );
    list.usage.unwrap()
}

/// Packs of one chunk each, all equally long, and the length of the chunk.
fn packs(person: &Person, count: u64) -> (Vec<Vec<u8>>, u64) {
    let secret = EpochSecret::new(person.secret.clone());
    let keys = SpaceKeys::derive(&person.space, KeyEpoch::FIRST, &secret);
    let mut length = 0;
    let packs = (0..count).map(|n| {
        let mut noise = vec![0; 50_000];
        let mut reader = blake3::Hasher::new_keyed(&[n as u8; 32]).finalize_xof();
        reader.fill(&mut noise);
        let chunk = seal_chunk(&keys, &noise, &mut Scratch::default()).unwrap();
        length = chunk.bytes.len() as u64;
        let mut builder = PackBuilder::new();
        builder.push(&chunk);
        builder.finish()
    });
    (packs.collect(), length)
}

fn put(world: &World, person: &Person, path: &str, pack: Vec<u8>) -> reqwest::RequestBuilder {
    let post = person.post(world, path);
    post.header("content-type", headers::PACK).body(pack)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sc156_d5_of_parallel_uploads_only_those_pass_that_fit() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let (packs, length) = packs(&person, 20);
    limit(&world, Some(7 * length + 1)).await;
    let path = routes::space_packs(person.space);
    let sent = packs
        .into_iter()
        .map(|pack| put(&world, &person, &path, pack).send());
    let mut refused = 0;
    for answer in join_all(sent).await {
        let answer = answer.unwrap();
        if answer.status().is_success() {
            reply::<PackReply>(answer).await;
            continue;
        }
        refused += 1;
        let said = problem(answer).await;
        assert_eq!((said.code, said.status), (Code::QuotaExceeded, 507));
        let Some(There::Quota {
            of,
            used: Some(used),
            limit,
            needed,
        }) = said.there
        else {
            panic!("{said:?}")
        };
        assert_eq!(
            (of, limit, needed),
            (QuotaOf::Account, Some(7 * length + 1), length)
        );
        assert!(used + needed > 7 * length + 1);
    }
    assert_eq!(refused, 13);
    let expected = Usage {
        used_bytes: 7 * length,
        limit_bytes: Some(7 * length + 1),
    };
    assert_eq!(usage(&world, &person).await, expected);
    let checked = admin::request(&config(&world), AdminRequest::Check)
        .await
        .unwrap();
    let AdminReply::Check { report } = checked else {
        panic!("{checked:?}")
    };
    assert!(report.is_clean(), "{report:?}");
}

#[tokio::test]
async fn sc105_an_upload_reserves_before_it_sends() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let (mut packs, length) = packs(&person, 3);
    let path = routes::space_chunks_missing(person.space);
    let (first, second) = (UploadId([1; 16]), UploadId([2; 16]));
    let ask = |upload, bytes| {
        let reserve = Some(Reserve { upload, bytes });
        let request = MissingRequest {
            objects: vec![],
            reserve,
        };
        cbor(person.post(&world, &path), &request).send()
    };
    let unlimited: MissingReply = reply(ask(first, u64::MAX).await.unwrap()).await;
    assert_eq!(unlimited.room, None);

    limit(&world, Some(2 * length)).await;
    let reserved: MissingReply = reply(ask(first, 2 * length).await.unwrap()).await;
    assert_eq!(reserved.room, Some(0));
    for too_much in [1, length, u64::MAX] {
        let refused = problem(ask(second, too_much).await.unwrap()).await;
        assert_eq!(refused.code, Code::QuotaExceeded);
    }
    let path = routes::space_packs(person.space);
    let refused = put(&world, &person, &path, packs.pop().unwrap());
    assert_eq!(
        problem(refused.send().await.unwrap()).await.code,
        Code::QuotaExceeded
    );
    let path = routes::space_packs_of(person.space, first);
    let stored = put(&world, &person, &path, packs.pop().unwrap())
        .send()
        .await;
    assert_eq!(reply::<PackReply>(stored.unwrap()).await.stored, 1);
    let account = &report(&world).await.accounts[0];
    assert_eq!(
        (account.used_bytes, account.reserved_bytes),
        (length, length)
    );

    let ended: MissingReply = reply(ask(first, 0).await.unwrap()).await;
    assert_eq!(ended.room, Some(length));
    assert_eq!(report(&world).await.accounts[0].reserved_bytes, 0);
    let malformed = put(&world, &person, &format!("{path}0"), packs.pop().unwrap());
    assert_eq!(
        problem(malformed.send().await.unwrap()).await.code,
        Code::Malformed
    );
}
