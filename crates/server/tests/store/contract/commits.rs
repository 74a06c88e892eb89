//! Commits that are accepted, repeated, or of another history.

use hythe_model::{Cursor, Head, NodeId, OperationId};
use hythe_server::files::FilesError;
use hythe_server::notify::Notice;
use hythe_space::draft::SealedFields;
use hythe_space::operation::{Place, PlaceWrite, Update};
use hythe_space::{Draft, Record};
use hythe_wire::problem::There;

use crate::person::{Person, bytes_of, tag};
use crate::world::World;

pub async fn a_commit_is_folded_numbered_and_told(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut heard = world.files.subscribe();
    let mut draft = Draft::new();
    let directory = ann.directory(&mut draft, NodeId::ROOT, "d");
    ann.file(&mut draft, directory, "f", vec![]);
    let change_set = ann.sign(draft);
    let committed = ann.send(&world, &change_set, vec![]).await.unwrap();
    assert_eq!(
        (committed.head.cursor, committed.repeated),
        (Cursor(3), false)
    );
    loop {
        let Notice::Changed {
            space,
            head,
            change_set: sent,
        } = heard.recv().await.unwrap()
        else {
            continue;
        };
        // PostgreSQL may still tell of what came before.
        if head == committed.head {
            assert_eq!(space, ann.space);
            // Between replicas only the position travels.
            assert!(sent.is_none_or(|sent| sent == bytes_of(&change_set)));
            break;
        }
    }
    ann.pull(&world).await;
    assert_eq!(ann.fold.head(), committed.head);
    let spaces = world.files.spaces(&ann.principal).await.unwrap();
    assert_eq!((spaces.len(), spaces[0].digest), (1, committed.digest));
    assert!(spaces[0].personal && spaces[0].open);
    let standing = world
        .files
        .standing(&ann.principal, ann.space, committed.head)
        .await
        .unwrap();
    assert!(standing.agrees);
    assert_eq!(
        (standing.head, standing.digest),
        (committed.head, committed.digest)
    );
}

pub async fn c6_a_repeated_operation_has_its_effect_once(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    let operation = OperationId([5; 16]);
    let change_set = ann.sign_as(draft, operation);
    let first = ann.send(&world, &change_set, vec![]).await.unwrap();
    let again = ann.send(&world, &change_set, vec![]).await.unwrap();
    assert_eq!((again.head, again.digest), (first.head, first.digest));
    assert!(again.repeated && !first.repeated);
    // Signed anew for the same operation, because the reply was lost and the log went on.
    ann.pull(&world).await;
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    let signed_anew = ann.sign_as(draft, operation);
    let anew = ann.send(&world, &signed_anew, vec![]).await.unwrap();
    assert_eq!((anew.head, anew.repeated), (first.head, true));
    ann.pull(&world).await;
    assert_eq!(ann.fold.head(), first.head);

    // The same bytes under another operation id break the author's chain instead.
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "e");
    let stale = ann.sign(draft);
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "f");
    ann.commit(&world, draft, vec![]).await.unwrap();
    let refused = ann.send(&world, &stale, vec![]).await.unwrap_err();
    let Some(There::AuthorChain { counter, .. }) = refused.there() else {
        panic!("{refused:?}")
    };
    assert_eq!(counter, 4);
}

pub async fn sc019_names_swap_within_a_change_set(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    let a = ann.file(&mut draft, NodeId::ROOT, "a", vec![]);
    let b = ann.file(&mut draft, NodeId::ROOT, "b", vec![]);
    let c = ann.file(&mut draft, NodeId::ROOT, "c", vec![]);
    ann.commit(&world, draft, vec![]).await.unwrap();
    // Through a third name, as the fold wants it; the tables see only the two ends.
    let mut draft = Draft::new();
    let expected = ann.rename(&mut draft, a, NodeId::ROOT, "spare");
    ann.rename(&mut draft, b, NodeId::ROOT, "a");
    let version = ann.version();
    let place = Place {
        parent: NodeId::ROOT,
        tag: tag(NodeId::ROOT, "b"),
    };
    let write = PlaceWrite {
        expected,
        version,
        place,
    };
    let update = Update {
        node: a,
        place: Some(write),
        attributes: None,
        body: None,
    };
    draft.update(
        update,
        SealedFields {
            name: Some("b".into()),
            ..Default::default()
        },
    );
    // And a name that a delete in the same change set frees.
    ann.delete(&mut draft, c);
    ann.directory(&mut draft, NodeId::ROOT, "c");
    ann.commit(&world, draft, vec![]).await.unwrap();
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn sc021_a_directory_of_any_size_is_renamed_by_one_operation(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    let directory = ann.directory(&mut draft, NodeId::ROOT, "many");
    for index in 0..500 {
        ann.file(&mut draft, directory, &format!("f{index}"), vec![]);
    }
    ann.commit(&world, draft, vec![]).await.unwrap();
    let files = ann
        .fold
        .records()
        .filter(|record| matches!(record, Record::Node(_)))
        .count();
    assert_eq!(files, 501);
    let mut draft = Draft::new();
    ann.rename(&mut draft, directory, NodeId::ROOT, "renamed");
    ann.commit(&world, draft, vec![]).await.unwrap();
    let history = world
        .files
        .history(&ann.principal, ann.space, directory, None, 10)
        .await;
    assert_eq!(history.unwrap().len(), 2);
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn another_history_is_refused(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "d");
    let stamp = ann.stamp(OperationId([1; 16]));
    let true_head = stamp.seen;
    let elsewhere = hythe_model::ChainHash([9; 32]);
    for seen in [
        Head {
            cursor: Cursor(2),
            chain: elsewhere,
        },
        Head {
            cursor: Cursor(1),
            chain: elsewhere,
        },
        Head {
            cursor: Cursor(3),
            chain: true_head.chain,
        },
        Head {
            cursor: Cursor(u64::MAX),
            chain: true_head.chain,
        },
    ] {
        let stamp = hythe_space::Stamp {
            seen,
            ..stamp.clone()
        };
        let change_set = draft.clone().sign(stamp, &ann.key).unwrap();
        match ann.send(&world, &change_set, vec![]).await {
            Err(FilesError::Diverged { head, epoch }) => {
                assert_eq!((head, epoch), (true_head, world.files.epoch()));
            }
            other => panic!("{other:?}"),
        }
        let standing = world
            .files
            .standing(&ann.principal, ann.space, seen)
            .await
            .unwrap();
        assert!(!standing.agrees);
    }
    let start = world
        .files
        .standing(&ann.principal, ann.space, Head::START)
        .await
        .unwrap();
    assert!(start.agrees);
}
