-- Into which record a unit's was joined: its inspections count for that one (`projection`).
ALTER TABLE report_units DROP COLUMN joined;
ALTER TABLE report_units ADD COLUMN joined_into BLOB;
CREATE INDEX report_units_by_joined_into ON report_units (joined_into) WHERE joined_into IS NOT NULL;
