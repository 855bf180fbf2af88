VACUUM (ANALYZE) posts;
ANALYZE public.users;
