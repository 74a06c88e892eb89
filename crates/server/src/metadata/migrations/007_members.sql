-- Accounts that were asked into a space and have not said yes: a no row is a yes. Private to the
-- account, so not in the log, where the role stands from the beginning.
CREATE TABLE invitations (
  account BLOB NOT NULL,
  log INTEGER NOT NULL,
  answer INTEGER NOT NULL,             -- 0 none yet, 1 declined
  asked_by BLOB NOT NULL,              -- the account that invited
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (account, log)
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_by_log ON invitations (log);

-- Since when an account has its role; unknown for those from before.
ALTER TABLE members ADD COLUMN since_ms INTEGER;
