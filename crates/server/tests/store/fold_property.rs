//! The fold in SQL is the pure fold: random histories give the same states and the same refusals.

use hythe_model::{NodeId, NodeKind, VersionId};
use hythe_server::files::{FilesError, Refused};
use hythe_space::draft::{SealedFields, SealedNode};
use hythe_space::operation::{
    AttributesWrite, BodyUpdate, BodyWrite, Create, Delete, Place, PlaceWrite, Restore, Update,
};
use hythe_space::{Draft, FoldError, Moment};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::engine::runtime;
use crate::person::{Person, client_now_ms, tag};
use crate::world::World;

/// One operation over a handful of nodes and names, so that they meet often.
#[derive(Debug, Clone)]
enum Action {
    Create {
        node: u8,
        parent: u8,
        name: u8,
        directory: bool,
    },
    Move {
        node: u8,
        parent: u8,
        name: u8,
        seen: bool,
    },
    Edit {
        node: u8,
        attributes: bool,
        body: bool,
        seen: bool,
    },
    Delete {
        node: u8,
        seen: bool,
    },
    Restore {
        node: u8,
        parent: u8,
        name: u8,
    },
}

impl Action {
    fn node(&self) -> u8 {
        match *self {
            Self::Create { node, .. }
            | Self::Move { node, .. }
            | Self::Edit { node, .. }
            | Self::Delete { node, .. }
            | Self::Restore { node, .. } => node,
        }
    }
}

const NODES: u8 = 6;

fn action() -> impl Strategy<Value = Action> {
    let node = 1..=NODES;
    let parent = 0..=NODES;
    let name = 0..4u8;
    // Mostly over what is there; sometimes over what was.
    let seen = prop::bool::weighted(0.9);
    prop_oneof![
        3 => (node.clone(), parent.clone(), name.clone(), any::<bool>())
            .prop_map(|(node, parent, name, directory)| Action::Create {
                node, parent, name, directory
            }),
        3 => (node.clone(), parent.clone(), name.clone(), seen)
            .prop_map(|(node, parent, name, seen)| Action::Move { node, parent, name, seen }),
        2 => (node.clone(), any::<bool>(), any::<bool>(), seen)
            .prop_map(|(node, attributes, body, seen)| Action::Edit {
                node, attributes: attributes || !body, body, seen
            }),
        2 => (node.clone(), seen).prop_map(|(node, seen)| Action::Delete { node, seen }),
        1 => (node, parent, name)
            .prop_map(|(node, parent, name)| Action::Restore { node, parent, name }),
    ]
}

fn history() -> impl Strategy<Value = Vec<Vec<Action>>> {
    prop::collection::vec(prop::collection::vec(action(), 1..4), 1..25)
}

#[test]
fn sqlite_folds_as_the_pure_fold_does() {
    run(24, || None);
}

/// Runs random histories on databases that `database` makes (none: SQLite).
pub fn run(cases: u32, mut database: impl FnMut() -> Option<String>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let runtime = runtime();
    let database = std::cell::RefCell::new(&mut database);
    let result = runner.run(&history(), |history| {
        let url = (database.borrow_mut())();
        runtime.block_on(replay(url, &history));
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}\n{runner}");
    }
}

async fn replay(database: Option<String>, history: &[Vec<Action>]) {
    let world = World::open(database).await;
    let mut ann = Person::register(&world, "ann").await;
    let mut accepted = 0;
    for actions in history {
        let mut draft = Draft::new();
        actions
            .iter()
            .for_each(|action| add(&mut ann, &mut draft, action));
        let change_set = ann.sign(draft);
        let moment = Moment::Accepting {
            now_ms: client_now_ms(),
        };
        let pure = ann.fold.append(&ann.accounts, moment, &change_set);
        let stored = ann.send(&world, &change_set, vec![]).await;
        match (pure, stored) {
            (Ok(_), Ok(committed)) => {
                accepted += 1;
                assert_eq!(ann.fold.head(), committed.head);
                assert_eq!(ann.fold.digest().digest().0, committed.digest);
            }
            (Err(FoldError::Refused(pure)), Err(FilesError::Refused(Refused::Space(stored)))) => {
                assert_eq!(pure, stored);
            }
            (pure, stored) => panic!("{pure:?} but {stored:?}"),
        }
    }
    let report = world.files.check().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
    let page = world
        .files
        .changes(
            &ann.principal,
            ann.space,
            hythe_model::Cursor(2),
            1000,
            u64::MAX,
        )
        .await
        .unwrap();
    assert_eq!(page.entries.len(), accepted);
    world.files.close().await;
}

fn id(node: u8) -> NodeId {
    NodeId([node; 16])
}

fn place(parent: u8, name: u8) -> Place {
    let parent = id(parent);
    Place {
        parent,
        tag: tag(parent, &name.to_string()),
    }
}

/// The version a device would expect: what it has seen, or one that never was.
fn expected(seen: bool, there: Option<VersionId>) -> VersionId {
    there.filter(|_| seen).unwrap_or(VersionId([0xee; 16]))
}

fn add(ann: &mut Person, draft: &mut Draft, action: &Action) {
    let record = ann.fold.node_record(id(action.node())).cloned();
    let there = record.as_ref().map(|record| record.place.version);
    match *action {
        Action::Create {
            node,
            parent,
            name,
            directory,
        } => {
            create(ann, draft, id(node), place(parent, name), directory);
        }
        Action::Move {
            node,
            parent,
            name,
            seen,
        } => {
            let (expected, version) = (expected(seen, there), ann.version());
            let write = PlaceWrite {
                expected,
                version,
                place: place(parent, name),
            };
            let update = Update {
                node: id(node),
                place: Some(write),
                attributes: None,
                body: None,
            };
            let sealed = SealedFields {
                name: Some(vec![name, 2]),
                ..Default::default()
            };
            draft.update(update, sealed);
        }
        Action::Edit {
            node,
            attributes,
            body,
            seen,
        } => {
            edit(ann, draft, node, attributes, body, seen);
        }
        Action::Delete { node, seen } => {
            let body = record
                .and_then(|record| record.body)
                .map(|body| body.field.version);
            draft.delete(Delete {
                node: id(node),
                place: expected(seen, there),
                body,
            });
        }
        Action::Restore { node, parent, name } => {
            let (expected, version) = (expected(true, there), ann.version());
            let place = place(parent, name);
            draft.restore(
                Restore {
                    node: id(node),
                    expected,
                    version,
                    place,
                },
                vec![name, 3],
            );
        }
    }
}

fn create(ann: &mut Person, draft: &mut Draft, node: NodeId, place: Place, directory: bool) {
    let kind = if directory {
        NodeKind::Directory
    } else {
        NodeKind::File
    };
    let body = (!directory).then(|| ann.body(vec![], false));
    let sealed = SealedNode {
        name: place.tag.0[..2].to_vec(),
        attributes: ann.version().0.to_vec(),
        body: body.as_ref().map(|body| body.version.0.to_vec()),
    };
    let (place_version, attributes_version) = (ann.version(), ann.version());
    let create = Create {
        node,
        kind,
        place,
        place_version,
        attributes_version,
        body,
    };
    draft.create(create, sealed);
}

fn edit(ann: &mut Person, draft: &mut Draft, node: u8, attributes: bool, body: bool, seen: bool) {
    let there = ann.fold.node_record(id(node)).cloned();
    let attributes_there = there.as_ref().map(|record| record.attributes.version);
    let body_there = there
        .and_then(|record| record.body)
        .map(|body| body.field.version);
    let new_attributes = attributes.then(|| AttributesWrite {
        expected: expected(seen, attributes_there),
        version: ann.version(),
    });
    let new_body = body.then(|| {
        let write: BodyWrite = ann.body(vec![], false);
        BodyUpdate {
            expected: expected(seen, body_there),
            write,
        }
    });
    let sealed = SealedFields {
        name: None,
        attributes: new_attributes.map(|write| write.version.0.to_vec()),
        body: new_body.as_ref().map(|body| body.write.version.0.to_vec()),
    };
    let update = Update {
        node: id(node),
        place: None,
        attributes: new_attributes,
        body: new_body,
    };
    draft.update(update, sealed);
}
