-- What the server signs decisions with, as it said at enrolment.
ALTER TABLE enrolment ADD COLUMN server_key BLOB CHECK (length(server_key) = 32);
