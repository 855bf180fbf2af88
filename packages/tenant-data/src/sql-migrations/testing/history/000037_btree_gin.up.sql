CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX posts_user_props ON posts USING gin (user_id, props);
