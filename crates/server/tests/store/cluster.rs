//! PostgreSQL keeps what is acknowledged, or is not worked with; and when a standby takes its
//! place that lacks the last transactions, that is noticed (S11, SC-086, SC-132).

use std::time::{Duration, Instant};

use hythe_model::{Head, NodeId};
use hythe_server::files::{Attached, Files, FilesError, OpenError, ReadChunk, StoreOptions, Unfit};
use hythe_space::{ChangeSet, Draft, Operation};
use hythe_testkit::PostgresCluster;

use crate::engine::runtime;
use crate::person::{Person, attached};
use crate::replicas::replica_of;
use crate::world::World;

/// What a cluster may take to do what it was asked for, before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn s11_a_cluster_that_does_not_sync_is_refused_with_a_next_step() {
    for (setting, expected) in [
        ("fsync=off", Unfit::NoFsync),
        ("full_page_writes=off", Unfit::HalfPages),
    ] {
        let cluster = PostgresCluster::start_with(&[setting]).unwrap();
        let database = cluster.database("careless").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            data: folder.path().join("data"),
            database: Some(database),
            key_file: None,
            witness: None,
        };
        let refused = runtime().block_on(Files::open(options)).err();
        let Some(OpenError::Unfit(unfit)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(unfit, expected);
        assert!(unfit.to_string().contains(setting), "{unfit}");
        assert!(
            !folder.path().join("data/keys").exists(),
            "nothing was made"
        );
    }
}

/// A server over two clusters, of which the second follows the first.
struct Pair {
    primary: PostgresCluster,
    standby: PostgresCluster,
    world: World,
    ann: Person,
}

impl Pair {
    /// With a directory that both clusters have, and a file that only the first one has.
    async fn with_a_lost_tail() -> (Self, Lost) {
        let primary = PostgresCluster::start().unwrap();
        primary.database("hythe").unwrap();
        let standby = primary.standby().unwrap();
        let world = World::open(Some(primary.url_with(&standby, "hythe"))).await;
        let ann = Person::register(&world, "ann").await;
        // Others start on the database as well: the count of starts alone tells nothing.
        replica_of(&world).await.close().await;
        let mut pair = Self {
            primary,
            standby,
            world,
            ann,
        };
        let mut draft = Draft::new();
        pair.ann.directory(&mut draft, NodeId::ROOT, "on both");
        pair.ann.commit(&pair.world, draft, vec![]).await.unwrap();
        pair.part();
        let common = pair.ann.fold.clone();
        let chunk = attached(&pair.ann.chunk(b"acknowledged, and lost by the database"));
        pair.file(&chunk).await;
        let lost = Lost {
            epoch: pair.world.files.epoch().to_string(),
            abandoned: pair.ann.fold.head(),
            common,
            chunk,
        };
        (pair, lost)
    }

    async fn file(&mut self, chunk: &Attached) {
        let mut draft = Draft::new();
        self.ann
            .file(&mut draft, NodeId::ROOT, "in the tail", vec![chunk.id]);
        let sent = vec![chunk.clone()];
        self.ann.commit(&self.world, draft, sent).await.unwrap();
    }

    /// Lets the standby catch up, and then follow no more.
    fn part(&self) {
        let end = self
            .primary
            .sql("SELECT pg_current_wal_flush_lsn()")
            .unwrap();
        let caught_up = format!("SELECT pg_last_wal_replay_lsn() >= '{end}'");
        self.until(&caught_up);
        self.standby
            .sql("ALTER SYSTEM SET primary_conninfo = ''")
            .unwrap();
        self.standby.sql("SELECT pg_reload_conf()").unwrap();
        self.until("SELECT count(*) = 0 FROM pg_stat_wal_receiver");
    }

    /// Asks the standby until it says yes.
    fn until(&self, question: &str) {
        let begin = Instant::now();
        while self.standby.sql(question).unwrap() != "t" {
            assert!(begin.elapsed() < PATIENCE, "never: {question}");
        }
    }

    /// The primary is gone, the standby takes its place.
    fn fail_over(self) -> (World, Person, PostgresCluster) {
        drop(self.primary);
        assert_eq!(self.standby.sql("SELECT pg_promote()").unwrap(), "t");
        (self.world, self.ann, self.standby)
    }
}

/// What was acknowledged and is not on the standby.
struct Lost {
    epoch: String,
    abandoned: Head,
    common: hythe_space::MapView,
    chunk: Attached,
}

/// The server knows that it is another life, says so, and takes again what was lost.
async fn is_a_new_life(world: World, mut ann: Person, lost: Lost) {
    let epoch = world.files.epoch();
    assert_ne!(epoch.to_string(), lost.epoch);
    ann.principal = world.files.authenticate(&ann.token, None).await.unwrap();
    let asked = world
        .files
        .standing(&ann.principal, ann.space, lost.abandoned);
    let standing = asked.await.unwrap();
    assert!(!standing.agrees && standing.epoch == epoch);

    let mut draft = Draft::new();
    ann.directory(&mut draft, NodeId::ROOT, "over the lost tail");
    let late = ann.sign(draft);
    let refused = ann.send(&world, &late, vec![]).await;
    let Err(FilesError::Diverged { head, .. }) = refused else {
        panic!("{refused:?}")
    };
    ann.fold = lost.common;
    assert_eq!(head.cursor.0, ann.fold.head().cursor.0 + 1);

    let at = ann.fold.head();
    ann.pull(&world).await;
    let page = world
        .files
        .changes(&ann.principal, ann.space, at.cursor, 10, 1 << 20);
    let told = ChangeSet::decode(&page.await.unwrap().entries[0].change_set).unwrap();
    let [Operation::Restored(restored)] = told.operations() else {
        panic!("{told:?}")
    };
    assert_eq!((restored.at, restored.epoch), (at, epoch));

    let mut draft = Draft::new();
    ann.file(&mut draft, NodeId::ROOT, "again", vec![lost.chunk.id]);
    let sent = vec![lost.chunk.clone()];
    ann.commit(&world, draft, sent).await.unwrap();
    let name = hythe_wire::chunk::ObjectName {
        id: lost.chunk.id,
        seal: lost.chunk.seal,
    };
    let read = world
        .files
        .read_chunks(ann.principal.clone(), ann.space, vec![name]);
    let read: Vec<_> = futures::StreamExt::collect(read.await.unwrap()).await;
    let bytes = lost.chunk.sealed;
    assert_eq!(
        read.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
        [ReadChunk::Sealed { index: 0, bytes }]
    );
    assert!(world.files.check().await.unwrap().is_clean());
    world.files.close().await;
}

#[test]
fn sc086_sc132_d4_a_server_started_on_a_standby_without_the_tail_begins_a_new_life() {
    runtime().block_on(async {
        let (pair, lost) = Pair::with_a_lost_tail().await;
        pair.world.files.close().await;
        let (mut world, ann, standby) = pair.fail_over();
        world.options.database = Some(standby.url("hythe"));
        world.files = Files::open(world.options.clone()).await.unwrap();
        is_a_new_life(world, ann, lost).await;
    });
}

#[test]
fn sc086_sc132_d4_a_running_server_answers_nothing_on_another_cluster_until_it_is_restarted() {
    runtime().block_on(async {
        let (pair, lost) = Pair::with_a_lost_tail().await;
        let (mut world, mut ann, _standby) = pair.fail_over();
        let mut draft = Draft::new();
        ann.directory(&mut draft, NodeId::ROOT, "over the lost tail");
        let late = ann.sign(draft);
        let (begin, failed_over) = (Instant::now(), world.files.failed_over());
        while !failed_over.is_cancelled() {
            let answer = ann.send(&world, &late, vec![]).await;
            assert!(answer.is_err(), "{answer:?}");
            assert!(begin.elapsed() < PATIENCE, "it was never noticed");
        }
        let answer = ann.send(&world, &late, vec![]).await;
        assert!(matches!(answer, Err(FilesError::Storage(_))), "{answer:?}");
        assert!(world.files.ready().await.is_err());
        world.restart().await;
        is_a_new_life(world, ann, lost).await;
    });
}

#[test]
fn a_standby_is_refused_with_a_next_step() {
    let primary = PostgresCluster::start().unwrap();
    primary.database("hythe").unwrap();
    let standby = primary.standby().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        data: folder.path().join("data"),
        database: Some(standby.url("hythe")),
        key_file: None,
        witness: None,
    };
    let refused = runtime().block_on(Files::open(options)).err();
    assert!(
        matches!(refused, Some(OpenError::Unfit(Unfit::Standby))),
        "{refused:?}"
    );
}
