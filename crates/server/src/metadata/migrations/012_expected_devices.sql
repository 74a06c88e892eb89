-- Devices that accounts are said to have and that have not enrolled: what a list of users told when it was imported.

CREATE TABLE expected_devices (
  account BLOB NOT NULL,
  no INTEGER NOT NULL,                 -- its place in the list
  address TEXT,                        -- where it was seen
  port INTEGER,
  path TEXT NOT NULL,                  -- the local directory
  files TEXT NOT NULL,                 -- what is in it, as JSON
  PRIMARY KEY (account, no)
) STRICT, WITHOUT ROWID;
