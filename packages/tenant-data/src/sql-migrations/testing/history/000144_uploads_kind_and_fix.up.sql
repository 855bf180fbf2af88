BEGIN;
CREATE TYPE upload_kind AS ENUM ('plain', 'special');
ALTER TABLE uploads ADD COLUMN kind upload_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE uploads t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM uploads) o WHERE o.id = t.id;
ALTER TABLE uploads ALTER COLUMN position SET NOT NULL;
CREATE INDEX uploads_open ON uploads (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
