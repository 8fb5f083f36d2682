-- Photos, scans and signature images of the records here. state: waiting to be sent, done (the server said
-- that it has it), refused (it never will), fetched (it came from the server and is kept for looking at).
CREATE TABLE attachments (
    number      INTEGER PRIMARY KEY,
    document    BLOB NOT NULL CHECK (length(document) = 16),
    hash        BLOB NOT NULL CHECK (length(hash) = 32),
    rendition   TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    bytes       INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'refused', 'fetched')),
    -- Where the server keeps the upload, and how far it was when last heard of.
    upload      TEXT,
    sent        INTEGER NOT NULL DEFAULT 0,
    -- Why it was refused or has to wait: the problem's slug, and the server's words.
    reason      TEXT,
    reason_en   TEXT,
    reason_vi   TEXT,
    added_ms    INTEGER NOT NULL,
    done_ms     INTEGER,
    UNIQUE (document, hash)
) STRICT;
CREATE INDEX attachments_waiting ON attachments (rendition, bytes) WHERE state = 'waiting';
CREATE INDEX attachments_by_hash ON attachments (hash);

-- Their bytes, in parts of 256 KiB, so that a piece to be sent is read without the rest.
CREATE TABLE attachment_parts (
    number  INTEGER PRIMARY KEY,
    hash    BLOB NOT NULL CHECK (length(hash) = 32),
    part    INTEGER NOT NULL,
    bytes   BLOB NOT NULL,
    UNIQUE (hash, part)
) STRICT;
