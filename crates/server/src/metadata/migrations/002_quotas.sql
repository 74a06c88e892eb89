-- Schema version 2: quotas. A space counts for one account; limits are bytes, NULL is no limit.
ALTER TABLE logs ADD COLUMN payer BLOB;
ALTER TABLE logs ADD COLUMN limit_bytes INTEGER;
ALTER TABLE accounts ADD COLUMN limit_bytes INTEGER;
-- A space that was made before counts for whoever owns it, or signed its first change set.
UPDATE logs SET payer = COALESCE(owner, (
  SELECT devices.account FROM entries, devices
  WHERE entries.log = logs.no AND entries.cursor = 1 AND devices.device = entries.author
)) WHERE kind = 0;
CREATE INDEX logs_by_payer ON logs (payer);

-- What uploads under way may still store. It counts as used until the upload ends or its time does.
CREATE TABLE reservations (
  log INTEGER NOT NULL,
  device BLOB NOT NULL,
  upload BLOB NOT NULL,
  bytes INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (log, device, upload)
) STRICT, WITHOUT ROWID;

-- What whoever runs the server has decided, by name.
CREATE TABLE settings (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
