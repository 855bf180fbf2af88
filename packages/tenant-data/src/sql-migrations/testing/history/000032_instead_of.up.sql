CREATE FUNCTION insert_active_user() RETURNS trigger LANGUAGE plpgsql AS '
BEGIN
  INSERT INTO public.users (email, name) VALUES (NEW.email, COALESCE(NEW.name, ''''));
  RETURN NEW;
END';
CREATE TRIGGER active_users_insert INSTEAD OF INSERT ON active_users FOR EACH ROW EXECUTE FUNCTION insert_active_user();
INSERT INTO active_users (email) VALUES ('dee@example.com');
