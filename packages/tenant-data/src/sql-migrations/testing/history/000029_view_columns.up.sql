CREATE OR REPLACE VIEW public.active_users AS SELECT id, email, name, public_id FROM public.users WHERE status IN ('active', 'invited');
