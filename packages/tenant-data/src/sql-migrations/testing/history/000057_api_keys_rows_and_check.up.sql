INSERT INTO api_keys (user_id, name, state)
SELECT 1 + n % 3, 'api_key ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 6) n;
ALTER TABLE api_keys ADD CONSTRAINT api_keys_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) NOT VALID;
