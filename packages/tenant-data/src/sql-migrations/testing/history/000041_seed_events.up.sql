INSERT INTO events (kind, payload, created_at)
SELECT (ARRAY['login', 'logout', 'view'])[1 + n % 3], jsonb_build_object('n', n), timestamptz '2021-06-01 00:00+00' + n * interval '20 days'
FROM generate_series(1, 25) n;
