INSERT INTO emojis (user_id, name, state)
SELECT 1 + n % 3, 'emoji ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 10) n;
ALTER TABLE emojis ADD CONSTRAINT emojis_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) NOT VALID;
