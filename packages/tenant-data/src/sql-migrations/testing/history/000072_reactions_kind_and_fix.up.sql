BEGIN;
CREATE TYPE reaction_kind AS ENUM ('plain', 'special');
ALTER TABLE reactions ADD COLUMN kind reaction_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE reactions t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM reactions) o WHERE o.id = t.id;
ALTER TABLE reactions ALTER COLUMN position SET NOT NULL;
CREATE INDEX reactions_open ON reactions (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
