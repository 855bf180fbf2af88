INSERT INTO drafts (id, user_id, name, state)
SELECT 'k' || n, 1 + n % 3, 'draft ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 9) n;
ALTER TABLE drafts ADD CONSTRAINT drafts_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) ;
