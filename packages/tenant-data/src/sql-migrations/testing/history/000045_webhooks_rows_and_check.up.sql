INSERT INTO webhooks (user_id, name, state)
SELECT 1 + n % 3, 'webhook ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 5) n;
ALTER TABLE webhooks ADD CONSTRAINT webhooks_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) ;
