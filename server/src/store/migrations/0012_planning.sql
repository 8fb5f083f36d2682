-- Who is to do an assignment, computed from the document (`projection`).
CREATE TABLE assignees (
    assignment BLOB NOT NULL,
    account    BLOB NOT NULL,
    PRIMARY KEY (assignment, account)
) STRICT, WITHOUT ROWID;
