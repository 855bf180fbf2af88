CREATE OR REPLACE FUNCTION public.mul_state(double precision, double precision) RETURNS double precision AS
$$ SELECT $1 * coalesce($2, 1) $$ LANGUAGE SQL IMMUTABLE;
CREATE AGGREGATE mul(double precision) (SFUNC = public.mul_state, STYPE = double precision, INITCOND = '1');
