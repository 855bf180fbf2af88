DO $$
DECLARE
  idx record;
BEGIN
  FOR idx IN SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'posts' AND indexname LIKE 'idx\_posts\_props%'
  LOOP
    EXECUTE 'DROP INDEX public.' || quote_ident(idx.indexname);
    RAISE NOTICE 'dropped public.%', idx.indexname;
  END LOOP;
END $$;
