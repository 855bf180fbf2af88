CREATE TYPE address AS (street text, city citext, zip varchar(10));
ALTER TABLE users ADD home address;
UPDATE users SET home = ROW('Main St. 1', 'Köln', '50667')::address WHERE id = 1;
ALTER TYPE address ADD ATTRIBUTE country char(2);
