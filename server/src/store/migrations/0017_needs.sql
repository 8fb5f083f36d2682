-- What a record needs a supervisor for: 'review', 'difference', 'changed', 'overdue'; computed (`projection`). It waits
-- from the day after `deadline`, or from ever where that is ''. The area is the record's, so that counting opens none.
DROP TABLE needs;
CREATE TABLE needs (
    document BLOB NOT NULL,
    need     TEXT NOT NULL,
    area     BLOB NOT NULL REFERENCES areas (id),
    deadline TEXT NOT NULL,
    PRIMARY KEY (document, need)
) STRICT, WITHOUT ROWID;
CREATE INDEX needs_by_area ON needs (need, area, deadline, document);
DROP TABLE findings;
