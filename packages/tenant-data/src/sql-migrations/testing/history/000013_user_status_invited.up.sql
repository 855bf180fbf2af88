ALTER TYPE public.user_status ADD VALUE IF NOT EXISTS 'invited' BEFORE 'suspended';
