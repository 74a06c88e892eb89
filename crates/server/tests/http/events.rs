//! The event stream.

use std::time::Duration;

use hythe_model::{ChainHash, Cursor, Head};
use hythe_server::files::Actor;
use hythe_space::flow::remove_device;
use hythe_wire::event::{Event, EventsRequest, Goodbye, SpacePosition};
use hythe_wire::{Code, Message, There, Token, headers, routes};
use tokio::time::Instant;

use crate::accounts::second_device;
use crate::person::{Person, join, now_ms};
use crate::world::{Frames, PATIENCE, World, cbor, free_address, metrics_at, problem, shown};

fn position(person: &Person, head: Head) -> EventsRequest {
    EventsRequest {
        epoch: None,
        account: person.account.head(),
        spaces: vec![SpacePosition {
            space: person.space,
            head,
        }],
    }
}

async fn follow(world: &World, token: &Token, request: &EventsRequest) -> Frames {
    let post = shown(
        world.client().post(world.url(routes::EVENTS)),
        token,
        headers::BEARER,
    );
    Frames::of(cbor(post, request).send().await.unwrap(), Event::MAX_BYTES)
}

async fn next(frames: &mut Frames) -> Event {
    Event::from_cbor(&frames.next().await.unwrap().unwrap()).unwrap()
}

/// The next event that is no heartbeat.
async fn news(frames: &mut Frames) -> Event {
    loop {
        match next(frames).await {
            Event::Heartbeat => {}
            event => return event,
        }
    }
}

/// Reads up to where the stream is live.
async fn live(frames: &mut Frames) -> Vec<Event> {
    let Event::Welcome { .. } = next(frames).await else {
        panic!("no welcome")
    };
    let mut before = Vec::new();
    loop {
        match news(frames).await {
            Event::Current => return before,
            event => before.push(event),
        }
    }
}

#[tokio::test]
async fn a_stream_goes_on_from_its_position_and_carries_change_sets() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let start = person.view.head();
    let mut expected = Vec::new();
    for _ in 0..3 {
        let (head, change_set) = person.commit(&world).await;
        let change_set = Some(change_set.to_vec().into());
        expected.push(Event::Change {
            space: person.space,
            head,
            change_set,
        });
    }
    let mut frames = follow(&world, &person.token, &position(&person, start)).await;
    assert!(live(&mut frames).await == expected);
    let (head, change_set) = person.commit(&world).await;
    let change_set = Some(change_set.to_vec().into());
    assert!(
        news(&mut frames).await
            == Event::Change {
                space: person.space,
                head,
                change_set
            }
    );

    let Event::Change { head: second, .. } = &expected[1] else {
        panic!()
    };
    let mut resumed = follow(&world, &person.token, &position(&person, *second)).await;
    assert_eq!(live(&mut resumed).await.len(), 2);
}

#[tokio::test]
async fn a_large_change_set_is_named_by_its_position() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let mut frames = follow(
        &world,
        &person.token,
        &position(&person, person.view.head()),
    )
    .await;
    assert!(live(&mut frames).await.is_empty());
    let change_set = person.create(hythe_model::NodeKind::Directory, vec![7; 70_000]);
    assert_eq!(person.send(&world, &change_set).await.status(), 200);
    let head = person.view.head();
    let named = Event::Change {
        space: person.space,
        head,
        change_set: None,
    };
    assert!(news(&mut frames).await == named);
}

#[tokio::test]
async fn the_own_account_is_followed() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let mut frames = follow(
        &world,
        &person.token,
        &position(&person, person.view.head()),
    )
    .await;
    assert!(live(&mut frames).await.is_empty());
    second_device(&world, &mut person).await;
    for _ in 0..2 {
        let event = news(&mut frames).await;
        let Event::Account {
            account,
            change_set: Some(_),
            ..
        } = event
        else {
            panic!()
        };
        assert_eq!(account, person.account.id());
    }
}

#[tokio::test]
async fn a_space_that_is_not_followed_is_told_of() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let stranger = join(&world, 2).await;
    let mut request = position(&person, person.view.head());
    request.spaces[0] = SpacePosition {
        space: stranger.space,
        head: stranger.view.head(),
    };
    let mut frames = follow(&world, &person.token, &request).await;
    let told = live(&mut frames).await;
    assert!(told.contains(&Event::SpaceJoined {
        space: person.space
    }));
    assert!(told.contains(&Event::SpaceLeft {
        space: stranger.space
    }));
}

#[tokio::test]
async fn silence_is_broken_by_heartbeats() {
    let world = World::limited(|limits| {
        limits.requests.heartbeat = Duration::from_millis(20);
    })
    .await;
    let person = join(&world, 1).await;
    let mut frames = follow(
        &world,
        &person.token,
        &position(&person, person.view.head()),
    )
    .await;
    live(&mut frames).await;
    for _ in 0..3 {
        assert!(next(&mut frames).await == Event::Heartbeat);
    }
}

#[tokio::test]
async fn d6_a_removed_device_loses_its_stream_within_five_seconds() {
    let world = World::start().await;
    let mut person = join(&world, 1).await;
    let (second, token) = second_device(&world, &mut person).await;
    let mut frames = follow(&world, &token, &position(&person, person.view.head())).await;
    live(&mut frames).await;
    let removal = remove_device(
        &person.account,
        &person.key,
        &person.keys,
        second,
        now_ms(),
        &mut person.entropy,
    );
    let removed = Instant::now();
    person.append(&world, &removal.unwrap(), None).await;
    let goodbye = loop {
        match news(&mut frames).await {
            // Its own removal may be the last it hears.
            Event::Account { .. } => {}
            other => break other,
        }
    };
    assert!(
        goodbye
            == Event::Goodbye {
                reason: Goodbye::Unauthenticated
            }
    );
    assert!(frames.next().await.unwrap().is_none());
    assert!(removed.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn d6_a_suspended_account_loses_its_streams_within_five_seconds() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let other = join(&world, 2).await;
    let mut frames = follow(
        &world,
        &person.token,
        &position(&person, person.view.head()),
    )
    .await;
    live(&mut frames).await;
    let mut undisturbed = follow(&world, &other.token, &position(&other, other.view.head())).await;
    live(&mut undisturbed).await;

    let suspended = Instant::now();
    let files = world.server().files();
    files.suspend(Actor::Machine, "person-1").await.unwrap();
    let reason = Goodbye::Unauthenticated;
    assert!(news(&mut frames).await == Event::Goodbye { reason });
    assert!(suspended.elapsed() < Duration::from_secs(5));
    let refused = problem(person.get(&world, routes::SPACES).send().await.unwrap()).await;
    assert_eq!(
        (refused.code, refused.status),
        (Code::AccountSuspended, 403)
    );
    let served = other.get(&world, routes::SPACES).send().await.unwrap();
    assert_eq!(served.status(), 200);
    files.resume(Actor::Machine, "person-1").await.unwrap();
    let served = person.get(&world, routes::SPACES).send().await.unwrap();
    assert_eq!(served.status(), 200);
}

#[tokio::test]
async fn a_position_of_another_history_is_refused() {
    let world = World::start().await;
    let person = join(&world, 1).await;
    let head = person.view.head();
    let ask = |request: EventsRequest| {
        let post = person.post(&world, routes::EVENTS);
        async move { problem(cbor(post, &request).send().await.unwrap()).await }
    };
    for wrong in [
        Head {
            chain: ChainHash([1; 32]),
            ..head
        },
        Head {
            cursor: Cursor(99),
            ..head
        },
        Head {
            cursor: Cursor(0),
            ..head
        },
    ] {
        let refused = ask(position(&person, wrong)).await;
        assert_eq!((refused.code, refused.status), (Code::Fork, 409));
        let there = There::SpaceHead {
            space: person.space,
            cursor: head.cursor.0,
            chain: head.chain,
        };
        assert_eq!(refused.there, Some(there));
    }
    let mut request = position(&person, head);
    request.account.chain = ChainHash([1; 32]);
    let refused = ask(request).await;
    assert!(matches!(refused.there, Some(There::Head { .. })));
}

#[tokio::test]
async fn one_stream_too_many_ends_the_oldest() {
    let world = World::limited(|limits| limits.requests.events_per_device = 1).await;
    let person = join(&world, 1).await;
    let request = position(&person, person.view.head());
    let mut first = follow(&world, &person.token, &request).await;
    live(&mut first).await;
    let mut second = follow(&world, &person.token, &request).await;
    live(&mut second).await;
    assert!(
        news(&mut first).await
            == Event::Goodbye {
                reason: Goodbye::Replaced
            }
    );
    assert!(first.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye() {
    let mut world = World::start().await;
    let person = join(&world, 1).await;
    let mut frames = follow(
        &world,
        &person.token,
        &position(&person, person.view.head()),
    )
    .await;
    live(&mut frames).await;
    let (goodbye, ()) = tokio::join!(news(&mut frames), world.stop());
    assert!(
        goodbye
            == Event::Goodbye {
                reason: Goodbye::Stopping
            }
    );
}

#[tokio::test]
async fn a_slow_reader_is_sent_away_and_misses_nothing() {
    let metrics = free_address();
    let world = World::with(|config| {
        config.metrics = Some(metrics);
        config.limits.requests.slow_reader = Duration::from_millis(200);
    })
    .await;
    let mut person = join(&world, 1).await;
    let start = person.view.head();
    let mut frames = follow(&world, &person.token, &position(&person, start)).await;
    live(&mut frames).await;
    // More and more, until no buffer between the feed and a reader that does not read holds it.
    let sent_away = "hythe_event_streams_ended_total{reason=\"too_slow\"} 1";
    let patient = Instant::now() + PATIENCE;
    while !metrics_at(metrics).await.contains(sent_away) {
        assert!(Instant::now() < patient, "a reader that never reads stays");
        let change_set = person.create(hythe_model::NodeKind::Directory, vec![7; 60_000]);
        assert_eq!(person.send(&world, &change_set).await.status(), 200);
    }
    let mut at = start;
    assert_eq!(
        follow_on(&mut frames, &mut at).await,
        Some(Goodbye::TooSlow)
    );
    assert!(at.cursor < person.view.head().cursor);
    // On a busy machine this reader may be too slow again: it goes on all the same.
    loop {
        let mut resumed = follow(&world, &person.token, &position(&person, at)).await;
        let Event::Welcome { .. } = next(&mut resumed).await else {
            panic!("no welcome")
        };
        match follow_on(&mut resumed, &mut at).await {
            Some(reason) => assert_eq!(reason, Goodbye::TooSlow),
            None => break,
        }
        assert!(Instant::now() < patient + PATIENCE, "no way to the end");
    }
    assert_eq!(at, person.view.head());
}

/// Takes changes, each the one after the last, until the stream is live or ends.
async fn follow_on(frames: &mut Frames, at: &mut Head) -> Option<Goodbye> {
    loop {
        match news(frames).await {
            Event::Change { head, .. } => {
                assert_eq!(head.cursor, at.cursor.next());
                *at = head;
            }
            Event::Current => return None,
            Event::Goodbye { reason } => return Some(reason),
            _ => panic!("something else"),
        }
    }
}
