//! Running the same cases on both databases.

use hythe_testkit::PostgresCluster;

use crate::contract;
use crate::fold_property;
use crate::world::World;

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// Runs a case on SQLite.
pub fn on_sqlite(case: impl AsyncFnOnce(World)) {
    runtime().block_on(async {
        let world = World::open(None).await;
        case(world).await;
    });
}

/// One cluster for all cases: making one takes longer than any of them.
#[test]
fn postgres_keeps_the_contract() {
    let cluster = PostgresCluster::start().unwrap();
    let mut count = 0;
    let mut database = || {
        count += 1;
        Some(cluster.database(&format!("d{count}")).unwrap())
    };
    runtime().block_on(async {
        macro_rules! run {
            ($($case:ident),* $(,)?) => {$(
                println!("case {}", stringify!($case));
                contract::$case(World::open(database()).await).await;
            )*};
        }
        contract::for_all_cases!(run);
    });
    let url = || cluster.database(&format!("p{}", rand_name())).unwrap();
    fold_property::run(4, || Some(url()));
}

/// A name that no database of this cluster has.
fn rand_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::SeqCst).to_string()
}
