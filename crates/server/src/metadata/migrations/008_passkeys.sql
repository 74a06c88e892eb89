-- Passkeys as second factors of logins.

CREATE TABLE passkeys (
  credential BLOB NOT NULL PRIMARY KEY, -- its id, which the authenticator drew
  account BLOB NOT NULL,
  name TEXT NOT NULL,                  -- what the person calls it
  party TEXT NOT NULL,                 -- the name of the server that it was made for
  state BLOB NOT NULL,                 -- what the library keeps: the public key
  sign_count INTEGER NOT NULL,         -- how often it said that it was used
  created_ms INTEGER NOT NULL,
  used_ms INTEGER,
  copied_ms INTEGER                    -- when one was shown that had counted less
) STRICT, WITHOUT ROWID;

CREATE INDEX passkeys_by_account ON passkeys (account);

-- What a browser was asked and has not answered.
CREATE TABLE passkey_challenges (
  bound_to BLOB NOT NULL PRIMARY KEY,  -- hash of who may answer: a login's session, or a device and what for
  account BLOB NOT NULL,
  creates INTEGER NOT NULL,            -- whether the answer is a new passkey
  state BLOB NOT NULL,                 -- what the library keeps: the challenge, and the keys it is for
  expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX passkey_challenges_by_account ON passkey_challenges (account);
