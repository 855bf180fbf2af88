CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX idx_posts_message_trgm ON posts USING gin (message gin_trgm_ops);
