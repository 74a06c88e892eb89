//! Limits, what counts against them, and what uploads reserve.

use hythe_model::UploadId;

use super::*;

pub async fn limits_and_reservations(database: &Database) {
    let no = with_log(database).await;
    let payer = AccountId([9; 32]);
    let ann = accounts::AccountRow {
        account: payer,
        login: "ann".into(),
        admin: false,
        created_ms: 5,
    };
    let upload = |device| quotas::Upload {
        device: DeviceId([device; 32]),
        id: UploadId([7; 16]),
    };
    let (first, second) = (upload(1), upload(2));
    write(database, move |tx| {
        accounts::insert(tx, &ann)?;
        let none = quotas::limits(tx, no)?;
        assert_eq!(
            (none.payer, none.space, none.account),
            (Some(payer), None, None)
        );
        assert!(quotas::set_account(tx, payer, Some(100))?);
        assert!(quotas::set_space(tx, &[1; 32], Some(50))?);
        assert!(!quotas::set_space(tx, &[2; 32], Some(50))?);
        assert!(!quotas::set_account(tx, AccountId([8; 32]), None)?);
        let both = quotas::limits(tx, no)?;
        assert_eq!((both.space, both.account), (Some(50), Some(100)));
        assert_eq!(quotas::lock_account(tx, payer)?, Some(100));
        logs::add_stored(tx, no, 40)?;
        assert_eq!(quotas::stored_by(tx, payer)?, 40);

        quotas::reserve(tx, no, first, 5, 10, 20)?;
        quotas::reserve(tx, no, second, 6, 10, 30)?;
        assert_eq!(quotas::reserved_by(tx, payer, 10)?, 11);
        assert_eq!(quotas::reserved_for(tx, no, first, 10)?, 5);
        // Its time ends a reservation, whether its row is there still or not.
        assert_eq!(quotas::reserved_in(tx, no, 20)?, 6);
        assert_eq!(quotas::reserved_for(tx, no, first, 20)?, 0);
        assert_eq!(quotas::reserved_by(tx, payer, 30)?, 0);
        quotas::reserve(tx, no, second, 1, 25, 40)?;
        assert_eq!(
            (quotas::count(tx, no, 25)?, quotas::reserved_in(tx, no, 0)?),
            (1, 1)
        );
        quotas::release(tx, no, second)?;
        assert_eq!(quotas::reserved_in(tx, no, 0)?, 0);

        quotas::recount(tx, no)?;
        assert_eq!(quotas::stored_in(tx, no)?, 0, "there are no chunks");
        settings::set(tx, "a", Some("1"))?;
        settings::set(tx, "a", Some("2"))?;
        assert_eq!(settings::get(tx, "a")?.as_deref(), Some("2"));
        settings::set(tx, "a", None)?;
        assert_eq!(settings::get(tx, "a")?, None);
        Ok(())
    })
    .await;
}

#[test]
fn spaces_of_the_first_tables_count_for_who_made_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hythe.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    let first = include_str!("../migrations/001_tables.sql");
    old.execute_batch(first).unwrap();
    // A personal space, one that a device of account 3 made, and the log of an account.
    old.execute_batch(
        "CREATE TABLE schema_version (version BIGINT NOT NULL);
         INSERT INTO schema_version VALUES (1);
         INSERT INTO devices (device, account, token_hash, name, platform, version, folders,
           created_ms) VALUES (x'04', x'03', x'05', '', '', '', '[]', 1);
         INSERT INTO logs VALUES (1, x'01', 0, 1, x'02', 1, x'', x'', 9, x'', 1),
           (2, x'11', 0, 1, NULL, 1, x'', x'', 8, x'', 1),
           (3, x'21', 1, 0, NULL, 1, x'', x'', 0, x'', 1);
         INSERT INTO entries VALUES (2, 1, x'', x'', x'', x'04', 1, 0, x'');",
    )
    .unwrap();
    drop(old);
    runtime().block_on(async {
        Database::sqlite(&path).await.unwrap().close();
    });
    let new = rusqlite::Connection::open(&path).unwrap();
    let payer = |no: i64| -> Option<Vec<u8>> {
        let sql = "SELECT payer FROM logs WHERE no = ?1";
        new.query_row(sql, [no], |row| row.get(0)).unwrap()
    };
    let payers = [payer(1), payer(2), payer(3)];
    assert_eq!(payers, [Some(vec![2]), Some(vec![3]), None]);
}
