BEGIN;
CREATE TYPE new_user_status AS ENUM ('active', 'invited', 'deactivated');
ALTER TABLE users ALTER COLUMN status DROP DEFAULT;
ALTER TABLE users
    ALTER COLUMN status TYPE new_user_status USING (status::text::new_user_status);
ALTER TABLE users ALTER COLUMN status SET DEFAULT 'active'::new_user_status;
DROP TYPE user_status;
ALTER TYPE new_user_status RENAME TO user_status;
COMMIT;
