CREATE MATERIALIZED VIEW post_cube AS
SELECT channel_id, user_id, count(*) AS n, string_agg(DISTINCT left(message, 3), ',' ORDER BY left(message, 3)) AS starts
FROM posts GROUP BY GROUPING SETS ((channel_id, user_id), (channel_id), ()) WITH NO DATA;
