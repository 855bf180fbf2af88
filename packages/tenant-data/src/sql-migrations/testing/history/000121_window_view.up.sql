CREATE VIEW post_ranks AS
SELECT id, channel_id, row_number() OVER w AS rank, sum(length(message)) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS letters,
  CASE WHEN user_id IN (1, 2) THEN 'known' ELSE 'other' END AS who, array_agg(user_id) FILTER (WHERE user_id > 1) OVER w AS users
FROM posts WINDOW w AS (PARTITION BY channel_id ORDER BY id);
