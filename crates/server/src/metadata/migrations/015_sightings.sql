-- Schema version 15: what devices say of how far they were shown a space.
CREATE TABLE sightings (
  log INTEGER NOT NULL,
  device BLOB NOT NULL,                -- who signed it
  epoch BLOB NOT NULL,                 -- the life of the data that it speaks of
  sighting BLOB NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (log, device)
) STRICT, WITHOUT ROWID;
