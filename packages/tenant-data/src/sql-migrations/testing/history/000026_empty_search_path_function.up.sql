CREATE OR REPLACE FUNCTION public.member_count(p_team bigint) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO ''
    AS $_$
  SELECT count(*) FROM public.team_members m JOIN public.users u ON u.id = m.user_id
  WHERE m.team_id = $1 AND u.status = 'active'::public.user_status
$_$;
