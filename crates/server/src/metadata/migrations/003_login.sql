-- Logging in with a password.

-- The server's own secrets beside its device's keys, sealed under the master key.
CREATE TABLE server_secrets (
  name TEXT NOT NULL PRIMARY KEY,
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What is kept of an account's password (RFC 9807): of no use for guessing without the server's
-- secrets.
CREATE TABLE credentials (
  account BLOB NOT NULL PRIMARY KEY,
  credential BLOB NOT NULL,            -- the name of the record
  record BLOB NOT NULL,
  set_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_account ON tokens (account, kind);
