-- What was purged or dismissed stays known by its id, so that it can't come back.
CREATE TABLE tombstones (
    document  BLOB NOT NULL PRIMARY KEY,
    kind      TEXT NOT NULL,
    area      BLOB NOT NULL,
    rule      TEXT NOT NULL,
    changes   INTEGER NOT NULL,
    buried_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Records that no rule purges: needed for a complaint, an investigation, a court.
CREATE TABLE holds (
    document  BLOB NOT NULL PRIMARY KEY,
    reason    TEXT NOT NULL,
    account   BLOB NOT NULL REFERENCES accounts (id),
    placed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What each run of the rules purged, as JSON.
CREATE TABLE purges (
    id      BLOB NOT NULL PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    account BLOB REFERENCES accounts (id),
    report  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX purges_by_time ON purges (at_ms);

-- What devices brought back after a restore of documents that only the server writes: kept apart until an
-- administrator approves it. `waiting` or `dismissed`.
CREATE TABLE recovered (
    document    BLOB NOT NULL,
    hash        BLOB NOT NULL,
    position    INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    area        BLOB NOT NULL REFERENCES areas (id),
    actor       BLOB NOT NULL,
    bytes       BLOB NOT NULL,
    state       TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    PRIMARY KEY (document, hash)
) STRICT, WITHOUT ROWID;

-- Which devices brought it: the more of them, the less likely that somebody made it up.
CREATE TABLE recovered_by (
    document BLOB NOT NULL,
    hash     BLOB NOT NULL,
    device   BLOB NOT NULL REFERENCES devices (id),
    PRIMARY KEY (document, hash, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX recovered_by_device ON recovered_by (device);

-- Histories that this database had before it was restored: the actors of accounts follow from them.
CREATE TABLE former_epochs (
    epoch    BLOB NOT NULL PRIMARY KEY,
    ended_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
