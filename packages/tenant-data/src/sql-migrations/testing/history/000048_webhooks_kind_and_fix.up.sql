BEGIN;
CREATE TYPE webhook_kind AS ENUM ('plain', 'special');
ALTER TABLE webhooks ADD COLUMN kind webhook_kind NOT NULL DEFAULT 'plain', ADD COLUMN position integer;
UPDATE webhooks t SET position = o.n FROM (SELECT id, row_number() OVER (ORDER BY created_at, name) AS n FROM webhooks) o WHERE o.id = t.id;
ALTER TABLE webhooks ALTER COLUMN position SET NOT NULL;
CREATE INDEX webhooks_open ON webhooks (position) WHERE state IN ('new', 'open') AND name <> ALL (ARRAY['x', 'y']);
COMMIT;
