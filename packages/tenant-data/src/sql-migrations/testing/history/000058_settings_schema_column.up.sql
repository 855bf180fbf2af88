ALTER TABLE settings ADD COLUMN visibility text NOT NULL DEFAULT 'public';
UPDATE settings SET visibility = 'private' WHERE visibility = 'public' AND key LIKE 'empty:%';
