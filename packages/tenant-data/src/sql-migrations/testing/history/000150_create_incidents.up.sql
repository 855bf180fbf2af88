CREATE TABLE IF NOT EXISTS public.incidents (
    id text PRIMARY KEY,
    user_id bigint REFERENCES users (id) ON DELETE CASCADE,
    name varchar(320) NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'new',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX CONCURRENTLY incidents_user_id_idx ON incidents (user_id);
