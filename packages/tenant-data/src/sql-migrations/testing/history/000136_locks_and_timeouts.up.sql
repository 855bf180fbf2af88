SET LOCAL lock_timeout = '5s';
SET statement_timeout TO '2min';
SET session_preload_libraries_unknown.custom = 'x';
LOCK TABLE users IN ACCESS EXCLUSIVE MODE;
ALTER TABLE users ADD COLUMN seen_at timestamptz;
RESET statement_timeout;
