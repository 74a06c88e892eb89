-- Schema version 5: administration.
ALTER TABLE accounts ADD COLUMN suspended_ms INTEGER;   -- NULL unless it is suspended
ALTER TABLE accounts ADD COLUMN removal_ms INTEGER;     -- when it will be removed; NULL: it stays

-- What an invite is bound to.
ALTER TABLE tokens ADD COLUMN login TEXT;               -- the login name; NULL is any
ALTER TABLE tokens ADD COLUMN limit_bytes INTEGER;      -- NULL: as other new accounts; -1: none

-- What was administered. Rows are added and never changed; each holds the hash of the one before.
CREATE TABLE audit (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  outcome TEXT NOT NULL,
  link BLOB NOT NULL
) STRICT;

-- Spaces that went with their account. Their positions count on, so that the database does not look
-- like an older copy of itself.
CREATE TABLE removed_logs (
  id BLOB NOT NULL PRIMARY KEY,
  cursor INTEGER NOT NULL,
  removed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
