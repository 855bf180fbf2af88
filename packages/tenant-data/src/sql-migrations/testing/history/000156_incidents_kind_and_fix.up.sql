BEGIN;
CREATE TYPE incident_kind AS ENUM ('plain', 'special');
ALTER TABLE incidents ADD COLUMN kind incident_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE incidents t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM incidents) o WHERE o.id = t.id;
ALTER TABLE incidents ALTER COLUMN position SET NOT NULL;
CREATE INDEX incidents_open ON incidents (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
