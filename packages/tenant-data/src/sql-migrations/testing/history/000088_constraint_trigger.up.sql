CREATE FUNCTION public.check_owner() RETURNS trigger AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM public.memberships WHERE team_id = OLD.team_id AND scope = 'owner') THEN
    RAISE EXCEPTION 'team % needs an owner', OLD.team_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$ LANGUAGE plpgsql;
CREATE CONSTRAINT TRIGGER memberships_owner AFTER UPDATE OR DELETE ON public.memberships
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.check_owner();
UPDATE memberships SET scope = 'admin' WHERE user_id = 2;
