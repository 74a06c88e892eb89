-- A folder inside another one: the attachment that it fills, and the folder that holds it.
ALTER TABLE folders ADD COLUMN within INTEGER;
ALTER TABLE folders ADD COLUMN attachment BLOB;

-- Directories that are becoming (ended is 0) or have become (1) spaces of their own.
CREATE TABLE moved (
    space  INTEGER NOT NULL,
    node   BLOB NOT NULL,
    target BLOB NOT NULL,
    ended  INTEGER NOT NULL,
    PRIMARY KEY (space, node)
) STRICT, WITHOUT ROWID;

CREATE INDEX remote_attachment ON remote (space) WHERE kind = 3 AND deleted = 0;
