-- Where a unit lies, so that lists can be sorted by distance. NULL: it has no position.
ALTER TABLE projection ADD COLUMN latitude_microdegrees INTEGER;
ALTER TABLE projection ADD COLUMN longitude_microdegrees INTEGER;
-- Rows of these kinds are written anew from their documents when the book is opened.
INSERT INTO facts (name, value) SELECT 'stale_projections', 'unit'
    WHERE EXISTS (SELECT 1 FROM projection WHERE kind = 'unit');
