INSERT INTO reactions (user_id, name, state)
SELECT 1 + n % 3, 'reaction ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 7) n;
ALTER TABLE reactions ADD CONSTRAINT reactions_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) ;
