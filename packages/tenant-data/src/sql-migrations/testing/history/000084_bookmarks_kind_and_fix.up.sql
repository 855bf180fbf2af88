BEGIN;
CREATE TYPE bookmark_kind AS ENUM ('plain', 'special');
ALTER TABLE bookmarks ADD COLUMN kind bookmark_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE bookmarks t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM bookmarks) o WHERE o.id = t.id;
ALTER TABLE bookmarks ALTER COLUMN position SET NOT NULL;
CREATE INDEX bookmarks_open ON bookmarks (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
