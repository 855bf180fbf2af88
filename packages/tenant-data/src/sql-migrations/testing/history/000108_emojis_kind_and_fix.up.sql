BEGIN;
CREATE TYPE emoji_kind AS ENUM ('plain', 'special');
ALTER TABLE emojis ADD COLUMN kind emoji_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE emojis t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM emojis) o WHERE o.id = t.id;
ALTER TABLE emojis ALTER COLUMN position SET NOT NULL;
CREATE INDEX emojis_open ON emojis (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
