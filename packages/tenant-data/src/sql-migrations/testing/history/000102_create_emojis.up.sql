CREATE TABLE IF NOT EXISTS public.emojis (
    id bigserial PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id) ON DELETE RESTRICT,
    name varchar(192) NOT NULL UNIQUE,
    state text NOT NULL DEFAULT 'public',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX CONCURRENTLY IF NOT EXISTS emojis_user_id_idx ON emojis (user_id);
