INSERT INTO plugins (user_id, name, state)
SELECT 1 + n % 3, 'plugin ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 12) n;
ALTER TABLE plugins ADD CONSTRAINT plugins_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) NOT VALID;
