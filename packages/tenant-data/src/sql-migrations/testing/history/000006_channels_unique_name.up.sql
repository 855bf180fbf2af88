DO $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM information_schema.table_constraints
        WHERE table_schema = 'public' AND table_name = 'channels' AND constraint_name = 'channels_name_team_key'
    ) THEN
        ALTER TABLE public.channels ADD CONSTRAINT channels_name_team_key UNIQUE (team_id, name);
    END IF;
END $$;
