CREATE TABLE IF NOT EXISTS public.plugins (
    id serial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name varchar(256) NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX CONCURRENTLY IF NOT EXISTS plugins_user_id_idx ON plugins (user_id);
