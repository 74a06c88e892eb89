-- Files that browsers are sending into open spaces, and what of them is there.
CREATE TABLE web_uploads (
  upload BLOB PRIMARY KEY,
  log INTEGER NOT NULL,
  device BLOB NOT NULL,
  parent BLOB NOT NULL,
  epoch INTEGER NOT NULL,              -- key epoch under which name and parts are sealed
  name BLOB NOT NULL,                  -- sealed
  size INTEGER NOT NULL,
  modified_ms INTEGER NOT NULL,
  replaces INTEGER NOT NULL,           -- whether a file of the name gets a new version
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX web_uploads_by_device ON web_uploads (device);
CREATE INDEX web_uploads_by_log ON web_uploads (log);

CREATE TABLE web_upload_parts (
  upload BLOB NOT NULL,
  position INTEGER NOT NULL,           -- where in the file it begins
  length INTEGER NOT NULL,
  chunks BLOB NOT NULL,                -- sealed
  PRIMARY KEY (upload, position)
) STRICT, WITHOUT ROWID;
