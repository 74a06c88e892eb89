-- Files that wait until a member of a sealed space takes them in; and those that none could, without
-- their fields.
CREATE TABLE parcels (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  log INTEGER NOT NULL,
  upload BLOB NOT NULL,
  link BLOB,                           -- the link that it came through; none: from a member
  account BLOB NOT NULL,               -- who put it, or gave the link out
  received_ms INTEGER NOT NULL,
  epoch INTEGER NOT NULL,              -- key epoch of the inbox's key
  wrapped BLOB NOT NULL,
  name BLOB NOT NULL,
  attributes BLOB NOT NULL,
  body BLOB NOT NULL,
  size INTEGER NOT NULL,
  signature BLOB NOT NULL,
  tree INTEGER NOT NULL,               -- whether refs is one root
  refs BLOB NOT NULL,                  -- ids of chunks, one after the other
  refused_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX parcels_by_upload ON parcels (log, upload);

-- What devices say of the inboxes of spaces: public keys, signed.
CREATE TABLE inbox_cards (
  log INTEGER NOT NULL,
  device BLOB NOT NULL,
  account BLOB NOT NULL,
  card BLOB NOT NULL,
  made_ms INTEGER NOT NULL,
  PRIMARY KEY (log, device)
) STRICT, WITHOUT ROWID;
