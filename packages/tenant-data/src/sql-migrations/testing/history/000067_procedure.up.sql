CREATE OR REPLACE PROCEDURE public.archive_posts(before timestamptz)
LANGUAGE plpgsql
AS $procedure$
BEGIN
  UPDATE public.posts SET deleted_at = now() WHERE created_at < before;
  COMMIT;
END;
$procedure$;
CALL public.archive_posts('2021-04-01 05:00:00+00');
