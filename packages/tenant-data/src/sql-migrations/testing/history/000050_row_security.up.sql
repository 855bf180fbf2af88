ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
CREATE POLICY posts_visible ON posts FOR SELECT USING (deleted_at IS NULL OR user_id = nullif(current_setting('app.user', true), '')::bigint);
CREATE POLICY posts_own ON public.posts AS RESTRICTIVE FOR UPDATE TO PUBLIC USING (true) WITH CHECK (user_id IS NOT NULL);
