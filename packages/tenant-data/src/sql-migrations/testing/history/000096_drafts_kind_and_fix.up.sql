BEGIN;
CREATE TYPE draft_kind AS ENUM ('plain', 'special');
ALTER TABLE drafts ADD COLUMN kind draft_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE drafts t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM drafts) o WHERE o.id = t.id;
ALTER TABLE drafts ALTER COLUMN position SET NOT NULL;
CREATE INDEX drafts_open ON drafts (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
