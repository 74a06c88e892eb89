//! Commits that do not fit what is there.

use hythe_model::NodeId;
use hythe_server::files::{FilesError, Refused};
use hythe_space::{Draft, Field, Refusal};
use hythe_wire::problem::{NodeField, There};

use crate::person::{Person, tag};
use crate::world::World;

/// Two devices of one account that have seen the same: a file and two directories.
struct Two {
    first: Person,
    second: Person,
    file: NodeId,
    a: NodeId,
    b: NodeId,
}

async fn two_devices(world: &World) -> Two {
    let mut first = Person::register(world, "ann").await;
    let mut draft = Draft::new();
    let file = first.file(&mut draft, NodeId::ROOT, "f", vec![]);
    let a = first.directory(&mut draft, NodeId::ROOT, "a");
    let b = first.directory(&mut draft, NodeId::ROOT, "b");
    first.commit(world, draft, vec![]).await.unwrap();
    let second = first.second_device(world).await;
    Two {
        first,
        second,
        file,
        a,
        b,
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, FilesError>) -> Refusal {
    match result {
        Err(FilesError::Refused(Refused::Space(refusal))) => refusal,
        other => panic!("{other:?}"),
    }
}

pub async fn sc001_sc029_an_unseen_edit_beats_edit_and_delete(world: World) {
    let mut two = two_devices(&world).await;
    let node = two.file;
    let mut draft = Draft::new();
    let winner = two.first.rewrite(&mut draft, node, vec![]);
    two.first.commit(&world, draft, vec![]).await.unwrap();

    let mut draft = Draft::new();
    two.second.rewrite(&mut draft, node, vec![]);
    let refused = two.second.commit(&world, draft, vec![]).await.unwrap_err();
    let (field, version) = (NodeField::Body, Some(winner));
    assert_eq!(
        refused.there(),
        Some(There::Mismatch {
            node,
            field,
            version
        })
    );
    let mut draft = Draft::new();
    two.second.delete(&mut draft, node);
    let refused = refusal(two.second.commit(&world, draft, vec![]).await);
    let (field, there) = (Field::Body, Some(winner));
    assert_eq!(refused, Refusal::Mismatch { node, field, there });

    // Neither left a trace; the second device looks and goes on.
    two.second.pull(&world).await;
    assert_eq!(two.second.fold.head(), two.first.fold.head());
    let mut draft = Draft::new();
    two.second.rewrite(&mut draft, node, vec![]);
    two.second.commit(&world, draft, vec![]).await.unwrap();
    assert!(world.files.check().await.unwrap().is_clean());
}

pub async fn sc018_a_name_that_was_taken_meanwhile_is_refused(world: World) {
    let mut two = two_devices(&world).await;
    let mut draft = Draft::new();
    let by = two.first.directory(&mut draft, NodeId::ROOT, "taken");
    two.first.commit(&world, draft, vec![]).await.unwrap();
    let mut draft = Draft::new();
    two.second.directory(&mut draft, NodeId::ROOT, "taken");
    let refused = refusal(two.second.commit(&world, draft, vec![]).await);
    let (parent, tag) = (NodeId::ROOT, tag(NodeId::ROOT, "taken"));
    assert_eq!(refused, Refusal::NameTaken { parent, tag, by });
}

pub async fn sc014_sc034_the_tree_stays_a_tree(world: World) {
    let mut two = two_devices(&world).await;
    let (a, b) = (two.a, two.b);
    let mut draft = Draft::new();
    two.first.rename(&mut draft, a, b, "a");
    two.first.commit(&world, draft, vec![]).await.unwrap();
    // The other way round it would be a cycle.
    let mut draft = Draft::new();
    two.second.rename(&mut draft, b, a, "b");
    let refused = refusal(two.second.commit(&world, draft, vec![]).await);
    assert_eq!(refused, Refusal::Cycle { node: b });
    // A directory that is not empty any more is not deleted.
    let mut draft = Draft::new();
    two.second.delete(&mut draft, b);
    let refused = refusal(two.second.commit(&world, draft, vec![]).await);
    assert_eq!(refused, Refusal::NotEmpty { node: b });
    // Nothing is made below what does not exist.
    let mut draft = Draft::new();
    let lost = NodeId([0xee; 16]);
    two.second.directory(&mut draft, lost, "x");
    let refused = refusal(two.second.commit(&world, draft, vec![]).await);
    assert_eq!(refused, Refusal::Absent { node: lost });
}

pub async fn concurrent_commits_of_one_name_have_one_winner(world: World) {
    let mut ann = Person::register(&world, "ann").await;
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push(ann.second_device(&world).await);
    }
    let world = std::sync::Arc::new(world);
    let tasks = devices.into_iter().map(|mut device| {
        let world = std::sync::Arc::clone(&world);
        tokio::spawn(async move {
            // Devices that were enrolled earlier know less of the account's log; that is no harm.
            let mut draft = Draft::new();
            device.directory(&mut draft, NodeId::ROOT, "the same");
            let change_set = device.sign(draft);
            device.send(&world, &change_set, vec![]).await
        })
    });
    let mut won = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(FilesError::Refused(Refused::Space(Refusal::NameTaken { .. }))) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
}
