-- The last position that an abandoned log and the one that is read instead have in common; set
-- while what was agreed on is not yet compared with the latter.
ALTER TABLE spaces ADD COLUMN common_cursor INTEGER;
ALTER TABLE spaces ADD COLUMN common_chain BLOB;

-- What the abandoned log said last, of nodes of which something else was agreed on.
CREATE TABLE abandoned (
    space              INTEGER NOT NULL,
    node               BLOB NOT NULL,
    place_version      BLOB NOT NULL,
    attributes_version BLOB NOT NULL,
    body_version       BLOB,
    PRIMARY KEY (space, node)
) STRICT, WITHOUT ROWID;
