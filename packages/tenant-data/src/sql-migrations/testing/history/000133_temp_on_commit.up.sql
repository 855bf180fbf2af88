BEGIN;
CREATE TEMP TABLE dup ON COMMIT DROP AS SELECT user_id FROM memberships GROUP BY user_id HAVING count(*) > 1;
UPDATE settings SET value = (SELECT to_jsonb(count(*)) FROM dup) WHERE key = 'schema';
COMMIT;
