CREATE EXTENSION IF NOT EXISTS hstore;
ALTER TABLE users ADD COLUMN attributes hstore NOT NULL DEFAULT ''::hstore;
UPDATE users SET attributes = hstore(ARRAY['theme', 'dark', 'lang', 'de']) WHERE id = 2;
CREATE INDEX users_attributes ON users USING gin (attributes);
