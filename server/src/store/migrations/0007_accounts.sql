-- Who is shut out for failing too often, by the digest of what was tried and from where.
CREATE TABLE lockouts (
    subject  BLOB NOT NULL PRIMARY KEY CHECK (length(subject) = 32),
    failures INTEGER NOT NULL,
    last_ms  INTEGER NOT NULL,
    until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lockouts_by_time ON lockouts (last_ms);

-- Until when a password is good that an administrator set for somebody; NULL for one's own.
ALTER TABLE accounts ADD COLUMN password_until_ms INTEGER;
