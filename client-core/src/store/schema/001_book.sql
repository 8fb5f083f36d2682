-- One row: this installation. The actor is drawn when the book is first opened, and enrolment binds
-- it to an officer and a device.
CREATE TABLE enrolment (
    one             INTEGER PRIMARY KEY CHECK (one = 1),
    actor           BLOB NOT NULL CHECK (length(actor) = 16),
    server          TEXT,
    credential      TEXT,
    expires_ms      INTEGER,
    epoch           BLOB CHECK (length(epoch) = 16),
    device          BLOB CHECK (length(device) = 16),
    account         BLOB CHECK (length(account) = 16),
    account_name    TEXT,
    account_title   TEXT,
    server_name     TEXT
) STRICT;

-- What this device replicates, and how far it has come. base, seq and cursor_check are the cursor of
-- the sync protocol; fingerprint is kept over the acknowledged heads of the documents of the area.
CREATE TABLE areas (
    number              INTEGER PRIMARY KEY,
    area                BLOB NOT NULL UNIQUE CHECK (length(area) = 16),
    in_scope            INTEGER NOT NULL,
    writable            INTEGER NOT NULL,
    base                INTEGER NOT NULL DEFAULT 0,
    seq                 INTEGER NOT NULL DEFAULT 0,
    cursor_check        BLOB NOT NULL DEFAULT x'0000000000000000',
    fingerprint         BLOB NOT NULL DEFAULT x'00000000000000000000000000000000',
    -- What the server last stated at the end of a pull; NULL while there is more to pull.
    server_fingerprint  BLOB,
    -- The heads are to be compared with the server's before this area counts as the same.
    reconcile           INTEGER NOT NULL DEFAULT 0,
    -- Both fingerprints after a comparison that could not make them agree.
    disagreed           BLOB
) STRICT;

-- snapshot holds acknowledged changes only. snapshot_received holds, eight bytes big-endian each, when
-- the server received them, in the document's own order. Heads are 32 bytes each, ascending.
CREATE TABLE documents (
    number              INTEGER PRIMARY KEY,
    document            BLOB NOT NULL UNIQUE CHECK (length(document) = 16),
    kind                TEXT NOT NULL,
    area                BLOB NOT NULL CHECK (length(area) = 16),
    snapshot            BLOB,
    snapshot_received   BLOB,
    acked_heads         BLOB NOT NULL,
    heads               BLOB NOT NULL,
    -- The local copy goes as soon as nothing of it is pending.
    leaving             INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX documents_by_area ON documents (area);

-- Changes that are not in a snapshot yet, in an order in which each follows what it builds on. Those
-- with state 'pending' are the outbox. reoffered: it was acknowledged before, and the server lost it.
CREATE TABLE changes (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    document    BLOB NOT NULL REFERENCES documents (document) ON DELETE CASCADE,
    hash        BLOB NOT NULL CHECK (length(hash) = 32),
    bytes       BLOB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('acked', 'pending')),
    saved_ms    INTEGER NOT NULL,
    received_ms INTEGER,
    reoffered   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (document, hash)
) STRICT;
CREATE INDEX changes_pending ON changes (number) WHERE state = 'pending';

-- What was refused: by the server ('sent'), or by this device of what the server sent ('received').
-- Nothing here is part of a document, and nothing leaves by itself.
CREATE TABLE quarantine (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    document    BLOB NOT NULL,
    kind        TEXT NOT NULL,
    area        BLOB NOT NULL,
    title       TEXT NOT NULL,
    hash        BLOB NOT NULL,
    bytes       BLOB NOT NULL,
    direction   TEXT NOT NULL CHECK (direction IN ('sent', 'received')),
    refusal     TEXT NOT NULL,
    noted_ms    INTEGER NOT NULL,
    UNIQUE (document, hash, direction)
) STRICT;

-- What lists and search read, so that neither opens a document. search is folded and begins with a
-- space, so that the beginning of every word is found after a space.
CREATE TABLE projection (
    number      INTEGER PRIMARY KEY,
    document    BLOB NOT NULL UNIQUE REFERENCES documents (document) ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    area        BLOB NOT NULL,
    title       TEXT NOT NULL,
    search      TEXT NOT NULL,
    subject     BLOB,
    campaign    BLOB,
    state       TEXT NOT NULL,
    date        TEXT,
    -- An inspection's earliest deadline among its open findings.
    deadline    TEXT,
    -- An assignment's accounts, hyphenated ids between spaces.
    people      TEXT,
    conflicts   INTEGER NOT NULL,
    schema      INTEGER NOT NULL
) STRICT;
CREATE INDEX projection_by_kind ON projection (kind, area);
CREATE INDEX projection_by_subject ON projection (subject) WHERE subject IS NOT NULL;
CREATE INDEX projection_by_campaign ON projection (campaign) WHERE campaign IS NOT NULL;
CREATE INDEX projection_conflicts ON projection (conflicts) WHERE conflicts > 0;

-- Whose an actor is, from the rosters in the area documents. Rows stay when an officer leaves.
CREATE TABLE actors (
    number      INTEGER PRIMARY KEY,
    actor       BLOB NOT NULL UNIQUE CHECK (length(actor) = 16),
    account     BLOB NOT NULL,
    name        TEXT NOT NULL,
    title       TEXT NOT NULL,
    device_name TEXT NOT NULL
) STRICT;

-- What happened that a person should be able to look up: a repair, a lost area, a bad entry.
CREATE TABLE events (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms   INTEGER NOT NULL,
    event   TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;

-- Single facts: last_verified_ms, last_error.
CREATE TABLE facts (
    number  INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    value   TEXT NOT NULL
) STRICT;
