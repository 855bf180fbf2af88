CREATE OR REPLACE FUNCTION public.uuidv7_now() RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid;
END $$;
ALTER TABLE jobs ADD COLUMN trace uuid DEFAULT public.uuidv7_now();
