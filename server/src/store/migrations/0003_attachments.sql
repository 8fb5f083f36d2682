-- Photos, scans and signature images. The bytes lie in the object store, named by their SHA-256.
CREATE TABLE attachments (
    hash        BLOB NOT NULL PRIMARY KEY,
    media_type  TEXT NOT NULL,
    bytes       INTEGER NOT NULL,
    width       INTEGER,
    height      INTEGER,
    received_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The bytes of this attachment were brought for this document. Access follows this, not what records name.
CREATE TABLE attachment_links (
    document  BLOB NOT NULL,
    hash      BLOB NOT NULL REFERENCES attachments (hash),
    rendition TEXT NOT NULL,
    device    BLOB NOT NULL,
    linked_ms INTEGER NOT NULL,
    PRIMARY KEY (document, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX attachment_links_by_hash ON attachment_links (hash);

-- Attachments whose last document was removed: the object goes after the transaction that says so.
CREATE TABLE attachment_removals (
    hash BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Uploads. `offset`: how many bytes are on disk. `state`: open, done, or why the whole was refused.
CREATE TABLE uploads (
    id         BLOB NOT NULL PRIMARY KEY,
    device     BLOB NOT NULL REFERENCES devices (id),
    document   BLOB NOT NULL,
    hash       BLOB NOT NULL,
    media_type TEXT,
    rendition  TEXT NOT NULL,
    length     INTEGER NOT NULL,
    offset     INTEGER NOT NULL,
    metadata   TEXT NOT NULL,
    state      TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_device ON uploads (device, state);
CREATE INDEX uploads_by_document ON uploads (document, hash);

CREATE TABLE upload_tokens (
    token_digest BLOB NOT NULL PRIMARY KEY,
    device       BLOB NOT NULL REFERENCES devices (id),
    expires_ms   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_tokens_by_device ON upload_tokens (device, expires_ms);

-- Bytes that a device has sent on a day (UTC).
CREATE TABLE upload_days (
    device BLOB NOT NULL REFERENCES devices (id),
    day    TEXT NOT NULL,
    bytes  INTEGER NOT NULL,
    PRIMARY KEY (device, day)
) STRICT, WITHOUT ROWID;
