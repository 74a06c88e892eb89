-- The end of spaces, and how often accounts invite.

-- When an owner wants a space to end; NULL: it stays.
ALTER TABLE logs ADD COLUMN ends_ms INTEGER;

-- Spaces that ended, for those who were members: their devices let go of them.
CREATE TABLE ended_spaces (
  account BLOB NOT NULL,
  space BLOB NOT NULL,
  ended_ms INTEGER NOT NULL,
  PRIMARY KEY (account, space)
) STRICT, WITHOUT ROWID;

-- Invitations of the last hour, by name and by link.
CREATE TABLE invitations_made (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  account BLOB NOT NULL,               -- who invited
  made_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX invitations_made_by_account ON invitations_made (account, made_ms);
