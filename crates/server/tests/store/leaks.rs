//! What the server keeps is what `docs/leaks.md` says.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;

use crate::world::World;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/leaks.md");

/// The columns of each table.
type Tables = BTreeMap<String, BTreeSet<String>>;

/// What the page lists, of its columns two to four.
fn listed() -> Tables {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut tables = Tables::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, table, clear, keyed, sealed, _tells, _] = cells[..] else {
            continue;
        };
        let Some(table) = table.strip_prefix('`').and_then(|t| t.strip_suffix('`')) else {
            continue;
        };
        let names = [clear, keyed, sealed]
            .into_iter()
            .flat_map(|c| c.split(','));
        let names: Vec<&str> = names
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .collect();
        let columns: BTreeSet<String> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(
            columns.len(),
            names.len(),
            "{table}: a column stands there twice"
        );
        assert!(
            tables.insert(table.to_owned(), columns).is_none(),
            "{table} twice"
        );
    }
    tables
}

/// What the database has.
fn kept(database: &Connection) -> Tables {
    let sql = "SELECT tables.name, columns.name FROM sqlite_schema AS tables, \
               pragma_table_info(tables.name) AS columns \
               WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'";
    let mut query = database.prepare(sql).unwrap();
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let mut tables = Tables::new();
    for row in rows.unwrap() {
        let (table, column) = row.unwrap();
        tables.entry(table).or_default().insert(column);
    }
    tables
}

#[tokio::test]
async fn every_column_of_the_database_is_in_the_table_of_leaks() {
    let world = World::open(None).await;
    let database = Connection::open(world.options.data.join("hythe.db")).unwrap();
    let (listed, kept) = (listed(), kept(&database));
    for (table, columns) in &kept {
        let said = listed.get(table);
        let said = said.unwrap_or_else(|| panic!("docs/leaks.md says nothing of {table}"));
        assert_eq!(
            said, columns,
            "{table}: left docs/leaks.md, right the database"
        );
    }
    assert_eq!(
        listed.len(),
        kept.len(),
        "docs/leaks.md names a table that is not there"
    );
}
