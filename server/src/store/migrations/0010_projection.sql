-- What lists, the inbox and search need beyond `documents`, computed from documents as they change
-- (`projection`). All of it can be computed again, and is at the start when another version of that code did it.

-- The latest decision about an inspection, and the heads that it was taken on, in ascending order.
CREATE TABLE decisions (
    inspection BLOB NOT NULL PRIMARY KEY,
    review     BLOB NOT NULL,
    decision   TEXT NOT NULL,
    decided_ms INTEGER,
    heads      BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What a record needs a supervisor for: 'review', 'difference', 'changed'.
CREATE TABLE needs (
    document BLOB NOT NULL,
    need     TEXT NOT NULL,
    PRIMARY KEY (document, need)
) STRICT, WITHOUT ROWID;
CREATE INDEX needs_by_need ON needs (need, document);

-- Findings that are not struck out, with where they stand.
CREATE TABLE findings (
    inspection BLOB NOT NULL,
    element    TEXT NOT NULL,
    state      TEXT NOT NULL,
    deadline   TEXT,
    PRIMARY KEY (inspection, element)
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_by_deadline ON findings (state, deadline, inspection);

-- Who has written in a document.
CREATE TABLE writers (
    account  BLOB NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (account, document)
) STRICT, WITHOUT ROWID;
CREATE INDEX writers_by_document ON writers (document);

-- What search looks through, as one text and word by word: the record's own and, for an inspection, its unit's.
CREATE TABLE search_texts (
    document BLOB NOT NULL PRIMARY KEY,
    text     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE search_words (
    word     TEXT NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (word, document)
) STRICT, WITHOUT ROWID;

-- The orders in which lists are read.
CREATE INDEX documents_by_date ON documents (kind, coalesce(date, ''), id);
CREATE INDEX documents_by_update ON documents (kind, updated_ms, id);
DROP INDEX documents_by_kind;
CREATE INDEX documents_by_title ON documents (kind, title, id);
