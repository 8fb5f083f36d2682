-- What operations of the host came to, so that one whose answer was lost is not done twice. answer is JSON. The
-- oldest go first.
CREATE TABLE operations (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    operation   BLOB NOT NULL CHECK (length(operation) = 16),
    step        INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    UNIQUE (operation, step)
) STRICT;
