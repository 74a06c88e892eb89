//! Links: what they reach, and when they end.

use futures::StreamExt;
use hythe_model::{LinkId, LinkKind, NodeId, OpeningId, Secret32};
use hythe_server::files::{Commit, FilesError, LinkPass, ReadChunk, Refused};
use hythe_space::{Draft, KemSecret, LinkGrant, flow};

use crate::person::{Person, address, attached, bytes_of, client_now_ms, name_of};
use crate::world::World;

/// Gives out a link to a node, which ends at a time and after some openings.
async fn give(
    world: &World,
    ann: &Person,
    node: NodeId,
    expires_ms: Option<i64>,
    downloads: Option<u32>,
) -> LinkPass {
    give_as(world, ann, LinkId(node.0), node, expires_ms, downloads).await
}

pub(super) async fn give_as(
    world: &World,
    ann: &Person,
    link: LinkId,
    node: NodeId,
    expires_ms: Option<i64>,
    downloads: Option<u32>,
) -> LinkPass {
    let verifier = Secret32::new([7; 32]);
    let key = KemSecret::from_seed(Secret32::new([7; 32]));
    let grant = LinkGrant {
        suite: 0,
        space: ann.space,
        link,
        node,
        kind: LinkKind::Download,
        key: key.public().unwrap(),
        password: false,
        expires_ms,
        downloads,
        time_ms: client_now_ms(),
        uploads: None,
    };
    let signed = grant.sign(&ann.key).encode();
    let files = &world.files;
    let made = files.create_link(&ann.principal, ann.space, signed, verifier.clone());
    made.await.unwrap();
    LinkPass::new(link, verifier)
}

async fn read(
    world: &World,
    pass: &LinkPass,
    opening: OpeningId,
    chunks: &[&hythe_content::SealedChunk],
) -> Vec<bool> {
    let names = chunks.iter().map(|chunk| name_of(chunk)).collect();
    let files = &world.files;
    let stream = files.read_link_chunks(pass.clone(), opening, names).await;
    let answers: Vec<ReadChunk> = stream.unwrap().map(Result::unwrap).collect().await;
    let sealed = |one: &ReadChunk| matches!(one, ReadChunk::Sealed { .. });
    answers.iter().map(sealed).collect()
}

fn is_ended<T>(answer: &Result<T, FilesError>) -> bool {
    matches!(answer, Err(FilesError::Refused(Refused::LinkEnded)))
}

/// A directory with a file in it, and a file beside it, of a chunk each.
async fn tree(world: &World, ann: &mut Person) -> ([NodeId; 3], [hythe_content::SealedChunk; 2]) {
    let chunks = [ann.chunk(b"inside"), ann.chunk(b"beside")];
    let mut draft = Draft::new();
    let directory = ann.directory(&mut draft, NodeId::ROOT, "directory");
    let inside = ann.file(&mut draft, directory, "inside", vec![chunks[0].chunk.id]);
    let beside = ann.file(&mut draft, NodeId::ROOT, "beside", vec![chunks[1].chunk.id]);
    let change_set = ann.sign(draft);
    let commit = Commit {
        space: ann.space,
        change_set: bytes_of(&change_set),
        attached: chunks.iter().map(attached).collect(),
    };
    world.files.commit(&ann.principal, commit).await.unwrap();
    ([directory, inside, beside], chunks)
}

pub async fn an_opening_reaches_the_chunks_of_its_file_and_no_others(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let ([directory, inside, beside], [within, without]) = tree(&world, &mut ann).await;
    let pass = give(&world, &ann, directory, None, Some(2)).await;
    let (files, from) = (&world.files, address().ip());
    let opening = OpeningId([1; 16]);
    // Nothing is read before a file is opened, and no file that is not below.
    let early = files.read_link_chunks(pass.clone(), opening, vec![]).await;
    assert!(matches!(early, Err(FilesError::NotFound(_))));
    let other = files.link_open(&pass, beside, opening, from).await;
    assert!(matches!(other, Err(FilesError::NotFound(_))));
    for _ in 0..3 {
        // The same opening again counts once.
        files.link_open(&pass, inside, opening, from).await.unwrap();
    }
    let chunks = [&within, &without];
    assert_eq!(read(&world, &pass, opening, &chunks).await, [true, false]);
    let second = OpeningId([2; 16]);
    files.link_open(&pass, inside, second, from).await.unwrap();
    let third = files
        .link_open(&pass, inside, OpeningId([3; 16]), from)
        .await;
    assert!(is_ended(&third));
    // What was counted may be read on.
    assert_eq!(read(&world, &pass, second, &chunks).await, [true, false]);
    let wrong = LinkPass::new(pass.link(), Secret32::new([8; 32]));
    assert!(matches!(
        files.link_stands(&wrong).await,
        Err(FilesError::Denied(_))
    ));
    let uses = files
        .link_uses(&ann.principal, ann.space, pass.link())
        .await;
    assert_eq!(uses.unwrap().len(), 2);
    files
        .revoke_link(&ann.principal, ann.space, pass.link())
        .await
        .unwrap();
    assert!(is_ended(
        &files.read_link_chunks(pass, second, vec![]).await
    ));
}

pub async fn a_link_ends_at_its_time(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let ([directory, inside, _], _) = tree(&world, &mut ann).await;
    let now = client_now_ms();
    let over = give(&world, &ann, directory, Some(now - 1), None).await;
    assert!(is_ended(&world.files.link_stands(&over).await));
    assert!(is_ended(
        &world.files.link_list(&over, directory, None).await
    ));
    let lasting = give(&world, &ann, inside, Some(now + 3_600_000), None).await;
    world.files.link_stands(&lasting).await.unwrap();
}

pub async fn a_link_ends_with_the_device_that_gave_it_out(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let ([directory, inside, _], _) = tree(&world, &mut ann).await;
    let phone = ann.second_device(&world).await;
    let its = give(&world, &phone, directory, None, None).await;
    let hers = give(&world, &ann, inside, None, None).await;
    let (files, from) = (&world.files, address().ip());
    let opening = OpeningId([1; 16]);
    files.link_open(&its, inside, opening, from).await.unwrap();

    let device = phone.principal.device();
    let (account, now) = (&ann.account, client_now_ms());
    let removal = flow::remove_device(account, &ann.key, &ann.keys, device, now, &mut ann.entropy);
    ann.append(&world, &removal.unwrap(), None).await.unwrap();

    // As a link that was revoked, whatever is asked.
    assert!(is_ended(&files.link_stands(&its).await));
    assert!(is_ended(&files.link_list(&its, directory, None).await));
    assert!(is_ended(
        &files
            .link_open(&its, inside, OpeningId([2; 16]), from)
            .await
    ));
    assert!(is_ended(
        &files.read_link_chunks(its, opening, vec![]).await
    ));
    files.link_stands(&hers).await.unwrap();
}
