-- Adds a value and uses it at once.
ALTER TYPE user_status ADD VALUE 'deactivated';
UPDATE users SET status = 'deactivated' WHERE status = 'suspended';
