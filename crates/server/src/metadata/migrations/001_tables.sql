-- Tables of schema version 1. Written in SQLite's words; `migrate.rs` says them in PostgreSQL's.
-- Ids and hashes are bytes, times are milliseconds since 1970, booleans are 0 and 1.

-- The server itself: one row.
CREATE TABLE server (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  epoch BLOB NOT NULL,                 -- the present life of the data
  starts INTEGER NOT NULL,             -- how often a server was started on it
  account BLOB NOT NULL,               -- the server's own account
  device BLOB NOT NULL,                -- the device that signs for it
  secrets BLOB NOT NULL,               -- its keys, sealed under the master key
  created_ms INTEGER NOT NULL
) STRICT;

-- Logs: of spaces, and of accounts (an account's log has the account's id and no nodes).
-- The row of a log is what every change of it locks first.
CREATE TABLE logs (
  no INTEGER PRIMARY KEY AUTOINCREMENT, -- short name of the log in the other tables
  id BLOB NOT NULL UNIQUE,             -- space id or account id
  kind INTEGER NOT NULL,               -- 0 space, 1 account
  open INTEGER NOT NULL,               -- whether the server is a member
  owner BLOB,                          -- the account whose personal space it is
  cursor INTEGER NOT NULL,             -- the head
  chain BLOB NOT NULL,
  digest BLOB NOT NULL,                -- the sum behind the state digest; empty for an account
  stored_bytes INTEGER NOT NULL,       -- sealed bytes of all its chunks
  state BLOB NOT NULL,                 -- the folded state of an account; empty for a space
  created_ms INTEGER NOT NULL
) STRICT;

-- Change sets in order. Never changed, except that sealed parts may be purged.
CREATE TABLE entries (
  log INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  header BLOB NOT NULL,                -- header hash
  chain BLOB NOT NULL,
  digest BLOB NOT NULL,                -- hash of the state digest after it
  author BLOB NOT NULL,                -- device
  received_ms INTEGER NOT NULL,
  length INTEGER NOT NULL,             -- of change_set, so that pages can be measured
  change_set BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_by_cursor ON entries (log, cursor);
CREATE UNIQUE INDEX entries_by_header ON entries (log, header);

-- The fold: nodes. The record is authoritative; parent, tag and deleted repeat what is in it, for
-- the indexes. A row id keeps the wide rows in order of creation, so that the two narrow indexes
-- are all that random ids scatter.
CREATE TABLE nodes (
  log INTEGER NOT NULL,
  node BLOB NOT NULL,
  parent BLOB NOT NULL,
  tag BLOB NOT NULL,
  deleted INTEGER NOT NULL,            -- 0, or the cursor of the change set that deleted it
  created INTEGER NOT NULL,            -- cursor of the change set that created it
  record BLOB NOT NULL,
  name BLOB,                           -- sealed parts; NULL where one was purged
  attributes BLOB,
  body BLOB
) STRICT;
CREATE UNIQUE INDEX nodes_by_id ON nodes (log, node);
-- T1: sibling names are unique among the living.
CREATE UNIQUE INDEX nodes_by_name ON nodes (log, parent, tag) WHERE deleted = 0;
CREATE INDEX nodes_deleted ON nodes (log, deleted DESC, node) WHERE deleted <> 0;

-- Which later change sets wrote a node; the first is nodes.created.
CREATE TABLE versions (
  log INTEGER NOT NULL,
  node BLOB NOT NULL,
  cursor INTEGER NOT NULL,
  PRIMARY KEY (log, node, cursor)
) STRICT, WITHOUT ROWID;

-- The fold: the space itself, key epochs, members, authors.
CREATE TABLE records (
  log INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  key BLOB NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (log, kind, key)
) STRICT, WITHOUT ROWID;

-- Members again, to be found by account.
CREATE TABLE members (
  account BLOB NOT NULL,
  log INTEGER NOT NULL,
  role INTEGER NOT NULL,
  PRIMARY KEY (account, log)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_log ON members (log);

CREATE TABLE checkpoints (
  log INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  device BLOB NOT NULL,                -- who signed it
  checkpoint BLOB NOT NULL,
  PRIMARY KEY (log, cursor, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
  account BLOB NOT NULL PRIMARY KEY,
  login TEXT NOT NULL UNIQUE,
  admin INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE devices (
  device BLOB NOT NULL PRIMARY KEY,
  account BLOB NOT NULL,
  token_hash BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  platform TEXT NOT NULL,
  version TEXT NOT NULL,
  folders TEXT NOT NULL,               -- JSON
  address TEXT,                        -- last seen from
  port INTEGER,
  last_seen_ms INTEGER,
  created_ms INTEGER NOT NULL,
  removed_ms INTEGER                   -- NULL while it belongs to the account
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_account ON devices (account);

-- Invites (kind 0) and one-time tokens of devices to come (kind 1). Only hashes are kept.
CREATE TABLE tokens (
  token_hash BLOB NOT NULL PRIMARY KEY,
  kind INTEGER NOT NULL,
  account BLOB,                        -- who gave it out; NULL: the server's admin
  admin INTEGER NOT NULL,              -- whether the invited account becomes an admin
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  used_by BLOB                         -- the device that used it
) STRICT, WITHOUT ROWID;

-- What was answered to a device's operation (C6).
CREATE TABLE operations (
  device BLOB NOT NULL,
  operation BLOB NOT NULL,
  log INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  PRIMARY KEY (device, operation)
) STRICT, WITHOUT ROWID;

CREATE TABLE packs (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  name BLOB NOT NULL UNIQUE,           -- BLAKE3 of the pack
  length INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;

-- Chunks and stored layout nodes. Two versions of a compressor give one chunk two sealed forms;
-- each is kept, because layouts name them by their seal.
CREATE TABLE chunks (
  log INTEGER NOT NULL,
  chunk BLOB NOT NULL,
  seal BLOB NOT NULL,
  length INTEGER NOT NULL,
  pack INTEGER NOT NULL,               -- packs.no, or 0: in inline_chunks
  position INTEGER NOT NULL,           -- offset in the pack, or inline_chunks.no
  layout INTEGER NOT NULL,             -- 0 chunk, 1 layout node, 2 layout node known to be complete
  bad INTEGER NOT NULL,                -- whether a read found other bytes than were stored
  PRIMARY KEY (log, chunk, seal)
) STRICT, WITHOUT ROWID;
CREATE INDEX chunks_bad ON chunks (log) WHERE bad <> 0;

-- Chunks that came with small commits, until a job moves them into a pack.
CREATE TABLE inline_chunks (
  no INTEGER PRIMARY KEY AUTOINCREMENT,
  log INTEGER NOT NULL,
  chunk BLOB NOT NULL,
  sealed BLOB NOT NULL
) STRICT;

-- What stored layout nodes refer to: chunk ids, one after the other.
CREATE TABLE layout_refs (
  log INTEGER NOT NULL,
  chunk BLOB NOT NULL,
  refs BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX layout_refs_by_chunk ON layout_refs (log, chunk);

-- A device between "which chunks are missing" and its commit. Garbage collection never removes
-- from a log what it condemned after the oldest lease began.
CREATE TABLE leases (
  log INTEGER NOT NULL,
  device BLOB NOT NULL,
  begun_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (log, device)
) STRICT, WITHOUT ROWID;
