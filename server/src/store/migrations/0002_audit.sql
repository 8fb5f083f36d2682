-- Who did what: an append-only log in which each row's hash covers the row and the hash before it.
-- The triggers stop mistakes; who goes around them breaks the chain, and a check says at which row.
CREATE TABLE audit (
    seq         INTEGER NOT NULL PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    account     BLOB,
    device      BLOB,
    action      TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object      TEXT NOT NULL,
    area        BLOB,
    outcome     TEXT NOT NULL,
    detail      TEXT NOT NULL,
    hash        BLOB NOT NULL
) STRICT;
CREATE INDEX audit_by_object ON audit (object, seq);
CREATE INDEX audit_by_account ON audit (account, seq);
CREATE INDEX audit_by_action ON audit (action, seq);

-- Where the log begins: the last row that was taken off its beginning, and that row's hash.
CREATE TABLE audit_start (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    through INTEGER NOT NULL,
    hash    BLOB NOT NULL
) STRICT;
INSERT INTO audit_start (one, through, hash) VALUES (1, 0, zeroblob(32));

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit rows are not changed'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
WHEN OLD.seq > (SELECT through FROM audit_start)
BEGIN SELECT RAISE(ABORT, 'audit rows are not deleted'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM audit)
BEGIN SELECT RAISE(ABORT, 'audit rows are not replaced'); END;
CREATE TRIGGER audit_start_moves_on BEFORE UPDATE ON audit_start
WHEN NEW.through <= OLD.through
BEGIN SELECT RAISE(ABORT, 'the beginning of the audit log only moves on'); END;
CREATE TRIGGER audit_start_stays BEFORE DELETE ON audit_start
BEGIN SELECT RAISE(ABORT, 'the beginning of the audit log stays'); END;
