CREATE TEMPORARY TABLE fix AS SELECT id, lower(email::text) AS email FROM public.users;
UPDATE users SET email = fix.email FROM fix WHERE fix.id = users.id;
DROP TABLE fix;
