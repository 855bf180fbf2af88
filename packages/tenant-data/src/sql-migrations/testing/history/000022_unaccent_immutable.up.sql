CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE OR REPLACE FUNCTION public.f_unaccent(text)
  RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
AS $func$
SELECT public.unaccent('public.unaccent', $1)  -- schema-qualify function and dictionary
$func$;
CREATE INDEX users_name_unaccent ON users (lower(public.f_unaccent(name)));
