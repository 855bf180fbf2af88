INSERT INTO uploads (user_id, name, state)
SELECT 1 + n % 3, 'upload ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 13) n;
ALTER TABLE uploads ADD CONSTRAINT uploads_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) ;
