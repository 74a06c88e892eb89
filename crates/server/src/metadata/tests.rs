//! One exam for both databases: what [`Tx`] promises, and what every table group answers.

mod limits;

use std::sync::atomic::{AtomicU32, Ordering};

use hythe_model::{
    AccountId, ChainHash, ChunkId, Cursor, DeviceId, Head, HeaderHash, NameTag, NodeId,
    OperationId, SealHash,
};
use hythe_testkit::PostgresCluster;

use super::chunks::{ChunkKind, ChunkRow, InlineChunk, Location};
use super::devices::{DeviceRow, Visit};
use super::logs::{Entry, LogKind, NewLog};
use super::nodes::{NodeRow, NodeWrite, Sealed};
use super::tokens::{TokenKind, TokenRow};
use super::*;
use crate::notify::Notice;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = AtomicU32::new(0);
    runtime().block_on(contract(async || {
        let no = count.fetch_add(1, Ordering::SeqCst);
        Database::sqlite(&folder.path().join(format!("{no}.db")))
            .await
            .unwrap()
    }));
}

#[test]
fn postgres_keeps_the_contract() {
    let cluster = PostgresCluster::start().unwrap();
    let count = AtomicU32::new(0);
    runtime().block_on(contract(async || {
        let no = count.fetch_add(1, Ordering::SeqCst);
        Database::postgres(&cluster.database(&format!("d{no}")).unwrap())
            .await
            .unwrap()
    }));
}

async fn contract(open: impl AsyncFn() -> Database) {
    transactions_are_whole(&open().await).await;
    an_error_leaves_no_trace(&open().await).await;
    a_panic_costs_only_its_own_transaction(&open().await).await;
    concurrent_transactions_of_one_row_all_count(&open().await).await;
    notices_come_after_the_commit_only(&open().await).await;
    logs_and_entries(&open().await).await;
    nodes_and_names(&open().await).await;
    records_and_members(&open().await).await;
    chunks_and_packs(&open().await).await;
    accounts_and_tokens(&open().await).await;
    devices_and_visits(&open().await).await;
    operations_and_checkpoints(&open().await).await;
    leases_keep_their_beginning(&open().await).await;
    limits::limits_and_reservations(&open().await).await;
    values_keep_their_form(&open().await).await;
}

async fn write<T: Send + 'static>(
    database: &Database,
    function: impl FnMut(&mut dyn Tx) -> Result<T, DbError> + Send + 'static,
) -> T {
    database.write(function).await.unwrap()
}

fn new_log(id: &[u8; 32]) -> NewLog<'_> {
    NewLog {
        id,
        kind: LogKind::Space,
        open: true,
        owner: Some(AccountId([9; 32])),
        payer: Some(AccountId([9; 32])),
        now_ms: 5,
    }
}

async fn with_log(database: &Database) -> logs::LogNo {
    write(database, |tx| {
        assert!(logs::insert(tx, new_log(&[1; 32]))?);
        Ok(logs::lock(tx, &[1; 32])?.unwrap().no)
    })
    .await
}

async fn transactions_are_whole(database: &Database) {
    write(database, |tx| {
        assert!(logs::insert(tx, new_log(&[1; 32]))?);
        assert!(!logs::insert(tx, new_log(&[1; 32]))?, "the id is taken");
        assert!(
            logs::get(tx, &[1; 32])?.is_some(),
            "a transaction sees its own writes"
        );
        Ok(())
    })
    .await;
    let found = database
        .read(|tx| logs::get(tx, &[1; 32]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.open, found.owner), (true, Some(AccountId([9; 32]))));
    assert_eq!((found.head, found.kind), (Head::START, LogKind::Space));
}

async fn an_error_leaves_no_trace(database: &Database) {
    let failed: Result<(), DbError> = database
        .write(|tx| {
            logs::insert(tx, new_log(&[2; 32]))?;
            Err(DbError::Shape("a test"))
        })
        .await;
    assert!(matches!(failed, Err(DbError::Shape("a test"))));
    let failed: Result<(), DbError> = database
        .write(|tx| {
            logs::insert(tx, new_log(&[2; 32]))?;
            tx.exec("INSERT INTO logs (id) VALUES ($1)", &[V::Null])?;
            Ok(())
        })
        .await;
    assert!(matches!(failed, Err(DbError::Engine(_))), "{failed:?}");
    assert!(
        database
            .read(|tx| logs::get(tx, &[2; 32]))
            .await
            .unwrap()
            .is_none()
    );
}

async fn a_panic_costs_only_its_own_transaction(database: &Database) {
    let panicked: Result<(), DbError> = database
        .write(|tx| {
            logs::insert(tx, new_log(&[3; 32]))?;
            std::panic::panic_any("expected by a test");
        })
        .await;
    assert!(matches!(panicked, Err(DbError::Closed)));
    assert!(
        database
            .read(|tx| logs::get(tx, &[3; 32]))
            .await
            .unwrap()
            .is_none()
    );
    with_log(database).await;
}

async fn concurrent_transactions_of_one_row_all_count(database: &Database) {
    let no = with_log(database).await;
    let tasks = (0..20).map(|_| {
        let database = database.clone();
        tokio::spawn(async move {
            let count = |tx: &mut dyn Tx| {
                let log = logs::lock(tx, &[1; 32])?.ok_or(DbError::Shape("a log"))?;
                // Read, then write: lost updates would show.
                let head = Head {
                    cursor: log.head.cursor.next(),
                    chain: log.head.chain,
                };
                logs::set_head(tx, log.no, head, &[], &[])
            };
            database.write(count).await
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    let log = database
        .read(|tx| logs::get(tx, &[1; 32]))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((log.no, log.head.cursor), (no, Cursor(20)));
    assert_eq!(database.read(logs::revision).await.unwrap(), 20);
}

async fn notices_come_after_the_commit_only(database: &Database) {
    let mut heard = database.subscribe();
    let account = AccountId([4; 32]);
    let failed: Result<(), DbError> = database
        .write(move |tx| {
            tx.notify(Notice::Spaces {
                account: AccountId([5; 32]),
            });
            Err(DbError::Shape("a test"))
        })
        .await;
    assert!(failed.is_err());
    write(database, move |tx| {
        tx.notify(Notice::Spaces { account });
        Ok(())
    })
    .await;
    loop {
        match heard.recv().await.unwrap() {
            // PostgreSQL's listener says so when it has connected.
            Notice::Lost => {}
            notice => {
                assert_eq!(notice, Notice::Spaces { account });
                break;
            }
        }
    }
}

fn entry(at: u64) -> Entry {
    Entry {
        head: Head {
            cursor: Cursor(at),
            chain: ChainHash([at as u8; 32]),
        },
        header: HeaderHash([at as u8 + 100; 32]),
        digest: [7; 32],
        author: DeviceId([8; 32]),
        received_ms: -5,
        length: 3,
    }
}

async fn logs_and_entries(database: &Database) {
    let no = with_log(database).await;
    write(database, move |tx| {
        for at in 1..=5 {
            logs::append(tx, no, &entry(at), &[at as u8; 3])?;
        }
        logs::set_head(tx, no, entry(5).head, b"digest", b"state")?;
        logs::add_stored(tx, no, 10)?;
        logs::add_stored(tx, no, -3)
    })
    .await;
    let twice = database
        .write(move |tx| logs::append(tx, no, &entry(5), b"x"))
        .await;
    assert!(twice.is_err(), "a position is written once");
    database
        .read(move |tx| {
            let log = logs::get(tx, &[1; 32])?.unwrap();
            assert_eq!((log.head, log.stored_bytes), (entry(5).head, 7));
            assert_eq!(
                (&log.digest[..], &log.state[..]),
                (&b"digest"[..], &b"state"[..])
            );
            assert_eq!(logs::head(tx, &[1; 32])?, Some(entry(5).head));
            assert_eq!(logs::entry(tx, no, Cursor(3))?, Some(entry(3)));
            assert_eq!(logs::entry(tx, no, Cursor(u64::MAX))?, None);
            let after = logs::entries_after(tx, no, Cursor(2), 2)?;
            assert_eq!(after, vec![entry(3), entry(4)]);
            let sets = logs::change_sets(tx, no, Cursor(2), Cursor(4))?;
            assert_eq!(sets, vec![vec![3; 3], vec![4; 3]]);
            assert_eq!(logs::position_of(tx, no, entry(4).header)?, Some(Cursor(4)));
            assert_eq!(logs::ids(tx, LogKind::Space)?, vec![[1; 32]]);
            assert!(logs::ids(tx, LogKind::Account)?.is_empty());
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
}

fn node(id: u8, parent: u8, tag: u8) -> NodeRow {
    NodeRow {
        node: NodeId([id; 16]),
        parent: NodeId([parent; 16]),
        tag: NameTag([tag; 32]),
        deleted: None,
        created: Cursor(1),
        record: vec![id; 9],
        sealed: Sealed {
            name: Some(vec![1]),
            attributes: Some(vec![2]),
            body: None,
        },
    }
}

fn moved<'a>(id: u8, parent: u8, tag: u8) -> NodeWrite<'a> {
    NodeWrite {
        node: NodeId([id; 16]),
        parent: NodeId([parent; 16]),
        tag: NameTag([tag; 32]),
        deleted: None,
        record: vec![id],
        name: Some(b"moved"),
        attributes: None,
        body: None,
    }
}

async fn nodes_and_names(database: &Database) {
    let no = with_log(database).await;
    write(database, move |tx| {
        nodes::insert(
            tx,
            no,
            &[node(1, 0, 1), node(2, 0, 2), node(3, 1, 1), node(4, 1, 2)],
        )
    })
    .await;
    let taken = database
        .write(move |tx| nodes::insert(tx, no, &[node(9, 0, 1)]))
        .await;
    assert!(taken.is_err(), "T1: sibling names are unique");
    let taken = database
        .write(move |tx| nodes::update(tx, no, &[moved(4, 1, 1)]))
        .await;
    assert!(taken.is_err(), "T1: also after a move");

    // SC-019: two nodes swap their names in one change set; a third takes a deleted one's.
    write(database, move |tx| {
        let gone = NodeWrite {
            deleted: Some(Cursor(7)),
            name: None,
            ..moved(3, 1, 1)
        };
        let writes = [moved(1, 0, 2), moved(2, 0, 1), moved(4, 1, 1), gone];
        nodes::update(tx, no, &writes)?;
        nodes::add_versions(tx, no, Cursor(7), &writes.map(|write| write.node))
    })
    .await;
    database
        .read(move |tx| {
            let places = [(0, 1), (0, 2), (1, 1), (1, 2)];
            let places = places.map(|(p, t)| (NodeId([p; 16]), NameTag([t; 32])));
            let found = nodes::children(tx, no, &places)?;
            let expected = [Some(2), Some(1), Some(4), None];
            assert_eq!(found, expected.map(|id| id.map(|id| NodeId([id; 16]))));
            let parents = [0, 1, 5].map(|id| NodeId([id; 16]));
            assert_eq!(nodes::live_children(tx, no, &parents)?, vec![2, 1, 0]);
            let records = nodes::records(tx, no, &[NodeId([4; 16]), NodeId([5; 16])])?;
            assert_eq!(records, vec![Some(vec![4]), None]);
            assert_eq!(nodes::count(tx, no)?, (3, 1));
            let page = nodes::page(tx, no, Some(NodeId([1; 16])), 2)?;
            assert_eq!(
                page.iter().map(|row| row.node.0[0]).collect::<Vec<_>>(),
                [2, 3]
            );
            assert_eq!(page[0].sealed.name.as_deref(), Some(&b"moved"[..]));
            assert_eq!(
                page[0].sealed.attributes,
                Some(vec![2]),
                "what was not written stays"
            );
            let trash = nodes::deleted_after(tx, no, None, 10)?;
            assert_eq!(trash.len(), 1);
            let place = (Cursor(7), NodeId([3; 16]));
            assert_eq!((trash[0].deleted, trash[0].node), (Some(place.0), place.1));
            assert!(nodes::deleted_after(tx, no, Some(place), 10)?.is_empty());
            let before = Some((Cursor(7), NodeId([2; 16])));
            assert_eq!(nodes::deleted_after(tx, no, before, 10)?.len(), 1);
            let earlier = Some((Cursor(6), NodeId::ROOT));
            assert!(nodes::deleted_after(tx, no, earlier, 10)?.is_empty());
            let written = nodes::versions_before(tx, no, NodeId([4; 16]), Cursor(u64::MAX), 10)?;
            assert_eq!(written, [Cursor(7), Cursor(1)]);
            let written = nodes::versions_before(tx, no, NodeId([4; 16]), Cursor(7), 10)?;
            assert_eq!(written, [Cursor(1)]);
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
}

async fn records_and_members(database: &Database) {
    use super::records::RecordKind::{Epoch, Member};
    let no = with_log(database).await;
    let (ann, bob) = (AccountId([1; 32]), AccountId([2; 32]));
    write(database, move |tx| {
        records::put(tx, no, Epoch, &2u32.to_be_bytes(), b"second")?;
        records::put(tx, no, Epoch, &1u32.to_be_bytes(), b"first")?;
        records::put(tx, no, Member, ann.as_bytes(), b"old")?;
        records::put(tx, no, Member, ann.as_bytes(), b"new")?;
        records::set_member(tx, no, ann, Some(2), 5)?;
        records::set_member(tx, no, ann, Some(0), 6)?;
        records::set_member(tx, no, ann, Some(0), 7)?;
        records::set_member(tx, no, bob, Some(1), 5)
    })
    .await;
    database
        .read(move |tx| {
            assert_eq!(
                records::all(tx, no, Epoch)?,
                [b"first".to_vec(), b"second".to_vec()]
            );
            assert_eq!(
                records::get(tx, no, Member, ann.as_bytes())?,
                Some(b"new".to_vec())
            );
            assert_eq!(records::get(tx, no, Member, bob.as_bytes())?, None);
            assert_eq!(records::role(tx, no, ann)?, Some(0));
            assert_eq!(records::role_since(tx, no, ann)?, Some(6));
            assert_eq!(records::spaces_of(tx, bob)?, [([1; 32], 1)]);
            assert_eq!(records::fellow_members(tx, ann)?.len(), 2);
            Ok::<_, DbError>(())
        })
        .await
        .unwrap();
    write(database, move |tx| {
        records::set_member(tx, no, bob, None, 6)
    })
    .await;
    let left = database
        .read(move |tx| records::fellow_members(tx, ann))
        .await
        .unwrap();
    assert_eq!(left, [ann]);
}

fn chunk(id: u8, seal: u8, location: Location) -> ChunkRow {
    ChunkRow {
        id: ChunkId([id; 32]),
        seal: SealHash([seal; 32]),
        length: 40,
        location,
        kind: ChunkKind::Layout,
        bad: false,
    }
}

async fn chunks_and_packs(database: &Database) {
    let no = with_log(database).await;
    let (pack, small) = write(database, move |tx| {
        let pack = packs::register(tx, &[5; 32], 100, 1)?;
        assert_eq!(
            packs::register(tx, &[5; 32], 100, 2)?,
            pack,
            "a pack is registered once"
        );
        let inline = [InlineChunk {
            id: ChunkId([2; 32]),
            sealed: b"small",
        }];
        let small = chunks::insert_inline(tx, no, &inline)?[0];
        let big = Location::Pack { pack, offset: 9 };
        chunks::insert(
            tx,
            no,
            &[chunk(1, 1, big), chunk(1, 2, big), chunk(2, 1, small)],
        )?;
        chunks::put_refs(
            tx,
            no,
            ChunkId([1; 32]),
            &[ChunkId([2; 32]), ChunkId([3; 32])],
        )?;
        Ok((pack, small))
    })
    .await;
    let big = Location::Pack { pack, offset: 9 };
    write(database, move |tx| {
        let found = chunks::find(tx, no, &[1, 2, 3].map(|id| ChunkId([id; 32])))?;
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 0]);
        let forms = [(1, 2), (1, 3)].map(|(id, seal)| (ChunkId([id; 32]), SealHash([seal; 32])));
        assert_eq!(
            chunks::find_forms(tx, no, &forms)?,
            [Some(chunk(1, 2, big)), None]
        );
        let refs = chunks::refs(tx, no, ChunkId([1; 32]))?.unwrap();
        assert_eq!(refs, [ChunkId([2; 32]), ChunkId([3; 32])]);
        assert_eq!(chunks::refs(tx, no, ChunkId([7; 32]))?, None);
        chunks::set_complete(tx, no, ChunkId([1; 32]))?;
        assert_eq!(chunks::count_waiting(tx)?, (1, 5));
        assert_eq!(packs::names(tx, &[pack, pack + 1])?, [Some([5; 32]), None]);
        assert_eq!(packs::count(tx)?, (1, 100));

        assert!(
            !chunks::mark_bad(tx, no, ChunkId([2; 32]), big)?,
            "another place"
        );
        assert!(chunks::mark_bad(tx, no, ChunkId([2; 32]), small)?);
        assert_eq!(chunks::count_bad(tx)?, 1);
        chunks::replace(tx, no, &[chunk(2, 1, small)])?;
        assert_eq!(chunks::count_bad(tx)?, 0);

        let waiting = chunks::waiting(tx, 10)?;
        assert_eq!((waiting.len(), &waiting[0].sealed[..]), (1, &b"small"[..]));
        chunks::move_into_pack(tx, &waiting, pack, &[50])?;
        assert!(chunks::waiting(tx, 10)?.is_empty());
        assert_eq!(chunks::read_inline(tx, &[waiting[0].no])?, [None]);
        let page = chunks::page(tx, no, Some((ChunkId([1; 32]), SealHash([1; 32]))), 10)?;
        assert_eq!(page.len(), 2);
        assert_eq!(page[0].kind, ChunkKind::CompleteLayout);
        assert_eq!(page[1].location, Location::Pack { pack, offset: 50 });
        assert_eq!(chunks::page(tx, no, None, 10)?.len(), 3);
        Ok(())
    })
    .await;
}

async fn accounts_and_tokens(database: &Database) {
    let ann = accounts::AccountRow {
        account: AccountId([1; 32]),
        login: "ann".into(),
        admin: true,
        created_ms: 5,
    };
    let token = TokenRow {
        kind: TokenKind::Device,
        account: Some(ann.account),
        admin: false,
        expires_ms: 9,
        used_by: None,
    };
    let device = DeviceId([2; 32]);
    write(database, move |tx| {
        assert!(accounts::insert(tx, &ann)?);
        let other = accounts::AccountRow {
            account: AccountId([8; 32]),
            ..ann.clone()
        };
        assert!(!accounts::insert(tx, &other)?, "a login name is taken once");
        assert_eq!(accounts::all(tx)?, std::slice::from_ref(&ann));

        assert!(tokens::insert(tx, &[6; 32], &token, 1)?);
        assert!(!tokens::insert(tx, &[6; 32], &token, 1)?);
        assert_eq!(tokens::lock(tx, &[6; 32])?, Some(token));
        tokens::spend(tx, &[6; 32], device)?;
        let spent = tokens::get(tx, &[6; 32])?.unwrap();
        assert_eq!(spent.used_by, Some(device));
        assert_eq!(tokens::get(tx, &[7; 32])?, None);
        Ok(())
    })
    .await;
}

async fn devices_and_visits(database: &Database) {
    let row = DeviceRow {
        device: DeviceId([2; 32]),
        account: AccountId([1; 32]),
        name: "laptop".into(),
        platform: "linux".into(),
        version: "0".into(),
        folders: "[]".into(),
        address: None,
        port: None,
        last_seen_ms: None,
        created_ms: 6,
        removed_ms: None,
    };
    let seen = Visit {
        device: row.device,
        address: Some("::1".into()),
        port: Some(65535),
        seen_ms: 77,
    };
    write(database, move |tx| {
        assert!(devices::insert(tx, &row, &[3; 32])?);
        let other = DeviceRow {
            device: DeviceId([4; 32]),
            ..row.clone()
        };
        assert!(
            !devices::insert(tx, &other, &[3; 32])?,
            "a token is one device's"
        );
        assert_eq!(devices::by_token(tx, &[3; 32])?, Some(row.clone()));
        assert_eq!(devices::by_token(tx, &[4; 32])?, None);
        devices::describe(tx, row.device, Some("desk"), None)?;
        devices::seen(tx, std::slice::from_ref(&seen))?;
        assert!(devices::remove(tx, row.account, row.device, 80)?);
        assert!(!devices::remove(tx, row.account, row.device, 81)?, "once");
        let found = devices::of_account(tx, row.account)?.pop().unwrap();
        assert_eq!((&*found.name, &*found.folders), ("desk", "[]"));
        assert_eq!(
            (found.address, found.port),
            (seen.address.clone(), seen.port)
        );
        assert_eq!((found.last_seen_ms, found.removed_ms), (Some(77), Some(80)));
        assert_eq!(devices::get(tx, DeviceId([9; 32]))?, None);
        Ok(())
    })
    .await;
}

async fn operations_and_checkpoints(database: &Database) {
    let no = with_log(database).await;
    let (device, operation) = (DeviceId([1; 32]), OperationId([2; 16]));
    write(database, move |tx| {
        assert_eq!(operations::find(tx, device, operation)?, None);
        operations::insert(tx, device, operation, no, Cursor(4))?;
        assert_eq!(
            operations::find(tx, device, operation)?,
            Some((no, Cursor(4)))
        );
        checkpoints::put(tx, no, Cursor(1000), device, b"one")?;
        checkpoints::put(tx, no, Cursor(1000), device, b"one again")?;
        checkpoints::put(tx, no, Cursor(2000), device, b"two")?;
        assert_eq!(checkpoints::latest(tx, no, Cursor(999))?, None);
        assert_eq!(
            checkpoints::latest(tx, no, Cursor(1999))?,
            Some(b"one again".to_vec())
        );
        assert_eq!(
            checkpoints::latest(tx, no, Cursor(u64::MAX))?,
            Some(b"two".to_vec())
        );
        Ok(())
    })
    .await;
    let twice = database
        .write(move |tx| operations::insert(tx, device, operation, no, Cursor(5)))
        .await;
    assert!(twice.is_err(), "C6: an operation leads to one position");
}

async fn leases_keep_their_beginning(database: &Database) {
    let no = with_log(database).await;
    let device = DeviceId([1; 32]);
    let begun = "SELECT begun_ms, expires_ms FROM leases WHERE log = $1";
    write(database, move |tx| {
        let mut lease = |now, until| -> Result<(i64, i64), DbError> {
            chunks::lease(tx, no, device, now, until)?;
            let row = tx.query_one(begun, &[no.into()])?.unwrap();
            Ok((row.int(0)?, row.int(1)?))
        };
        assert_eq!(lease(10, 20)?, (10, 20));
        assert_eq!(lease(15, 25)?, (10, 25), "a live lease keeps its beginning");
        assert_eq!(lease(30, 40)?, (30, 40), "an expired one begins anew");
        Ok(())
    })
    .await;
}

async fn values_keep_their_form(database: &Database) {
    write(database, |tx| {
        tx.batch("CREATE TABLE any_value (i BIGINT, t TEXT)")?;
        let long = "ü".repeat(5000);
        let insert = "INSERT INTO any_value (i, t) VALUES ($1, $2)";
        let rows = [
            vec![V::Int(i64::MIN), V::from("")],
            vec![V::from(u64::MAX), V::from(long.as_str())],
            vec![V::Null, V::Null],
        ];
        assert_eq!(tx.many(insert, &rows)?, 3);
        let select = "SELECT i, t FROM any_value ORDER BY i IS NULL, i";
        let rows = tx.query(select, &[])?;
        assert_eq!((rows[0].int(0)?, rows[0].text(1)?), (i64::MIN, ""));
        assert_eq!(
            (rows[1].int(0)?, rows[1].text(1)?),
            (i64::MAX, long.as_str())
        );
        assert_eq!(
            (rows[2].int_or_null(0)?, rows[2].text_or_null(1)?),
            (None, None)
        );
        assert!(rows[2].int(0).is_err() && rows[0].bytes(0).is_err() && rows[0].int(5).is_err());
        assert!(rows[0].count(0).is_err(), "negative");
        Ok(())
    })
    .await;
}

#[test]
fn sc092_tables_of_a_newer_version_are_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hythe.db");
    runtime().block_on(async {
        let database = Database::sqlite(&path).await.unwrap();
        write(&database, |tx| {
            tx.batch("UPDATE schema_version SET version = 999")
        })
        .await;
        drop(database);
        match Database::sqlite(&path).await.err() {
            Some(DbError::TooNew { found: 999, known }) => assert!(known < 999),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn s11_commits_wait_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hythe.db");
    runtime().block_on(async {
        let database = Database::sqlite(&path).await.unwrap();
        write(&database, |tx| {
            let full = tx.query_one("PRAGMA synchronous", &[])?.unwrap().int(0)?;
            let mode = tx.query_one("PRAGMA journal_mode", &[])?.unwrap();
            assert_eq!((full, mode.text(0)?), (2, "wal"));
            Ok(())
        })
        .await;
    });
    use std::os::unix::fs::PermissionsExt;
    for name in ["hythe.db", "hythe.db-wal"] {
        let Ok(file) = std::fs::metadata(folder.path().join(name)) else {
            continue;
        };
        assert_eq!(
            file.permissions().mode() & 0o077,
            0,
            "{name} is its owner's only"
        );
    }
}

#[test]
fn an_acknowledged_transaction_is_there_after_the_process_vanished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hythe.db");
    runtime().block_on(async {
        let database = Database::sqlite(&path).await.unwrap();
        with_log(&database).await;
        // As after kill -9: nobody closes, and the write-ahead log is all there is.
        for file in ["hythe.db", "hythe.db-wal"] {
            let copy = folder.path().join(format!("copy-{file}"));
            std::fs::copy(folder.path().join(file), copy).unwrap();
        }
        let copy = Database::sqlite(&folder.path().join("copy-hythe.db"))
            .await
            .unwrap();
        assert!(
            copy.read(|tx| logs::get(tx, &[1; 32]))
                .await
                .unwrap()
                .is_some()
        );
    });
}
