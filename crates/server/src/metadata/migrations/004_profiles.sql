-- What accounts say about their owners, and second factors.

CREATE TABLE profiles (
  account BLOB NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,                  -- what others are shown
  email TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE second_factors (
  account BLOB NOT NULL PRIMARY KEY,
  sealed BLOB NOT NULL,                -- the secret of an authenticator, sealed
  confirmed INTEGER NOT NULL,          -- whether a code of it was shown
  last_step INTEGER NOT NULL           -- the step of the last code that was taken: none counts twice
) STRICT, WITHOUT ROWID;
