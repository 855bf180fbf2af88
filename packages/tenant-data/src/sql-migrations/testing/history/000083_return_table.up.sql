CREATE OR REPLACE FUNCTION public.channel_posts(p_channel uuid, p_limit integer DEFAULT 10)
RETURNS TABLE (id bigint, message text, author public.citext)
LANGUAGE plpgsql STABLE ROWS 10 AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT p.id, p.message, u.email FROM public.posts p JOIN public.users u ON u.id = p.user_id
  WHERE p.channel_id = p_channel ORDER BY p.created_at DESC LIMIT p_limit;
END;
$$;
