UPDATE users SET status = 'invited' WHERE name = '';
ALTER TABLE users ALTER COLUMN status SET DEFAULT 'invited'::user_status;
