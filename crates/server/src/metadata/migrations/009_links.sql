-- Links: who has one sees a node and what is below it, without an account.
CREATE TABLE links (
  link BLOB NOT NULL PRIMARY KEY,
  log INTEGER NOT NULL,
  node BLOB NOT NULL,                  -- the node that it shows
  account BLOB NOT NULL,               -- who gave it out
  device BLOB NOT NULL,
  verifier BLOB NOT NULL,              -- hash of the token that whoever has it shows
  link_grant BLOB NOT NULL,            -- what the device signed
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  downloads_limit INTEGER,
  downloads INTEGER NOT NULL,          -- how often files were opened
  revoked_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_log ON links (log, created_ms);

-- How links were used; the last ones only. An opened file is read by its opening.
CREATE TABLE link_uses (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  link BLOB NOT NULL,
  log INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  action INTEGER NOT NULL,             -- 0 looked, 1 opened
  network TEXT NOT NULL,               -- the address without its end
  node BLOB,
  opening BLOB,
  written INTEGER                      -- position of the change set that wrote the opened content
) STRICT;
CREATE INDEX link_uses_by_link ON link_uses (link, no);
CREATE UNIQUE INDEX link_uses_by_opening ON link_uses (link, opening) WHERE opening IS NOT NULL;
