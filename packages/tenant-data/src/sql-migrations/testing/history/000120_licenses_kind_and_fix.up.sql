BEGIN;
CREATE TYPE license_kind AS ENUM ('plain', 'special');
ALTER TABLE licenses ADD COLUMN kind license_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE licenses t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM licenses) o WHERE o.id = t.id;
ALTER TABLE licenses ALTER COLUMN position SET NOT NULL;
CREATE INDEX licenses_open ON licenses (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
