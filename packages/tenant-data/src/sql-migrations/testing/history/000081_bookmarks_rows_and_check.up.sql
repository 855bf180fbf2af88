INSERT INTO bookmarks (user_id, name, state)
SELECT 1 + n % 3, 'bookmark ' || n, CASE WHEN n % 2 = 0 THEN 'open' ELSE 'closed' END FROM generate_series(1, 8) n;
ALTER TABLE bookmarks ADD CONSTRAINT bookmarks_state_check CHECK (state IN ('new', 'open', 'closed', 'public')) NOT VALID;
