DROP FUNCTION IF EXISTS public.channel_posts(uuid, integer);
CREATE FUNCTION public.channel_posts(p_channel uuid) RETURNS SETOF public.posts LANGUAGE sql STABLE AS
'SELECT * FROM public.posts WHERE channel_id = p_channel';
