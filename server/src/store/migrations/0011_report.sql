-- What the report counts, of each unit, each of its years and each inspection: computed from the documents,
-- so that the report opens none of them. NULL is "nobody recorded it".

CREATE TABLE report_units (
    document         BLOB NOT NULL PRIMARY KEY,
    kind             TEXT,
    joined           INTEGER NOT NULL,
    closed           INTEGER,
    in_scope         INTEGER,
    protection_force INTEGER,
    synthetic        INTEGER NOT NULL,
    conflicts        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE report_years (
    unit                    BLOB NOT NULL,
    year                    INTEGER NOT NULL,
    in_scope                INTEGER,
    eligible                INTEGER,
    protection_force        INTEGER,
    protection_plan         INTEGER,
    model                   INTEGER,
    registered              INTEGER NOT NULL,
    submitted               INTEGER NOT NULL,
    recognition             TEXT,
    class                   TEXT,
    scheme                  TEXT,
    window_start            TEXT,
    window_end              TEXT,
    commended_collective    INTEGER,
    commended_individuals   INTEGER,
    PRIMARY KEY (unit, year)
) STRICT, WITHOUT ROWID;

-- `open_deadlines`: the days until which open findings are to be put right, joined by spaces.
CREATE TABLE report_inspections (
    unit            BLOB NOT NULL,
    document        BLOB NOT NULL,
    campaign        BLOB,
    visited         INTEGER,
    finished        INTEGER NOT NULL,
    window_start    TEXT,
    window_end      TEXT,
    incidents       INTEGER NOT NULL,
    findings_opened INTEGER NOT NULL,
    findings_closed INTEGER NOT NULL,
    open_deadlines  TEXT NOT NULL,
    conflicts       INTEGER NOT NULL,
    PRIMARY KEY (unit, document)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX report_inspections_by_document ON report_inspections (document);
