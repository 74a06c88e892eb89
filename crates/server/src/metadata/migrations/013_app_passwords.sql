-- App passwords: what programs that know nothing of Hythe show.

CREATE TABLE app_passwords (
  hash BLOB NOT NULL PRIMARY KEY,      -- of 160 random bits
  account BLOB NOT NULL,
  device BLOB NOT NULL,                -- that made it
  name TEXT NOT NULL,                  -- what the person calls it
  read_only INTEGER NOT NULL,
  spaces BLOB,                         -- ids, one after the other; null: all open spaces
  created_ms INTEGER NOT NULL,
  used_ms INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX app_passwords_by_name ON app_passwords (account, name);
