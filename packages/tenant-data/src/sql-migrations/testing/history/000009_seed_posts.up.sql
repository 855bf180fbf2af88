INSERT INTO posts (channel_id, user_id, message, props, created_at)
SELECT c.id, 1 + (n % 3), 'message ' || n || E'\n\ttabbed', jsonb_build_object('n', n, 'tags', jsonb_build_array('a', n)),
       timestamptz '2021-04-01 00:00:00+00' + n * interval '1 hour'
FROM generate_series(1, 40) AS n
JOIN LATERAL (SELECT id FROM channels ORDER BY name OFFSET (n % 3) LIMIT 1) c ON true;
UPDATE posts SET root_id = id - 3 WHERE id > 30;
