CREATE FUNCTION public.default_locale() RETURNS text LANGUAGE sql STABLE AS $$ SELECT coalesce((SELECT value #>> '{}' FROM public.settings WHERE key = 'locale'), 'en') $$;
ALTER TABLE channels ADD COLUMN locale text DEFAULT public.default_locale();
