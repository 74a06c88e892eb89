//! Quotas: exact, whoever uploads at the same time.

use bytes::Bytes;
use futures::future::join_all;
use hythe_content::{PackBuilder, SealedChunk};
use hythe_model::{NodeId, SpaceId, UploadId};
use hythe_server::files::{Actor, FilesError, QuotaName, Refused};
use hythe_space::{Draft, flow};
use hythe_wire::chunk::Reserve;
use hythe_wire::problem::QuotaOf;

use crate::person::{Person, attached, bytes_of, client_now_ms, server_account};
use crate::world::World;

/// Chunks whose sealed forms have the same length.
fn chunks(person: &Person, count: u8) -> Vec<SealedChunk> {
    let noise = |n: u8| {
        let mut hasher = blake3::Hasher::new_derive_key("hythe test chunk");
        hasher.update(&[n]);
        let mut bytes = vec![0; 4000];
        hasher.finalize_xof().fill(&mut bytes);
        bytes
    };
    (0..count).map(|n| person.chunk(&noise(n))).collect()
}

fn pack(chunks: &[SealedChunk]) -> Bytes {
    let mut builder = PackBuilder::new();
    chunks.iter().for_each(|chunk| builder.push(chunk));
    builder.finish().into()
}

async fn limit(world: &World, of: &str, bytes: u64) {
    let name = QuotaName::Of(of.into());
    world
        .files
        .set_quota(Actor::Machine, name, Some(bytes))
        .await
        .unwrap();
}

/// What the account uses by its own sum, after comparing it with what is really there (D5).
pub async fn used(world: &World, person: &Person) -> u64 {
    let report = world.files.check().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    let list = world.files.space_list(&person.principal).await.unwrap();
    list.usage.unwrap().used_bytes
}

fn is_over<T>(result: &Result<T, FilesError>) -> bool {
    matches!(result, Err(FilesError::Refused(Refused::Quota(_))))
}

pub async fn second_space(world: &World, person: &mut Person) -> SpaceId {
    let recipient = flow::Recipient::of(&server_account(world).await).unwrap();
    let new = flow::create_space(
        &person.account,
        &person.key,
        Some(&recipient),
        client_now_ms(),
        &mut person.entropy,
    );
    let log: Vec<_> = new.unwrap().log.iter().map(bytes_of).collect();
    let made = world.files.create_space(&person.principal, &log).await;
    made.unwrap().0
}

pub async fn sc156_d5_parallel_uploads_never_pass_the_limit_together(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let other = second_space(&world, &mut ann).await;
    let chunks = chunks(&ann, 24);
    let length = chunks[0].bytes.len() as u64;
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk.bytes.len() as u64 == length)
    );
    // Room for ten and a half of twenty-four, over two spaces that count for one account.
    limit(&world, "ann", 10 * length + length / 2).await;
    let uploads = chunks.iter().enumerate().map(|(n, chunk)| {
        let space = if n % 2 == 0 { ann.space } else { other };
        let pack = pack(std::slice::from_ref(chunk));
        world.files.put_pack(&ann.principal, space, pack, None)
    });
    let results = join_all(uploads).await;
    let refused = results.iter().filter(|result| is_over(result)).count();
    let stored = results.iter().filter(|result| result.is_ok()).count();
    assert_eq!((stored, refused), (10, 14));
    assert_eq!(used(&world, &ann).await, 10 * length);

    // A commit with small chunks is counted alike, and what needs no room is not refused.
    let mut draft = Draft::new();
    let missing = &chunks[results.iter().position(is_over).unwrap()];
    ann.file(&mut draft, NodeId::ROOT, "f", vec![missing.chunk.id]);
    let change_set = ann.sign(draft);
    let over = ann.send(&world, &change_set, vec![attached(missing)]).await;
    assert!(is_over(&over), "{over:?}");
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    ann.commit(&world, draft, vec![]).await.unwrap();
    assert_eq!(used(&world, &ann).await, 10 * length);

    // More room, and the very same commit goes through.
    limit(&world, "ann", 11 * length).await;
    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "f", vec![missing.chunk.id]);
    ann.commit(&world, draft, vec![attached(missing)])
        .await
        .unwrap();
    assert_eq!(used(&world, &ann).await, 11 * length);
}

pub async fn sc105_what_is_reserved_is_kept_for_its_upload(world: World) {
    let ann = Person::register(&world, "ann").await;
    let (p, space) = (&ann.principal, ann.space);
    let chunks = chunks(&ann, 10);
    let length = chunks[0].bytes.len() as u64;
    let reserve = |n: u8, count: u64| Reserve {
        upload: UploadId([n; 16]),
        bytes: count * length,
    };
    let files = &world.files;
    assert_eq!(
        files.reserve(p, space, reserve(1, 1000)).await.unwrap(),
        None,
        "no limit"
    );
    limit(&world, "ann", 10 * length).await;
    assert_eq!(
        files.reserve(p, space, reserve(1, 6)).await.unwrap(),
        Some(4 * length)
    );
    // Asked for once more, as when the reply was lost, it is the same reservation (C6).
    assert_eq!(
        files.reserve(p, space, reserve(1, 6)).await.unwrap(),
        Some(4 * length)
    );

    // Another one gets what is left, and not more; nothing is stored before that is known.
    let refused = files.reserve(p, space, reserve(2, 5)).await;
    let Err(FilesError::Refused(Refused::Quota(over))) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        (over.of, over.used, over.limit),
        (QuotaOf::Account, 6 * length, 10 * length)
    );
    assert_eq!(over.needed, 5 * length);
    let too_much = files.put_pack(p, space, pack(&chunks[..5]), None).await;
    assert!(is_over(&too_much));
    files
        .put_pack(p, space, pack(&chunks[..4]), None)
        .await
        .unwrap();

    // What the upload stores is taken off its reservation, not added to it.
    let upload = Some(UploadId([1; 16]));
    files
        .put_pack(p, space, pack(&chunks[4..6]), upload)
        .await
        .unwrap();
    files
        .put_pack(p, space, pack(&chunks[4..6]), upload)
        .await
        .unwrap();
    let more = files.put_pack(p, space, pack(&chunks[6..7]), None).await;
    assert!(is_over(&more), "four are reserved still");
    files
        .put_pack(p, space, pack(&chunks[6..9]), upload)
        .await
        .unwrap();

    // The upload ends with less than it had reserved: the rest is free.
    assert_eq!(
        files.reserve(p, space, reserve(1, 0)).await.unwrap(),
        Some(length)
    );
    files
        .put_pack(p, space, pack(&chunks[9..]), None)
        .await
        .unwrap();
    assert_eq!(used(&world, &ann).await, 10 * length);
}

pub async fn sc156_parallel_reservations_never_pass_the_limit_together(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let other = second_space(&world, &mut ann).await;
    limit(&world, "ann", 1000).await;
    let asked = (0..30u8).map(|n| {
        let space = if n % 2 == 0 { ann.space } else { other };
        let reserve = Reserve {
            upload: UploadId([n; 16]),
            bytes: 90,
        };
        world.files.reserve(&ann.principal, space, reserve)
    });
    let results = join_all(asked).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 11);
    assert_eq!(results.iter().filter(|result| is_over(result)).count(), 19);
}

pub async fn a_space_and_new_accounts_have_limits_of_their_own(world: World) {
    world
        .files
        .set_quota(Actor::Machine, QuotaName::Default, Some(100_000))
        .await
        .unwrap();
    let mut ann = Person::register(&world, "ann").await;
    let other = second_space(&world, &mut ann).await;
    let chunks = chunks(&ann, 4);
    let length = chunks[0].bytes.len() as u64;
    limit(&world, &other.to_string(), length).await;
    let (p, files) = (&ann.principal, &world.files);
    let over = files.put_pack(p, other, pack(&chunks[..2]), None).await;
    let Err(FilesError::Refused(Refused::Quota(over))) = over else {
        panic!("{over:?}")
    };
    assert_eq!((over.of, over.limit), (QuotaOf::Space, length));
    files
        .put_pack(p, ann.space, pack(&chunks[..2]), None)
        .await
        .unwrap();
    files
        .put_pack(p, other, pack(&chunks[..1]), None)
        .await
        .unwrap();

    let report = files.quotas(None).await.unwrap();
    assert_eq!(report.default_limit_bytes, Some(100_000));
    let [account] = &report.accounts[..] else {
        panic!("{report:?}")
    };
    assert_eq!(
        (account.used_bytes, account.limit_bytes),
        (3 * length, Some(100_000))
    );
    let spaces: Vec<_> = report
        .spaces
        .iter()
        .map(|s| (s.used_bytes, s.limit_bytes))
        .collect();
    assert_eq!(spaces, [(2 * length, None), (length, Some(length))]);
    let id = Some(ann.account.id().to_string());
    assert_eq!(files.quotas(id).await.unwrap().spaces.len(), 2);
    let unknown = files.quotas(Some("bob".into())).await;
    assert!(matches!(unknown, Err(FilesError::NotFound(_))));
    let unknown = files
        .set_quota(Actor::Machine, QuotaName::Of("bob".into()), None)
        .await;
    assert!(matches!(unknown, Err(FilesError::NotFound(_))));

    // Who has more than the limit keeps it, and only cannot add to it.
    limit(&world, "ann", length).await;
    let over = files.put_pack(p, ann.space, pack(&chunks[3..]), None).await;
    assert!(is_over(&over));
    assert_eq!(used(&world, &ann).await, 3 * length);
    assert_eq!(files.recount().await.unwrap(), 0);
}
