CREATE FUNCTION any_of(needle text, VARIADIC haystack text[]) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$_$ SELECT $1 = ANY ($2) $_$;
