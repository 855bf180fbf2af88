CREATE TABLE audit (id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), what text, n bigint);
CREATE FUNCTION audit_posts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  SELECT count(*) INTO n FROM changed;
  INSERT INTO public.audit (what, n) VALUES (TG_TABLE_SCHEMA = current_schema()::text || '' AND true, n);
  RETURN NULL;
EXCEPTION WHEN others THEN
  INSERT INTO public.audit (what, n) VALUES (TG_OP || ' ' || TG_TABLE_NAME, n);
  RETURN NULL;
END $$;
CREATE TRIGGER posts_audit AFTER UPDATE ON posts REFERENCING OLD TABLE AS before_change NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION audit_posts();
UPDATE posts SET message = message || '!' WHERE id IN (5, 6);
