DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'nobody_has_this_role') THEN
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO nobody_has_this_role;
  END IF;
END $$;
GRANT SELECT ON active_users TO PUBLIC;
REVOKE ALL ON FUNCTION public.member_count(bigint) FROM PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA public TO app_user;
CREATE ROLE app_user NOLOGIN;
SET ROLE app_user;
RESET ROLE;
