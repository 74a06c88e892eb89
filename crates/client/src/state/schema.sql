-- The state of one device. docs/format/client-state.md describes every column.

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE spaces (
    no           INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    role         INTEGER NOT NULL,
    server_epoch BLOB,
    cursor       INTEGER NOT NULL,
    chain        BLOB NOT NULL,
    digest       BLOB NOT NULL
) STRICT;

CREATE TABLE chain (
    space  INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    chain  BLOB NOT NULL,
    PRIMARY KEY (space, cursor)
) STRICT, WITHOUT ROWID;

-- Records of the fold other than nodes.
CREATE TABLE records (
    space  INTEGER NOT NULL,
    key    BLOB NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;

-- Not WITHOUT ROWID: rows are long and ids random, so rows are appended and a narrow index finds them.
CREATE TABLE remote (
    space              INTEGER NOT NULL,
    node               BLOB NOT NULL,
    parent             BLOB NOT NULL,
    tag                BLOB NOT NULL,
    kind               INTEGER NOT NULL,
    deleted            INTEGER NOT NULL,
    name               BLOB,
    quarantine         INTEGER NOT NULL,
    place_version      BLOB NOT NULL,
    attributes_version BLOB NOT NULL,
    body_version       BLOB,
    executable         INTEGER NOT NULL,
    modified           BLOB NOT NULL,
    size               INTEGER NOT NULL,
    hash               BLOB,
    record             BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX remote_node ON remote (space, node);
CREATE UNIQUE INDEX remote_tag ON remote (space, parent, tag) WHERE deleted = 0;
CREATE INDEX remote_name ON remote (space, parent, name) WHERE deleted = 0 AND quarantine = 0;

CREATE TABLE remote_body (
    space INTEGER NOT NULL,
    node  BLOB NOT NULL,
    body  BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX remote_body_node ON remote_body (space, node);

CREATE TABLE own (
    space    INTEGER PRIMARY KEY,
    counter  INTEGER NOT NULL,
    previous BLOB NOT NULL,
    -- A change set that was signed and whose acceptance is not known yet.
    underway BLOB
) STRICT;

CREATE TABLE folders (
    no               INTEGER PRIMARY KEY,
    id               BLOB NOT NULL UNIQUE,
    space            INTEGER NOT NULL,
    root             BLOB NOT NULL,
    path             BLOB NOT NULL UNIQUE,
    paused           INTEGER NOT NULL,
    generation       BLOB,
    next_generation  BLOB
) STRICT;

-- In the order in which a scan reads a directory.
CREATE TABLE local (
    folder     INTEGER NOT NULL,
    parent     BLOB NOT NULL,
    name       BLOB NOT NULL,
    node       BLOB NOT NULL,
    kind       INTEGER NOT NULL,
    executable INTEGER NOT NULL,
    racy       INTEGER NOT NULL,
    inode      INTEGER NOT NULL,
    stamp      BLOB NOT NULL,
    hash       BLOB,
    PRIMARY KEY (folder, parent, name)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX local_node ON local (folder, node);
CREATE INDEX local_inode ON local (folder, inode);

CREATE TABLE synced (
    folder             INTEGER NOT NULL,
    node               BLOB NOT NULL,
    parent             BLOB NOT NULL,
    name               BLOB NOT NULL,
    kind               INTEGER NOT NULL,
    place_version      BLOB NOT NULL,
    attributes_version BLOB NOT NULL,
    body_version       BLOB,
    executable         INTEGER NOT NULL,
    executable_on_disk INTEGER NOT NULL,
    modified           BLOB NOT NULL,
    stamp              BLOB NOT NULL,
    size               INTEGER NOT NULL,
    hash               BLOB
) STRICT;
CREATE UNIQUE INDEX synced_node ON synced (folder, node);

CREATE TABLE problems (
    folder  INTEGER NOT NULL,
    source  INTEGER NOT NULL,
    subject BLOB NOT NULL,
    path    BLOB NOT NULL,
    reason  TEXT NOT NULL,
    action  TEXT NOT NULL,
    since   INTEGER NOT NULL,
    retry   INTEGER,
    PRIMARY KEY (folder, source, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE pending (
    folder INTEGER NOT NULL,
    node   BLOB NOT NULL,
    stamp  BLOB NOT NULL,
    body   BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX pending_node ON pending (folder, node);

CREATE TABLE chunks (
    chunk  BLOB NOT NULL,
    folder INTEGER NOT NULL,
    node   BLOB NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (chunk, folder, node, offset)
) STRICT, WITHOUT ROWID;
