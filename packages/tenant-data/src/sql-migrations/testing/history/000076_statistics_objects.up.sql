CREATE STATISTICS public.posts_stats (dependencies, ndistinct) ON channel_id, user_id FROM public.posts;
CREATE STATISTICS ON lower(name) FROM users;
