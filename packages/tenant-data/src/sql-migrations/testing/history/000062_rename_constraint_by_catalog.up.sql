DO $$
DECLARE
  con text;
BEGIN
  SELECT conname INTO con FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
  WHERE n.nspname IN ('public') AND conrelid = 'public.documents'::regclass AND contype = 'c';
  EXECUTE format('ALTER TABLE %I.%I RENAME CONSTRAINT %I TO %I', 'public', 'documents', con, 'documents_title_not_empty');
END $$;
