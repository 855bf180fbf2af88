DO $$
BEGIN
  IF NOT EXISTS (
    SELECT column_name FROM information_schema.columns
    WHERE table_name = 'users' AND table_schema = current_schema() AND column_name = 'locale'
  ) THEN
    ALTER TABLE users ADD COLUMN locale varchar(5) NOT NULL DEFAULT 'en';
  END IF;
END
$$;
