-- Whom to tell of events over HTTP. events: a JSON array. secret: 32 bytes; the one before a rotation is good for a
-- while longer. enabled 0 with a reason: the server stopped it.
CREATE TABLE webhooks (
    id               BLOB NOT NULL PRIMARY KEY,
    url              TEXT NOT NULL,
    events           TEXT NOT NULL,
    secret           BLOB NOT NULL,
    old_secret       BLOB,
    old_until_ms     INTEGER,
    enabled          INTEGER NOT NULL,
    stopped_reason   TEXT,
    failing_since_ms INTEGER,
    created_ms       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The outbox: written in the transaction of the event. state: waiting, delivered or given-up.
CREATE TABLE webhook_deliveries (
    id          BLOB NOT NULL PRIMARY KEY,
    webhook     BLOB NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event       TEXT NOT NULL,
    body        TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    state       TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    next_ms     INTEGER NOT NULL,
    last_ms     INTEGER,
    last_status INTEGER,
    last_error  TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, state, next_ms);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook, id);
CREATE INDEX webhook_deliveries_over ON webhook_deliveries (state, created_ms);
