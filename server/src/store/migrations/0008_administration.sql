-- What a device last said about itself: the build that runs on it, how far its clock is ahead of the
-- server's, and how much it had not sent yet.
ALTER TABLE devices ADD COLUMN reported_ms INTEGER;
ALTER TABLE devices ADD COLUMN clock_ahead_ms INTEGER;
ALTER TABLE devices ADD COLUMN waiting INTEGER;
ALTER TABLE devices ADD COLUMN waiting_attachments INTEGER;

-- What a check of a scheduled backup found.
CREATE TABLE backup_checks (
    name       TEXT NOT NULL PRIMARY KEY,
    checked_ms INTEGER NOT NULL,
    ok         INTEGER NOT NULL,
    faults     TEXT NOT NULL,
    documents  INTEGER NOT NULL,
    changes    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
