-- An area that has become part of another. It stays: what devices still send there is filed in the other.
ALTER TABLE areas ADD COLUMN merged_into BLOB REFERENCES areas (id);
