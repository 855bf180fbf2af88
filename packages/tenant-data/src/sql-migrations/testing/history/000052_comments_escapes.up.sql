COMMENT ON COLUMN posts.props IS E'It\'s JSON;\nsecond line \\ with $$ and public.posts';
COMMENT ON INDEX posts_search IS $c$used by "search"$c$;
COMMENT ON FUNCTION public.touch_updated_at() IS 'keeps updated_at';
COMMENT ON CONSTRAINT posts_user_fk ON posts IS NULL;
COMMENT ON TYPE channel_type IS 'O: open';
COMMENT ON SCHEMA public IS 'standard public schema';
