CREATE FUNCTION array_append_distinct(anycompatiblearray, anycompatible) RETURNS anycompatiblearray LANGUAGE sql IMMUTABLE AS
  $$ SELECT CASE WHEN $2 = ANY ($1) THEN $1 ELSE array_append($1, $2) END $$;
CREATE AGGREGATE public.distinct_agg (anycompatible) (
  SFUNC = array_append_distinct,
  STYPE = anycompatiblearray,
  INITCOND = '{}'
);
