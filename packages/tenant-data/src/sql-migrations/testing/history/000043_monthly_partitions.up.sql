DO $do$
DECLARE
    m date;
    part text;
BEGIN
    FOR m IN SELECT generate_series('2024-01-01'::date, '2024-03-01'::date, interval '1 month')::date LOOP
        part := 'events_' || to_char(m, 'YYYY_MM');
        IF to_regclass('public.' || part) IS NULL THEN
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.events FOR VALUES FROM (%L) TO (%L)', part, m, m + interval '1 month');
        END IF;
    END LOOP;
END
$do$;
