-- What devices of members said of how far they were shown a space: of each device its furthest.
CREATE TABLE sightings (
    space       INTEGER NOT NULL,
    device      BLOB NOT NULL,
    signed      BLOB NOT NULL,
    disbelieved INTEGER NOT NULL,
    PRIMARY KEY (space, device)
) STRICT, WITHOUT ROWID;
