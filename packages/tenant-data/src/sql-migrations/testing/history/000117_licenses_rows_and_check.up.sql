INSERT INTO licenses (user_id, name, state)
SELECT 1 + n % 3, 'license ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 11) n;
ALTER TABLE licenses ADD CONSTRAINT licenses_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) ;
