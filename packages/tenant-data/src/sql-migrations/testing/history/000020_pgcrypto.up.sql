CREATE EXTENSION IF NOT EXISTS pgcrypto;
ALTER TABLE users ADD COLUMN password_hash text;
UPDATE users SET password_hash = crypt('secret', gen_salt('bf', 4)) WHERE id = 1;
UPDATE users SET password_hash = encode(public.digest(email::text, 'sha256'), 'hex') WHERE id > 1;
