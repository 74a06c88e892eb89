-- Browsers that are signed in: each is a device that shows a cookie instead of its token.
CREATE TABLE web_sessions (
  hash BLOB PRIMARY KEY,
  device BLOB NOT NULL,
  created_ms INTEGER NOT NULL,
  ends_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX web_sessions_by_device ON web_sessions (device);
