-- New devices that ask to be let in by another one of an account.
CREATE TABLE approvals (
  id BLOB NOT NULL PRIMARY KEY,        -- follows from the code that the new device shows
  name TEXT NOT NULL,
  platform TEXT NOT NULL,
  address TEXT,
  asked_ms INTEGER NOT NULL,
  sealed BLOB                          -- a device URL, sealed under a key that follows from the code
) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_by_time ON approvals (asked_ms);
