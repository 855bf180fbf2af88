CREATE INDEX CONCURRENTLY IF NOT EXISTS posts_created_at_idx ON public.posts (created_at DESC) WHERE deleted_at IS NULL;
