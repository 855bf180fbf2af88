ALTER TABLE settings ALTER COLUMN value TYPE json USING value::json;
ALTER TABLE settings ALTER COLUMN value TYPE jsonb USING value::jsonb;
