-- Ids and hashes are blobs of 16 and 32 bytes, times are milliseconds since 1970-01-01 UTC.

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE areas (
    id          BLOB NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    level       TEXT NOT NULL,
    parent      BLOB REFERENCES areas (id),
    last_seq    INTEGER NOT NULL DEFAULT 0,
    fingerprint BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX areas_by_parent ON areas (parent);

-- One row for each document. Everything but id, kind, area and heads is derived and can be computed again.
CREATE TABLE documents (
    id         BLOB NOT NULL PRIMARY KEY,
    kind       TEXT NOT NULL,
    area       BLOB NOT NULL REFERENCES areas (id),
    heads      BLOB NOT NULL,
    changes    INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    title      TEXT NOT NULL,
    search     TEXT NOT NULL,
    subject    BLOB,
    campaign   BLOB,
    state      TEXT NOT NULL,
    date       TEXT,
    conflicts  INTEGER NOT NULL,
    schema     INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX documents_by_area ON documents (area, kind);
CREATE INDEX documents_by_kind ON documents (kind, title);
CREATE INDEX documents_by_subject ON documents (subject, kind);
CREATE INDEX documents_by_campaign ON documents (campaign, kind);

-- Every change ever accepted, in the order of arrival: the truth that all else follows from.
CREATE TABLE changes (
    document    BLOB NOT NULL REFERENCES documents (id),
    position    INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    actor       BLOB NOT NULL,
    bytes       BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    device      BLOB,
    account     BLOB,
    PRIMARY KEY (document, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX changes_by_hash ON changes (document, hash);

-- A cache: the first `changes` changes of a document as one chunk. `received` holds when the server
-- received each, as 8-byte big-endian numbers in the order of the document's own history.
CREATE TABLE snapshots (
    document BLOB NOT NULL PRIMARY KEY REFERENCES documents (id),
    changes  INTEGER NOT NULL,
    bytes    BLOB NOT NULL,
    received BLOB NOT NULL
) STRICT;

-- The gapless log of each area. `what`: 0 a change, 1 the document left, 2 the document arrived.
CREATE TABLE log (
    area     BLOB NOT NULL REFERENCES areas (id),
    seq      INTEGER NOT NULL,
    document BLOB NOT NULL,
    what     INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    PRIMARY KEY (area, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_by_document ON log (document, area, seq);

-- The newest log row of every document that is or was in an area: the order in which a pull goes.
CREATE TABLE news (
    area     BLOB NOT NULL REFERENCES areas (id),
    document BLOB NOT NULL,
    last_seq INTEGER NOT NULL,
    gone     INTEGER NOT NULL,
    PRIMARY KEY (area, document)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX news_by_seq ON news (area, last_seq);

CREATE TABLE accounts (
    id            BLOB NOT NULL PRIMARY KEY,
    login         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    title         TEXT NOT NULL,
    role          TEXT NOT NULL,
    password_hash TEXT,
    active        INTEGER NOT NULL,
    created_ms    INTEGER NOT NULL
) STRICT;

-- An account's areas. A grant holds for the area and everything below it.
CREATE TABLE grants (
    account BLOB NOT NULL REFERENCES accounts (id),
    area    BLOB NOT NULL REFERENCES areas (id),
    PRIMARY KEY (account, area)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_by_area ON grants (area);

CREATE TABLE sessions (
    token_digest BLOB NOT NULL PRIMARY KEY,
    account      BLOB NOT NULL REFERENCES accounts (id),
    created_ms   INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account, created_ms);

CREATE TABLE codes (
    id          BLOB NOT NULL PRIMARY KEY,
    code_digest BLOB NOT NULL UNIQUE,
    account     BLOB NOT NULL REFERENCES accounts (id),
    created_by  BLOB REFERENCES accounts (id),
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    used_ms     INTEGER
) STRICT;

CREATE TABLE devices (
    id                BLOB NOT NULL PRIMARY KEY,
    account           BLOB NOT NULL REFERENCES accounts (id),
    name              TEXT NOT NULL,
    app_version       TEXT NOT NULL,
    credential_digest BLOB NOT NULL UNIQUE,
    expires_ms        INTEGER NOT NULL,
    enrolled_ms       INTEGER NOT NULL,
    last_seen_ms      INTEGER NOT NULL,
    revoked_ms        INTEGER
) STRICT;
CREATE INDEX devices_by_account ON devices (account);

-- Who an actor is: a device of an account, or the account itself writing through the server.
CREATE TABLE actors (
    actor      BLOB NOT NULL PRIMARY KEY,
    account    BLOB NOT NULL REFERENCES accounts (id),
    device     BLOB REFERENCES devices (id),
    created_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX actors_by_device ON actors (device);

-- What the server refused, kept for a supervisor to look at.
CREATE TABLE quarantine (
    device      BLOB NOT NULL REFERENCES devices (id),
    document    BLOB NOT NULL,
    hash        BLOB NOT NULL,
    kind        TEXT NOT NULL,
    area        BLOB NOT NULL,
    bytes       BLOB NOT NULL,
    reason      TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    PRIMARY KEY (device, document, hash)
) STRICT;
CREATE INDEX quarantine_by_document ON quarantine (document, hash);
