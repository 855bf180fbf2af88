CREATE OR REPLACE FUNCTION public.member_count(p_team bigint) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = ''
    AS 'SELECT count(*) FROM public.memberships m WHERE m.team_id = $1';
REFRESH MATERIALIZED VIEW public.channel_stats;
