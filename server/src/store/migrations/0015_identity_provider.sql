-- Whom of an identity provider an account belongs to: an administrator says by which e-mail address or login
-- they are known there, and the first sign-in binds the account to the provider's own id of them.
CREATE TABLE identities (
    account   BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    claim     TEXT NOT NULL UNIQUE,
    issuer    TEXT,
    subject   TEXT,
    linked_ms INTEGER,
    UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;

-- Who has been sent to the provider: bound to the browser by a cookie, good once.
CREATE TABLE provider_sign_ins (
    state_digest   BLOB NOT NULL PRIMARY KEY CHECK (length(state_digest) = 32),
    browser_digest BLOB NOT NULL CHECK (length(browser_digest) = 32),
    nonce          TEXT NOT NULL,
    verifier       TEXT NOT NULL,
    expires_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whether a session was begun at the provider.
ALTER TABLE sessions ADD COLUMN by_provider INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pending_sign_ins ADD COLUMN by_provider INTEGER NOT NULL DEFAULT 0;
