CREATE INDEX CONCURRENTLY idx_posts_props ON posts USING gin (props jsonb_path_ops);
CREATE INDEX CONCURRENTLY idx_posts_channel_id_created_at ON posts (channel_id, created_at);
