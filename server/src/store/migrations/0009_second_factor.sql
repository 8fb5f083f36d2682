-- A second factor (TOTP): the secret is sealed under a key that lies outside of the database. It counts once it
-- was confirmed by a code. last_step: the newest time step whose code was used.
CREATE TABLE second_factors (
    account      BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    sealed       BLOB NOT NULL,
    begun_ms     INTEGER NOT NULL,
    confirmed_ms INTEGER,
    last_step    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Each is good once. SHA-256 of 78 random bits.
CREATE TABLE recovery_codes (
    account BLOB NOT NULL REFERENCES accounts (id),
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    used_ms INTEGER,
    PRIMARY KEY (account, digest)
) STRICT, WITHOUT ROWID;

-- Whose password was right and whose second factor is still to be shown.
CREATE TABLE pending_sign_ins (
    token_digest BLOB NOT NULL PRIMARY KEY CHECK (length(token_digest) = 32),
    account      BLOB NOT NULL REFERENCES accounts (id),
    expires_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
