DROP INDEX CONCURRENTLY IF EXISTS public.users_domain;
DROP INDEX IF EXISTS no_such_index, posts_props_tag;
