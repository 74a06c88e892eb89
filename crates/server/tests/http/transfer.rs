//! Committing, reading logs, chunks.

use hythe_content::{EpochSecret, PackBuilder, Scratch, SealedChunk, SpaceKeys, seal_chunk};
use hythe_model::{
    ChunkId, Cursor, Head, KeyEpoch, NodeId, NodeKind, SealHash, Secret32, ServerEpoch,
};
use hythe_space::flow::remove_device;
use hythe_wire::chunk::{
    ChunkFrame, MissingReply, MissingRequest, ObjectName, PackReply, ReadRequest,
};
use hythe_wire::history::{HistoryFrame, TrashFrame};
use hythe_wire::log::{CommitReply, LogFrame, SnapshotFrame};
use hythe_wire::{Code, Message, There, Token, headers, routes};

use crate::accounts::second_device;
use crate::person::{Person, join, now_ms};
use crate::world::{Frames, World, cbor, problem, reply, shown};

/// The entries of a log after a position, and the head that ended the answer.
async fn log(person: &Person, world: &World, from: u64, limit: u32) -> (Vec<Head>, Head) {
    let path = routes::space_changes_from(person.space, Cursor(from), limit);
    let answer = person.get(world, &path).send().await.unwrap();
    let mut frames: Vec<LogFrame> = Frames::of(answer, LogFrame::MAX_BYTES).all().await;
    let Some(LogFrame::End { head }) = frames.pop() else {
        panic!("no end")
    };
    let heads = frames.into_iter().map(|frame| match frame {
        LogFrame::Entry(entry) => entry.head,
        LogFrame::End { .. } => panic!("two ends"),
    });
    (heads.collect(), head)
}

#[tokio::test]
async fn a_commit_is_read_back_and_c6_its_repetition_gets_the_first_answer() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let change_set = person.directory();
    let first: CommitReply = reply(person.send(&world, &change_set).await).await;
    let again: CommitReply = reply(person.send(&world, &change_set).await).await;
    assert_eq!(first, again);
    assert_eq!(first.head, person.view.head());

    let path = routes::space_changes_from(person.space, Cursor(2), 10);
    let answer = person.get(&world, &path).send().await.unwrap();
    let frames: Vec<LogFrame> = Frames::of(answer, LogFrame::MAX_BYTES).all().await;
    let [LogFrame::Entry(entry), LogFrame::End { head }] = frames.as_slice() else {
        panic!("one entry and the end")
    };
    assert_eq!((entry.head, *head), (first.head, first.head));
    assert_eq!(entry.change_set.as_slice(), change_set.encoded());
}

#[tokio::test]
async fn a_log_is_read_in_any_pages() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    for _ in 0..5 {
        person.commit(&world).await;
    }
    let (all, head) = log(&person, &world, 0, 1000).await;
    assert_eq!((all.len(), all[6]), (7, head));
    for limit in [1, 3, 7, 100_000] {
        let mut read = Vec::new();
        while read.len() < all.len() {
            let (page, end) = log(&person, &world, read.len() as u64, limit).await;
            assert!(!page.is_empty() && page.len() <= limit as usize);
            assert_eq!(end, head);
            read.extend(page);
        }
        assert_eq!(read, all);
    }
    assert_eq!(log(&person, &world, 7, 10).await, (vec![], head));
    assert_eq!(
        log(&person, &world, u64::from(u32::MAX), 10).await.0,
        vec![]
    );
    assert_eq!(log(&person, &world, 0, 0).await, (vec![], head));
}

#[tokio::test]
async fn a_commit_that_does_not_fit_says_what_is_there() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let before = person.view.clone();
    person.commit(&world).await;
    let now = std::mem::replace(&mut person.view, before);
    let stale = person.directory();
    let refused = problem(person.send(&world, &stale).await).await;
    assert_eq!((refused.code, refused.status), (Code::Conflict, 409));
    let author = now.author_record(person.key.device_id()).unwrap();
    let there = There::AuthorChain {
        counter: author.counter,
        previous: author.last,
    };
    assert_eq!(refused.there, Some(there));
}

#[tokio::test]
async fn d6_a_stranger_may_not_even_know_that_a_space_is_there() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let mut stranger = join(&world, 2).await;
    stranger.space = person.space;
    let space = person.space;
    let nothing = ReadRequest { objects: vec![] };
    let which = MissingRequest {
        objects: vec![],
        reserve: None,
    };
    for request in [
        stranger.get(&world, &routes::space_changes(space)),
        stranger.get(&world, &routes::space_snapshot(space)),
        stranger.get(&world, &routes::space_checkpoint(space)),
        stranger.get(&world, &routes::node_history(space, NodeId::ROOT)),
        stranger.get(&world, &routes::space_trash(space)),
        cbor(
            stranger.post(&world, &routes::space_chunks_read(space)),
            &nothing,
        ),
        cbor(
            stranger.post(&world, &routes::space_chunks_missing(space)),
            &which,
        ),
    ] {
        let refused = problem(request.send().await.unwrap()).await;
        assert_eq!((refused.code, refused.there), (Code::NotFound, None));
    }
    let change_set = stranger.draft(NodeKind::Directory, vec![1]);
    assert_eq!(
        problem(stranger.send(&world, &change_set).await).await.code,
        Code::NotFound
    );
}

#[tokio::test]
async fn a_snapshot_ends_and_history_and_trash_are_there() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let change_set = person.directory();
    let _: CommitReply = reply(person.send(&world, &change_set).await).await;
    let answer = person
        .get(&world, &routes::space_snapshot(person.space))
        .send()
        .await
        .unwrap();
    let frames: Vec<SnapshotFrame> = Frames::of(answer, SnapshotFrame::MAX_BYTES).all().await;
    let [
        SnapshotFrame::Start { .. },
        records @ ..,
        SnapshotFrame::End { records: count },
    ] = frames.as_slice()
    else {
        panic!("a start and an end")
    };
    assert_eq!(records.len() as u64, *count);

    let hythe_space::Operation::Create(create) = &change_set.operations()[0] else {
        panic!()
    };
    let path = routes::node_history(person.space, create.node);
    let answer = person.get(&world, &path).send().await.unwrap();
    let frames: Vec<HistoryFrame> = Frames::of(answer, HistoryFrame::MAX_BYTES).all().await;
    let [HistoryFrame::Entry(entry), HistoryFrame::End] = frames.as_slice() else {
        panic!("one entry and the end")
    };
    assert_eq!(entry.head, person.view.head());
    assert_eq!(entry.author, person.key.device_id());

    let answer = person
        .get(&world, &routes::space_trash(person.space))
        .send()
        .await
        .unwrap();
    let frames: Vec<TrashFrame> = Frames::of(answer, TrashFrame::MAX_BYTES).all().await;
    assert!(frames == [TrashFrame::End]);
}

/// Chunks of a person's space that no compressor makes smaller.
pub fn chunks(person: &mut Person, count: usize, bytes: usize) -> Vec<SealedChunk> {
    let secret = EpochSecret::new(Secret32::new(*person.secret.expose()));
    let keys = SpaceKeys::derive(&person.space, KeyEpoch::FIRST, &secret);
    let mut scratch = Scratch::default();
    let mut plain = vec![0; bytes];
    (0..count)
        .map(|_| {
            let seed = person.entropy.bytes();
            blake3::Hasher::new_keyed(&seed)
                .finalize_xof()
                .fill(&mut plain);
            seal_chunk(&keys, &plain, &mut scratch).unwrap()
        })
        .collect()
}

pub fn name(chunk: &SealedChunk) -> ObjectName {
    ObjectName {
        id: chunk.chunk.id,
        seal: chunk.chunk.seal,
    }
}

async fn upload(person: &Person, world: &World, chunks: &[SealedChunk]) -> PackReply {
    let mut pack = PackBuilder::new();
    chunks.iter().for_each(|chunk| pack.push(chunk));
    // Bulk goes over HTTP/1.1.
    let post = person.ask(
        world
            .http1()
            .post(world.url(&routes::space_packs(person.space))),
    );
    let post = post
        .header("content-type", headers::PACK)
        .body(pack.finish());
    reply(post.send().await.unwrap()).await
}

async fn read(
    world: &World,
    space: hythe_model::SpaceId,
    token: &Token,
    objects: Vec<ObjectName>,
) -> Frames {
    let post = world
        .http1()
        .post(world.url(&routes::space_chunks_read(space)));
    let post = cbor(
        shown(post, token, headers::BEARER),
        &ReadRequest { objects },
    );
    Frames::of(post.send().await.unwrap(), ChunkFrame::MAX_BYTES)
}

#[tokio::test]
async fn chunks_travel_in_packs_and_come_back_whole() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let sealed = chunks(&mut person, 3, 300_000);
    let absent = ObjectName {
        id: ChunkId([9; 32]),
        seal: SealHash([9; 32]),
    };
    let other_form = ObjectName {
        seal: SealHash([8; 32]),
        ..name(&sealed[0])
    };
    let mut objects: Vec<ObjectName> = sealed.iter().map(name).collect();
    let ask = MissingRequest {
        objects: objects.clone(),
        reserve: None,
    };
    let path = routes::space_chunks_missing(person.space);
    let missing = || async {
        let post = cbor(person.post(&world, &path), &ask).send().await.unwrap();
        reply::<MissingReply>(post).await.missing
    };
    assert_eq!(missing().await, [0, 1, 2]);
    let first = upload(&person, &world, &sealed).await;
    assert_eq!((first.stored, first.known), (3, 0));
    assert_eq!(missing().await, [0_u32; 0]);
    let second = upload(&person, &world, &sealed).await;
    assert_eq!((second.stored, second.known), (0, 3));

    objects.insert(1, absent);
    objects.push(other_form);
    let mut frames = read(&world, person.space, &person.token, objects).await;
    let mut answers = Vec::new();
    while let Some(message) = frames.next().await.unwrap() {
        answers.push(ChunkFrame::from_frame(&message).unwrap());
    }
    assert_eq!(answers.pop(), Some(ChunkFrame::End));
    answers.sort_by_key(|frame| match frame {
        ChunkFrame::Sealed { index, .. }
        | ChunkFrame::Missing { index }
        | ChunkFrame::Damaged { index } => *index,
        ChunkFrame::End => panic!("two ends"),
    });
    let whole = |index: u32, chunk: &SealedChunk| ChunkFrame::Sealed {
        index,
        bytes: chunk.bytes.clone().into(),
    };
    let expected = [
        whole(0, &sealed[0]),
        ChunkFrame::Missing { index: 1 },
        whole(2, &sealed[1]),
        whole(3, &sealed[2]),
        // Another sealed form of a chunk that is there is not there.
        ChunkFrame::Missing { index: 4 },
    ];
    assert!(answers == expected);
}

#[tokio::test]
async fn a_damaged_pack_is_refused() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let mut pack = PackBuilder::new();
    chunks(&mut person, 2, 10_000)
        .iter()
        .for_each(|chunk| pack.push(chunk));
    let pack = pack.finish();
    for at in [0, 40, 15_000, pack.len() - 1] {
        let mut flipped = pack.clone();
        flipped[at] ^= 1;
        let post = person.post(&world, &routes::space_packs(person.space));
        let post = post.header("content-type", headers::PACK).body(flipped);
        let refused = problem(post.send().await.unwrap()).await;
        assert_eq!(
            (refused.code, refused.status),
            (Code::Invalid, 422),
            "byte {at}"
        );
    }
}

#[tokio::test]
async fn d6_removing_a_device_cuts_its_running_transfer() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    // More than all buffers between the store and a reader hold.
    let mut objects = Vec::new();
    for _ in 0..8 {
        let sealed = chunks(&mut person, 4, 2 << 20);
        upload(&person, &world, &sealed).await;
        objects.extend(sealed.iter().map(name));
    }
    let (second, token) = second_device(&world, &mut person).await;
    let mut frames = read(&world, person.space, &token, objects.clone()).await;
    frames.next().await.unwrap().unwrap();
    let removal = remove_device(
        &person.account,
        &person.key,
        &person.keys,
        second,
        now_ms(),
        &mut person.entropy,
    );
    person.append(&world, &removal.unwrap(), None).await;
    let mut read = 1;
    let cut = loop {
        match frames.next().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => panic!("all {read} frames came"),
            Err(cut) => break cut,
        }
    };
    assert!(read < objects.len(), "{cut}");
}

#[tokio::test]
async fn a_change_set_of_another_life_of_the_data_is_refused() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let request = hythe_wire::event::EventsRequest {
        epoch: Some(ServerEpoch([1; 16])),
        account: person.account.head(),
        spaces: vec![],
    };
    let post = cbor(person.post(&world, routes::EVENTS), &request)
        .send()
        .await
        .unwrap();
    let refused = problem(post).await;
    assert_eq!((refused.code, refused.status), (Code::EpochChanged, 409));
}
