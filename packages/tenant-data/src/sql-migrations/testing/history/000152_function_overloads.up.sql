CREATE FUNCTION public.pretty(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1::text $$;
CREATE FUNCTION public.pretty(public.address) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT ($1).street $$;
CREATE FUNCTION public.pretty(VARIADIC text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT array_to_string($1, ', ') $$;
ALTER FUNCTION public.pretty(int) OWNER TO postgres;
ALTER FUNCTION public.pretty(int) COST 5 SET work_mem = '8MB';
DROP FUNCTION public.pretty(VARIADIC text[]);
