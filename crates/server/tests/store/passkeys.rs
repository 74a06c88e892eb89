//! How long a question to a passkey holds.

use crate::contract::{Holder, answer};
use crate::world::World;
use hythe_server::files::{Denied, FilesError, LoginDenied};
use rusqlite::Connection;

#[tokio::test]
async fn r20_what_a_passkey_is_asked_ends() {
    let world = World::open(None).await;
    let ann = Holder::register(&world, "ann").await;
    let mut key = ann.add(&world, "key").await;
    let (request, options) = ann.asked(&world).await;
    let late = key.answer(&options, "https://hythe.test");
    let database = Connection::open(world.options.data.join("hythe.db")).unwrap();
    let sql = "UPDATE passkey_challenges SET expires_ms = expires_ms - 5 * 60 * 1000";
    assert_eq!(database.execute(sql, []).unwrap(), 1);
    let refused = answer(&world, &request, late).await;
    assert!(matches!(
        refused,
        Err(FilesError::Denied(Denied::Login(LoginDenied::Wrong)))
    ));
}
