BEGIN;
CREATE TYPE api_key_kind AS ENUM ('plain', 'special');
ALTER TABLE api_keys ADD COLUMN kind api_key_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE api_keys t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM api_keys) o WHERE o.id = t.id;
ALTER TABLE api_keys ALTER COLUMN position SET NOT NULL;
CREATE INDEX api_keys_open ON api_keys (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
