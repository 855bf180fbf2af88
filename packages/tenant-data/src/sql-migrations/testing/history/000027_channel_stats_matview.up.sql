CREATE MATERIALIZED VIEW public.channel_stats AS
  SELECT c.id, c.name, count(p.id) AS posts, public.member_count(c.team_id) AS members
  FROM public.channels c LEFT JOIN public.posts p ON p.channel_id = c.id
  GROUP BY c.id, c.name, c.team_id
WITH DATA;
CREATE UNIQUE INDEX channel_stats_id ON channel_stats (id);
REFRESH MATERIALIZED VIEW CONCURRENTLY channel_stats;
