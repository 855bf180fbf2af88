CREATE TEXT SEARCH CONFIGURATION public.english_plain ( COPY = pg_catalog.english );
ALTER TEXT SEARCH CONFIGURATION english_plain ALTER MAPPING FOR hword, word WITH unaccent, english_stem;
