//! Running the same cases on both databases.

use std::pin::Pin;

use hythe_testkit::PostgresCluster;

use crate::contract;
use crate::fold_property;
use crate::replicas;
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

/// A case, made in a frame of its own: all of them in one are more than a thread's stack.
fn on_heap<F: Future<Output = ()> + 'static>(
    case: impl FnOnce(World) -> F + 'static,
    database: Option<String>,
) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move { case(World::open(database).await).await })
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
                let begun = std::time::Instant::now();
                on_heap(contract::$case, database()).await;
                println!("{} {:?}", stringify!($case), begun.elapsed());
            )*};
        }
        contract::for_all_cases!(run);
        replicas::replicas_hear_of_each_other(World::open(database()).await).await;
    });
    fold_property::run(4, database);
}
