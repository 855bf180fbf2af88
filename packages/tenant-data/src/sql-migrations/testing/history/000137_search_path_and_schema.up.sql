SET search_path = public, pg_catalog;
CREATE TABLE IF NOT EXISTS flags (name text PRIMARY KEY, on_for text[] NOT NULL DEFAULT '{}');
SET SCHEMA 'public';
INSERT INTO flags VALUES ('new_ui', ARRAY['beta', 'staff']);
ALTER TABLE flags SET SCHEMA public;
