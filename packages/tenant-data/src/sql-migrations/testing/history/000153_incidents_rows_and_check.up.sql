INSERT INTO incidents (id, user_id, name, state)
SELECT 'k' || n, 1 + n % 3, 'incident ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 14) n;
ALTER TABLE incidents ADD CONSTRAINT incidents_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) NOT VALID;
