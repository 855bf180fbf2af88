CREATE FUNCTION same_letters(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT lower($1) = lower($2) $$;
CREATE OPERATOR ~== (LEFTARG = text, RIGHTARG = text, FUNCTION = same_letters, COMMUTATOR = ~==);
