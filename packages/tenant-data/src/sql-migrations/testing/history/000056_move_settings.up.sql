CREATE TABLE IF NOT EXISTS settings (key text PRIMARY KEY, value jsonb);
WITH moved AS (
    DELETE FROM post_counts WHERE total = 0 RETURNING channel_id
)
INSERT INTO settings SELECT 'empty:' || channel_id, 'true'::jsonb FROM moved;
INSERT INTO settings VALUES ('schema', '{"default": "public", "tables": ["public.users"]}') ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value;
