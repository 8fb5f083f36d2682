-- The device shows itself by a key that it made, and no longer by a credential. next_seed is on disk before
-- the server hears of its key; it becomes seed when the server has answered. A book that was enrolled
-- with a credential has to be enrolled once more; nothing else of it changes.
ALTER TABLE enrolment DROP COLUMN credential;
ALTER TABLE enrolment ADD COLUMN seed BLOB CHECK (length(seed) = 32);
ALTER TABLE enrolment ADD COLUMN next_seed BLOB CHECK (length(next_seed) = 32);
ALTER TABLE enrolment ADD COLUMN renew_ms INTEGER;
