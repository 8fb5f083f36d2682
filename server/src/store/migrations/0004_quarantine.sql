-- What became of a refused change: 'open', 'taken-over' or 'dismissed', by whom, when and why.
ALTER TABLE quarantine ADD COLUMN state TEXT NOT NULL DEFAULT 'open';
ALTER TABLE quarantine ADD COLUMN settled_by BLOB REFERENCES accounts (id);
ALTER TABLE quarantine ADD COLUMN settled_ms INTEGER;
ALTER TABLE quarantine ADD COLUMN settled_reason TEXT;
CREATE INDEX quarantine_by_time ON quarantine (state, received_ms);
