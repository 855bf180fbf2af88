BEGIN;
CREATE TYPE plugin_kind AS ENUM ('plain', 'special');
ALTER TABLE plugins ADD COLUMN kind plugin_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE plugins t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM plugins) o WHERE o.id = t.id;
ALTER TABLE plugins ALTER COLUMN position SET NOT NULL;
CREATE INDEX plugins_open ON plugins (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
