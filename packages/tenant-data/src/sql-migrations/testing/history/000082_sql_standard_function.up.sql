CREATE FUNCTION post_total(channel uuid DEFAULT NULL) RETURNS bigint
LANGUAGE SQL STABLE
BEGIN ATOMIC
  SELECT count(*) FROM public.posts WHERE channel_id = channel OR channel IS NULL;
END;
